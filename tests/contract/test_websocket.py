"""WebSocket: the handshake, and what is answered to a client that keeps to RFC 6455."""
