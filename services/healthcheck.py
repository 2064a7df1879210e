"""Asks /health on a port of this machine: `python -S services/healthcheck.py 8001` exits with 0 when it answers 200.

For containers, which have no curl. It imports as little as it can: it runs every few seconds beside what is measured.
"""

import socket
import sys

ANSWER_SECONDS = 2.0


def is_healthy(port: int) -> bool:
    """Return whether /health answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy(int(sys.argv[1])))
