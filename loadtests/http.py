"""A lean HTTP/1.1 client: one request at a time, on one connection or on a new connection for each."""

from typing import ClassVar, Generic, NamedTuple, TypeVar

import httptools

from loadtests import wall
from loadtests.answers import AnswerReader
from loadtests.connection import Address, ClosedHere, Stamp, StampedConnection
from loadtests.heads import PlainHeads
from loadtests.opening import open_connection
from loadtests.traffic import Counters
from loadtests.unpacking import Accepted, accepting, unpacked
from wirerace.errors import BadAnswer, ConnectionLost, Refused, noted

LEAST_LINE_BYTES = len("Filler:\r\n")
MOST_LINE_BYTES = 4096  # servers refuse lines of more than 8 KiB
MOST_HEAD_BYTES = 65_536
MOST_ANSWER_BYTES = 128 * 1024 * 1024  # twice what a server keeps for clients that reconnect
MOST_SAID_BYTES = 1000

GOOD = frozenset({200, 204, 304})
_PLAIN = PlainHeads()
"""Those of all clients: what a head means does not depend on who reads it."""

Given = TypeVar("Given")
"""What a client makes of an answer."""


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


class HttpConnection(Generic[Given]):
    """Asks one server, whatever it answers.

    `connects` counts the connections made, `repeats` the requests sent again, `out_bytes` and `in_bytes` what was sent
    and received. `opened_ns`, `secured_ns` and `sent_ns` are when the last connection was open, when its TLS was
    established (0 without TLS), and when the last request had left, Unix nanoseconds.

    With `repeats_lost`, a request is sent again, once, on a new connection, if its kept connection ended without a byte
    of an answer. The server had closed that connection as idle while the request was on its path. GET is idempotent
    (RFC 9110, section 9.2.2), and so is the POST of a message, which has a key.

    Answers may have the compression that it `accepts`.
    """

    __slots__ = (
        "_accepts", "_address", "_connection", "_counters", "_is_answered", "_reader", "_repeats_lost", "_tail",
        "connects", "in_bytes", "opened_ns", "out_bytes", "repeats", "secured_ns", "sent_ns",
    )  # fmt: skip
    _new_reader: ClassVar[type[AnswerReader]] = AnswerReader

    def __init__(  # noqa: PLR0913 -- how it connects, and what it says in each request
        self,
        address: Address,
        counters: Counters | None = None,
        *,
        keep_alive: bool = True,
        extra_header_bytes: int = 0,
        repeats_lost: bool = False,
        accepts: Accepted = "off",
    ) -> None:
        self.connects = 0
        self.repeats = 0
        self.out_bytes = 0
        self.in_bytes = 0
        self.opened_ns = 0
        self.secured_ns = 0
        self.sent_ns = 0
        self._address = address
        self._counters = counters
        closing = "" if keep_alive else "Connection: close\r\n"
        self._tail = f"Host: {address}\r\n{closing}{accepting(accepts)}{filling(extra_header_bytes)}\r\n"
        self._accepts: Accepted = accepts
        self._connection: StampedConnection | None = None
        self._reader: AnswerReader | None = None  # made for the first answer that is not plain
        self._repeats_lost = repeats_lost
        self._is_answered = False

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection."""
        return self._connection is not None

    def _ask(self, request: bytes) -> Given:
        may_be_idle = self._repeats_lost and self._connection is not None
        try:
            return self._exchange(request)
        except ClosedHere:  # by another user of this client, who may have opened the next connection already
            raise
        except (OSError, ConnectionLost):
            if not may_be_idle or self._is_answered:
                raise
        self.close()
        self.repeats += 1
        return self._exchange(request)

    def _exchange(self, request: bytes) -> Given:
        if self._connection is None:
            opened = self._connection = open_connection(self._address, self._counters)
            self.connects += 1
            self.opened_ns, self.secured_ns = opened.opened_ns, opened.secured_ns
        connection = self._connection
        self._is_answered = False
        connection.send(request)
        self.sent_ns = wall.now_ns()
        self.out_bytes += len(request)
        data = connection.receive()  # as in _receive(), without its call: polls are many
        self._is_answered = True
        self.in_bytes += len(data)
        return self._take_answer(connection, data)

    def _take_answer(self, connection: StampedConnection, data: bytes) -> Given:
        """Return what there is to say of the answer that begins with `data`."""
        raise NotImplementedError

    def _whole_answer(self, connection: StampedConnection, first: bytes) -> AnswerReader:
        """Return the answer that begins with `first`, whole. Close the connection if it does not stay open.

        A note of BadAnswer shows the first bytes.
        """
        try:
            answer = self._read_answer(connection, first)
        except BadAnswer as error:
            self.close()
            raise noted(error, first) from None
        if not answer.stays_open:
            self.close()
        return answer

    def _receive(self, connection: StampedConnection) -> bytes:
        data = connection.receive()
        self._is_answered = True
        self.in_bytes += len(data)
        return data

    def _read_answer(self, connection: StampedConnection, first: bytes) -> AnswerReader:
        """Return the answer that begins with `first`, whole."""
        reader = self._reader = self._reader or self._new_reader()
        reader.begin()
        try:
            self._feed(reader, connection, first)
        except ClosedHere:
            raise
        except ConnectionLost:
            if not reader.has_head or reader.has_length:
                raise
            reader.stays_open = False  # The end of the connection was the end of the body.
        except httptools.HttpParserUpgrade:
            raise BadAnswer("101: the request asked for no other protocol") from None
        except httptools.HttpParserError as error:
            raise BadAnswer(f"no HTTP: {error}") from None
        if reader.has_more:
            raise BadAnswer("more than one answer to a request")
        return reader

    def _feed(self, reader: AnswerReader, connection: StampedConnection, data: bytes) -> None:
        """Feed `data` and what comes after it, until the answer is whole."""
        size_bytes = len(data)
        reader.feed(data)
        while not reader.is_whole:
            if size_bytes > (MOST_ANSWER_BYTES if reader.has_body else MOST_HEAD_BYTES):
                raise BadAnswer(f"no end of the answer after {size_bytes} bytes")
            data = self._receive(connection)
            size_bytes += len(data)
            reader.feed(data)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._reader = None


class HttpClient(HttpConnection[Response]):
    """Asks a server that keeps the contract."""

    __slots__ = ()
    good: ClassVar[frozenset[int]] = GOOD
    """Statuses that are no refusal."""

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

    def _take_answer(self, connection: StampedConnection, data: bytes) -> Response:
        if (plain := _PLAIN.read(data)) is not None:
            status, cursor, body = plain
            return Response(status, cursor, body, connection.stamp)
        answer = self._whole_answer(connection, data)
        if answer.stays_open and not answer.encoding:
            _PLAIN.learn(data, answer.status, answer.cursor, answer.body)
        try:
            body = unpacked(answer.body, answer.encoding, self._accepts) if answer.encoding else answer.body
        except BadAnswer:
            self.close()
            raise
        if answer.status not in self.good:
            raise Refused(f"{answer.status}: {said(body)}", answer.status)
        return Response(answer.status, answer.cursor.decode("latin-1"), body, connection.stamp)


def said(body: bytes) -> str:
    """Return the text of a server's answer, or its beginning, on one line."""
    return " ".join(body[:MOST_SAID_BYTES].decode(errors="replace").split())[:200]


def with_query(path: str, **given: str) -> str:
    """Return a path with the parameters that are not empty."""
    parameters = "&".join(f"{name}={value}" for name, value in given.items() if value)
    return f"{path}{'&' if '?' in path else '?'}{parameters}" if parameters else path
