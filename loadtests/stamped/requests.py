"""Requests: what a user's paths, headers and bodies become on the wire, and the client that sends them."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

import msgspec

from loadtests.answers import AnswerReader
from loadtests.connection import Address, Stamp, StampedConnection
from loadtests.http import HttpConnection
from wirerace.errors import BadInput, is_text, shown

_TOKEN = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110, section 5.6.2
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN_TARGET = re.compile(r"/[0-9A-Za-z!$&'()*+,./:;=?@_~%\[\]|-]*", re.ASCII)
_SAFE = "!$&'()*+,/:;=?@~%[]|"
IDEMPOTENT = frozenset({"GET", "PUT", "DELETE", "OPTIONS"})
"""Methods whose requests may be sent again (RFC 9110, section 9.2.2)."""

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say so if their body is empty (RFC 9110, section 8.6)."""


class RequestTarget(NamedTuple):
    """Where a request goes: a server, and the path and query that it is asked for."""

    address: Address
    target: str


class Answered(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    stamp: Stamp


@lru_cache(maxsize=1024)
def target_of(host: str, path: str) -> RequestTarget:
    """Return the place of a path at a host, or of a whole URL.

    Raises BadInput when there is none.
    """
    if not path.startswith("/") and "://" in path:
        try:
            parts = urlsplit(path)
        except ValueError:
            raise BadInput(f"a path begins with / or is a whole URL, got {shown(path)}") from None
        host = f"{parts.scheme}://{parts.netloc}"
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    path = path.partition("#")[0]
    if not path.startswith("/") or not is_text(path):
        raise BadInput(f"a path begins with / or is a whole URL, got {shown(path)}")
    target = path if _PLAIN_TARGET.fullmatch(path) else quote(path, _SAFE)
    return RequestTarget(Address.parse(host), target)


def lines_of(place: RequestTarget, *given: Mapping[str, str] | None) -> str:
    """Return the lines of headers, each with its CRLF; later ones replace earlier ones of the same name.

    Raises BadInput for what is no header.
    """
    headers = {"host": ("Host", str(place.address))}
    for some in given:
        for name, value in (some or {}).items():
            if not _TOKEN.fullmatch(name):
                raise BadInput(f"headers: {shown(name)} is no name of a header")
            if _NO_VALUE.search(str(value)) or not is_text(str(value)):
                raise BadInput(f"headers: {name} must be one line of text, got {shown(value)}")
            headers[name.lower()] = (name, str(value))
    return "".join(f"{name}: {value}\r\n" for name, value in headers.values())


def content_of(method: str | None, body: bytes | str | None, json: Any) -> tuple[bytes | None, dict[str, str]]:
    """Return a request's body, None if it has none, and the headers that say what it is."""
    if json is not None:
        if body is not None:
            raise BadInput("a request has a body or json, not both")
        return _with_length(msgspec.json.encode(json), {"Content-Type": "application/json"})
    if body is None and method in WITH_BODY:
        body = b""
    if body is None:
        return None, {}
    return _with_length(body.encode() if isinstance(body, str) else body, {})


def _with_length(body: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    return body, {**headers, "Content-Length": str(len(body))}


class WholeReader(AnswerReader):
    """Reads answers, with their headers: names in small letters, values with the same name joined by commas."""

    __slots__ = ("headers",)

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, str] = {}

    def on_message_begin(self) -> None:
        """A response begins."""
        super().on_message_begin()
        self.headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        super().on_header(name, value)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text


class AnyClient(HttpConnection[Answered]):
    """Asks any server for anything, and returns any answer."""

    __slots__ = ()
    _new_reader = WholeReader

    def ask(self, method: str, target: str, lines: str, body: bytes | None) -> Answered:
        """Send a request and wait for the answer; `lines` are its headers, with its Host.

        Raises OSError or ConnectionLost when the connection breaks, BadAnswer when the answer is no HTTP.
        """
        self._repeats_lost = method in IDEMPOTENT
        return self._ask(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + (body or b""))

    def _take_answer(self, connection: StampedConnection, data: bytes) -> Answered:
        reader = cast("WholeReader", self._whole_answer(connection, data))  # _new_reader has made it
        return Answered(reader.status, reader.headers, reader.body, connection.stamp)


def method_of(method: str | None, body: bytes | None) -> str:
    """Return the method of a request: if none is given, POST with a body, and GET without one.

    Raises BadInput for a method whose answers cannot be read.
    """
    if method is None:
        return "GET" if body is None else "POST"
    if not _TOKEN.fullmatch(method) or method in {"HEAD", "CONNECT"}:
        raise BadInput(f"a method is one such as GET or POST, and not HEAD or CONNECT, got {shown(method)}")
    return method


def request_of(method: str, place: RequestTarget, lines: str, body: bytes | None) -> bytes:
    """Return a whole request."""
    return f"{method} {place.target} HTTP/1.1\r\n{lines}\r\n".encode() + (body or b"")
