"""An echo on loopback: every message comes back, after as long as it says. A program of its own, for it has a core."""

import socket
import struct
import sys
import time

MESSAGE_BYTES = 140  # an update with 100 bytes of payload
DELAY_SECONDS = struct.Struct("!d")
"""What a message begins with."""


def main() -> None:
    """Connect to the port that is given, and echo until the other side closes."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := stream.recv(MESSAGE_BYTES, socket.MSG_WAITALL):
            (delay_seconds,) = DELAY_SECONDS.unpack_from(message)
            if delay_seconds:
                time.sleep(delay_seconds)
            stream.sendall(message)


if __name__ == "__main__":
    main()
