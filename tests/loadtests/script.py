"""A server that sends what the test wants."""

import contextlib
from collections.abc import Callable

import gevent
from gevent import socket
from gevent.server import StreamServer
from gevent.ssl import SSLContext

from loadtests.connection import Address

Serve = Callable[..., "Script"]
CLOSE = b"(close)"
Answer = bytes | Callable[[bytes], bytes]
"""An answer, or a function that makes it from the request."""


class Script:
    """A server that answers each request with the next of `answers`, cut into pieces; b"" means holding the request.

    It closes the connection after an answer whose number is in `closes_after`, and instead of one that is CLOSE.
    """

    def __init__(
        self,
        *answers: Answer,
        piece_bytes: int = 0,
        host: str = "127.0.0.1",
        tls: SSLContext | None = None,
    ) -> None:
        self.closes_after: set[int] = set()
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = list(answers)
        self._piece_bytes = piece_bytes
        secure = {} if tls is None else {"ssl_context": tls}
        self._server = StreamServer((host, 0), self._serve, **secure)
        self._server.start()
        self.address = Address(host, self._server.server_port)

    def add(self, *answers: Answer) -> None:
        self._answers += answers

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        with contextlib.closing(stream):
            self._answer(stream)

    def _answer(self, stream: socket.socket) -> None:
        self.connections += 1
        while self._answers and (request := stream.recv(65536)):
            self.requests.append(request)
            answer = self._answers.pop(0)
            if callable(answer):
                answer = answer(request)
            if answer == CLOSE:
                break
            if not answer:
                stream.recv(1)
                break
            size = self._piece_bytes or len(answer)
            for start in range(0, len(answer), size):
                stream.sendall(answer[start : start + size])
                gevent.sleep(0)
            if b"close" in answer or len(self.requests) in self.closes_after:
                break
