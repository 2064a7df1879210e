"""Network paths as processes: the proxy between clients and server."""
