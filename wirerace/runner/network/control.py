"""The proxy's process: the proxy between clients and one server, and a port at which it reports and is controlled."""

import contextlib
import os
import re
import socket
import sys
from http import HTTPStatus

import msgspec

from wirerace.decoding import decode_json
from wirerace.errors import BadInput
from wirerace.experiment.paths import LINK_KEYS, NetworkPath
from wirerace.options import variable_of
from wirerace.runner.network.proxy import Proxy

PARENT_EVERY_SECONDS = 1.0
MOST_REQUEST_BYTES = 65_536
HEAD = "HTTP/1.1 {0.value} {0.phrase}\r\nContent-Type: {1}\r\nConnection: close\r\nContent-Length: {2}\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,5})\r\n", re.IGNORECASE)


class ProxyControl:
    """Answers every request that has the token, and closes.

    `PUT /path` changes the link, `POST /cut` cuts all connections, and everything else gets the report since the last
    one.
    """

    def __init__(self, port: int, proxy: Proxy, token: str = "", host: str = "127.0.0.1") -> None:
        self._proxy = proxy
        self._token = token.encode()
        self._listener = socket.create_server((host, port))
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
            asker, request = self._listener.accept()[0], bytearray()
            asker.setblocking(False)
            self._proxy.attend(asker, lambda: self._read(asker, request))

    def _read(self, asker: socket.socket, request: bytearray) -> None:
        """Take a part of a request, and answer when it is whole. One without the token, or too long, is just closed."""
        part = b""
        with contextlib.suppress(OSError):
            part = asker.recv(MOST_REQUEST_BYTES)
        request += part
        if part and len(request) < MOST_REQUEST_BYTES and not is_whole(request):
            return
        self._proxy.ignore(asker)
        with asker, contextlib.suppress(OSError):
            if is_whole(request) and self._token in request:
                asker.sendall(self._answer(bytes(request)))

    def _answer(self, request: bytes) -> bytes:
        try:
            status, kind, body = HTTPStatus.OK, "application/json", msgspec.json.encode(self._done(request))
        except BadInput as error:
            status, kind, body = HTTPStatus.BAD_REQUEST, "text/plain; charset=utf-8", f"{error}\n".encode()
        return HEAD.format(status, kind, len(body)).encode() + body

    def _done(self, request: bytes) -> object:
        """Do what a request asks for, and return what its answer says.

        Raises BadInput when its body is not valid.
        """
        head, _, body = request.partition(b"\r\n\r\n")
        match head.split(b" ", 2)[:2]:
            case [b"PUT", b"/path"]:
                path = decode_json(body, NetworkPath, "the path")
                refuse_all_but_a_link(path)
                self._proxy.path = path
                return path
            case [b"POST", b"/cut"]:
                return {"cuts": self._proxy.cut()}
            case _:
                return self._proxy.report()


def is_whole(request: bytes | bytearray) -> bool:
    """Return whether a request has its whole head and body."""
    head, blank, body = bytes(request).partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(blank) and len(body) >= (int(length[1]) if length else 0)


def refuse_all_but_a_link(path: NetworkPath) -> None:
    """Raise BadInput for what a running link cannot change."""
    for key in path.__struct_fields__:
        if key not in LINK_KEYS and getattr(path, key) != getattr(NetworkPath(), key):
            raise BadInput(f"{key} cannot be changed while it runs: change {', '.join(LINK_KEYS)}")


def place_of(host: str, port: int) -> tuple[str, int]:
    """Return the address of a server; of a name with several, the first one that takes connections.

    Raises OSError when there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, _, _, place in found:
        with socket.socket(family, kind) as looking:
            if len(found) == 1 or looking.connect_ex(place) == 0:
                return str(place[0]), port
    raise ConnectionRefusedError(f"nothing listens at {host}:{port}")


def main(listen: str, control_port: str, server: str, path: str, seed: str) -> None:
    """Carry what comes over the link of a path, given as JSON, until the parent has ended or a signal ends this.

    Clients and orders come to one host. The server's name is looked up once, so the server has to keep its address.
    """
    parent_pid = int(os.environ.get(variable_of("parent_pid"), "0"))
    link = decode_json(path.encode(), NetworkPath, "the path")
    (host, _, port), (server_host, _, server_port) = listen.rpartition(":"), server.rpartition(":")
    try:
        place = place_of(server_host.strip("[]"), int(server_port))
    except OSError as error:
        sys.exit(f"the link finds no server at {server}: {error}")
    try:
        proxy = Proxy(int(port), place, link, int(seed), host)
        ProxyControl(int(control_port), proxy, os.environ.get(variable_of("control_token"), ""), host)
    except OSError as error:
        sys.exit(f"the link cannot listen on port {port} or {control_port}: {error.strerror}: run it again")
    while not parent_pid or os.getppid() == parent_pid:
        proxy.turn(PARENT_EVERY_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
