"""Places at which something listens that is no server of updates."""

import contextlib
import socket
import ssl
import threading
from typing import Self

SILENCE = b"silence"
ALIVE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Place:
    """A server in a thread that reads once, sends the same bytes to everybody, with TLS or without, and hangs up."""

    def __init__(self, said: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.said = said
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for taken in (self._socket, *self._taken):
            taken.close()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            self._taken.append(taken)
            if self.said != SILENCE:
                with contextlib.suppress(OSError):
                    self._answer(taken)

    def _answer(self, taken: socket.socket) -> None:
        taken.settimeout(5)
        talking = self._tls.wrap_socket(taken, server_side=True) if self._tls else taken
        with talking:
            talking.recv(65_536)
            talking.sendall(self.said)
