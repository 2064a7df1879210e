"""The floor of a fan-out without a C compiler: the same as floor.c, as a loop over socket.send()."""

import socket
import sys
import time
from pathlib import Path


def main() -> None:
    """Serve for ever: PORT CLIENTS RATE HEAD_FILE FRAME_FILE."""
    port, count, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    head, frame = (Path(path).read_bytes() for path in sys.argv[4:])
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    while True:
        clients = [_accept(listener, head) for _ in range(count)]
        due = time.monotonic()
        try:
            while True:
                due += 1 / rate
                time.sleep(max(0.0, due - time.monotonic()))
                for client in clients:
                    client.send(frame, socket.MSG_DONTWAIT)
        except OSError:  # A client has left: the round is over.
            for client in clients:
                client.close()


def _accept(listener: socket.socket, head: bytes) -> socket.socket:
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.send(head)
    return client


if __name__ == "__main__":
    main()
