"""A lean HTTP/1.1 client: one request at a time, on one connection or on a new connection for each."""

from typing import NamedTuple

import httptools

from loadtests.connection import Address, Stamp, StampedConnection
from loadtests.traffic import Counters
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, ConnectionLost, Refused
from wirerace.wire.update import CURSOR_HEADER

LEAST_LINE_BYTES = len("Filler:\r\n")
MOST_LINE_BYTES = 4096  # servers refuse lines of more than 8 KiB
MOST_HEAD_BYTES = 65_536
MOST_ANSWER_BYTES = 128 * 1024 * 1024  # twice what a server keeps for clients that reconnect
MOST_SAID_BYTES = 1000

GOOD = frozenset({200, 204, 304})
_CURSOR_HEADER = CURSOR_HEADER.lower().encode()
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
"""Headers without which a body ends with the connection (RFC 9112, section 6.3)."""


class Response(NamedTuple):
    """An answer: status 200, 204 or 304, the cursor as text, the body, and the stamp of its last byte."""

    status: int
    cursor: str
    body: bytes
    stamp: Stamp


def filling(size_bytes: int) -> str:
    """Return header lines of `size_bytes` in all; nothing if that is below the 9 bytes of an empty header line."""
    lines = []
    while size_bytes >= LEAST_LINE_BYTES:
        rest_bytes = size_bytes - MOST_LINE_BYTES
        line_bytes = size_bytes if rest_bytes < LEAST_LINE_BYTES else MOST_LINE_BYTES
        lines.append(f"Filler:{'x' * (line_bytes - LEAST_LINE_BYTES)}\r\n")
        size_bytes -= line_bytes
    return "".join(lines)


class HttpClient:
    """Asks one server.

    `connects` counts the connections made, `repeats` the requests sent again, `out_bytes` and `in_bytes` what was sent
    and received. `opened_ns` and `sent_ns` are when the
    last connection was open, and when the last request had left, Unix nanoseconds.

    With `repeats_lost`, a request is sent again, once, on a new connection, if its kept connection ended without a byte
    of an answer. The server had closed that connection as idle while the request was on its path. GET is idempotent
    (RFC 9110, section 9.2.2), and so is the POST of a message, which has a key.
    """

    def __init__(
        self,
        address: Address,
        counters: Counters | None = None,
        *,
        keep_alive: bool = True,
        extra_header_bytes: int = 0,
        repeats_lost: bool = False,
    ) -> None:
        self.connects = 0
        self.repeats = 0
        self.out_bytes = 0
        self.in_bytes = 0
        self.opened_ns = 0
        self.sent_ns = 0
        self._address = address
        self._counters = counters
        closing = "" if keep_alive else "Connection: close\r\n"
        self._tail = f"Host: {address}\r\n{closing}{filling(extra_header_bytes)}\r\n"
        self._connection: StampedConnection | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._repeats_lost = repeats_lost
        self._is_answered = False
        self._complete = False
        self._has_head = False
        self._has_length = False
        self._has_more = False
        self._stays_open = False
        self._cursor = b""
        self._body: list[bytes] = []

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection."""
        return self._connection is not None

    def get(self, target: str, headers: str = "") -> Response:
        """Ask for `target` and wait for the answer; `headers` are lines that end in CRLF.

        Raises OSError or ConnectionLost when the connection breaks, Refused when the status is none of 200, 204, 304,
        BadAnswer when the answer is no HTTP, or has no end; the connection is closed then.
        """
        return self._ask(f"GET {target} HTTP/1.1\r\n{headers}{self._tail}".encode())

    def post(self, target: str, body: bytes) -> Response:
        """Send JSON to `target` and wait for the answer; raises what `get` raises."""
        about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return self._ask(f"POST {target} HTTP/1.1\r\n{about}{self._tail}".encode() + body)

    def _ask(self, request: bytes) -> Response:
        may_be_idle = self._repeats_lost and self._connection is not None
        try:
            return self._exchange(request)
        except (OSError, ConnectionLost):
            if not may_be_idle or self._is_answered:
                raise
        self.close()
        self.repeats += 1
        return self._exchange(request)

    def _exchange(self, request: bytes) -> Response:
        if self._connection is None:
            self._connection = StampedConnection(self._address, self._counters)
            self._parser = httptools.HttpResponseParser(self)
            self.connects += 1
            self.opened_ns = now_ns()
        connection, parser = self._connection, self._parser
        self._is_answered = self._complete = self._has_head = False
        connection.send(request)
        self.sent_ns = now_ns()
        self.out_bytes += len(request)
        try:
            self._read_answer(connection, parser)
        except BadAnswer:
            self.close()
            raise
        status = parser.get_status_code()
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        response = Response(status, self._cursor.decode("latin-1"), body, connection.stamp)
        if not self._stays_open:
            self.close()
        if status not in GOOD:
            raise Refused(f"{status}: {said(body)}", status)
        return response

    def _read_answer(self, connection: StampedConnection, parser: httptools.HttpResponseParser) -> None:
        size_bytes = 0
        try:
            while not self._complete:
                data = connection.receive()
                self._is_answered = True
                size_bytes += len(data)
                self.in_bytes += len(data)
                parser.feed_data(data)
                if size_bytes > (MOST_ANSWER_BYTES if self._body else MOST_HEAD_BYTES) and not self._complete:
                    raise BadAnswer(f"no end of the answer after {size_bytes} bytes")
        except ConnectionLost:
            if not self._has_head or self._has_length:
                raise
            self._stays_open = False  # The end of the connection was the end of the body.
        except httptools.HttpParserUpgrade:
            raise BadAnswer("101: the request asked for no other protocol") from None
        except httptools.HttpParserError as error:
            raise BadAnswer(f"no HTTP: {error}") from None
        if self._has_more:
            raise BadAnswer("more than one answer to a request")

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # What httptools calls while it parses.

    def on_message_begin(self) -> None:
        """A response begins. If the one before it is whole, no request has asked for this one."""
        self._has_more = self._complete
        self._has_head = self._has_length = False
        self._cursor = b""
        self._body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the cursor, and whether the head says where the body ends."""
        name = name.lower()
        if name == _CURSOR_HEADER:
            self._cursor = value
        elif name in _LENGTHS:
            self._has_length = True

    def on_headers_complete(self) -> None:
        """Note that a final answer's head is whole. Its body may end with the connection."""
        self._has_head = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A response is whole. After a 1xx another one comes. Only now does the parser know if the connection stays."""
        self._complete = self._parser.get_status_code() >= 200
        self._stays_open = self._parser.should_keep_alive()


def said(body: bytes) -> str:
    """Return the text of a server's answer, or its beginning, on one line."""
    return " ".join(body[:MOST_SAID_BYTES].decode(errors="replace").split())[:200]
