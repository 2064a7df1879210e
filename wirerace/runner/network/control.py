"""The proxy's process: the proxy between clients and one server, and a port that reports how it keeps the delay."""

import contextlib
import os
import socket
import sys

import msgspec

from wirerace.options import variable_of
from wirerace.runner.network.proxy import Proxy

PARENT_EVERY_SECONDS = 1.0
MOST_REQUEST_BYTES = 65_536
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class ProxyControl:
    """Answers every request that has the token with the proxy's report since the last one, on loopback."""

    def __init__(self, port: int, proxy: Proxy, token: str = "") -> None:
        self._proxy = proxy
        self._token = token.encode()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        proxy.attend(self._listener, self._accept)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Stop answering."""
        self._proxy.ignore(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            asker = self._listener.accept()[0]
            asker.setblocking(False)
            self._proxy.attend(asker, lambda: self._answer(asker))

    def _answer(self, asker: socket.socket) -> None:
        """Answer a request, which fits into one segment, and close. A connection without a request is just closed."""
        self._proxy.ignore(asker)
        with asker, contextlib.suppress(OSError):
            if (request := asker.recv(MOST_REQUEST_BYTES)) and self._token in request:
                body = msgspec.json.encode(self._proxy.report())
                asker.sendall(HEAD % len(body) + body)


def main(port: str, control_port: str, server_port: str, delay_seconds: str) -> None:
    """Forward until the parent has ended, or until a signal ends this process."""
    parent_pid = int(os.environ.get(variable_of("parent_pid"), "0"))
    proxy = Proxy(int(port), ("127.0.0.1", int(server_port)), float(delay_seconds))
    ProxyControl(int(control_port), proxy, os.environ.get(variable_of("control_token"), ""))
    while not parent_pid or os.getppid() == parent_pid:
        proxy.turn(PARENT_EVERY_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
