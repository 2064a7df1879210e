"""An echo on loopback: every message comes back after the delay in it. It is a program, so that it has its own core."""

import socket
import struct
import sys
import time

MESSAGE_BYTES = 140  # an update with 100 bytes of payload
DELAY_SECONDS = struct.Struct("!d")
"""The beginning of a message."""


def main() -> None:
    """Connect to the port in the arguments, and echo until the other side closes."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := stream.recv(MESSAGE_BYTES, socket.MSG_WAITALL):
            (delay_seconds,) = DELAY_SECONDS.unpack_from(message)
            if delay_seconds:
                time.sleep(delay_seconds)
            stream.sendall(message)


if __name__ == "__main__":
    main()
