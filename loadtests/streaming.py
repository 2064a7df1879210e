"""A lean client of HTTP answers without end: asks once, and reads what the body brings as it comes."""

from typing import Protocol

import httptools

from loadtests.connection import NO_STAMP, Address, StampedConnection
from loadtests.http import MOST_HEAD_BYTES, said
from loadtests.traffic import Counters
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, BadCursor, ConnectionLost, Refused
from wirerace.wire.update import CURSOR_HEADER, Cursor

_CURSOR_HEADER = CURSOR_HEADER.lower().encode()


class MessageReader(Protocol):
    """Takes a body apart."""

    content_type: str

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a message."""

    def feed(self, body: bytes) -> list[bytes]:
        """Return the messages that become whole."""


class StreamingClient:
    """One connection with one request; `cursor` is that of the answer.

    `opened_ns` and `sent_ns` are when it was open and when the request had left, Unix nanoseconds.
    Raises OSError or ConnectionLost when the connection breaks, Refused when the status is not 200, BadAnswer when the
    answer makes no sense.
    """

    def __init__(
        self,
        address: Address,
        target: str,
        messages: MessageReader,
        counters: Counters | None = None,
        *,
        headers: str = "",
    ) -> None:
        self.sent_ns = 0
        self.stamp = NO_STAMP
        self._messages = messages
        self._unread: list[bytes] = []
        self._body: list[bytes] = []
        self._head: dict[bytes, bytes] = {}
        self._has_head = self._has_ended = False
        self._parser = httptools.HttpResponseParser(self)
        self._connection = StampedConnection(address, counters)
        self.opened_ns = now_ns()
        try:
            self.cursor = self._ask(
                f"GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: {messages.content_type}\r\n{headers}\r\n"
            )
        except BaseException:
            self.close()
            raise

    @property
    def is_cut(self) -> bool:
        """Tell whether the last read ended inside a message, whose part the stamp is of."""
        return self._messages.is_cut

    def receive(self) -> list[bytes]:
        """Wait for messages and return all that one read brought: at least one.

        Raises ConnectionLost when the server ends the answer.
        """
        messages, self._unread = self._unread, []
        while not messages:
            if self._has_ended:
                raise ConnectionLost("the server ended the answer")
            self._feed(self._connection.receive())
            messages = self._taken()
        return messages

    def leave(self) -> None:
        """Nothing is said: HTTP has no goodbye for an answer without end."""

    def close(self) -> None:
        """Close at once."""
        self._connection.close()

    def _ask(self, request: str) -> Cursor:
        self._connection.send(request.encode())
        self.sent_ns = now_ns()
        size_bytes = 0
        while not self._is_begun:
            data = self._connection.receive()
            self._feed(data)
            size_bytes += len(data)
            if size_bytes > MOST_HEAD_BYTES and not self._is_begun:
                raise BadAnswer(f"no end of the answer's head after {size_bytes} bytes")
        status = self._parser.get_status_code()
        if status != 200:
            raise Refused(f"{status}: {said(b''.join(self._body))}")
        kind = self._head.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        if kind != self._messages.content_type:
            raise BadAnswer(f"200 with a body of {kind or 'no type'}, not {self._messages.content_type}")
        try:
            cursor = Cursor.parse(self._head.get(_CURSOR_HEADER, b"").decode("latin-1"))
        except BadCursor:
            raise BadAnswer(f"200 without a cursor in {CURSOR_HEADER}") from None
        self._unread = self._taken()
        return cursor

    @property
    def _is_begun(self) -> bool:
        """Tell whether there is enough of the answer: the head of one that has no end, all of a refusal."""
        return self._has_ended or (self._has_head and self._parser.get_status_code() == 200)

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadAnswer("101: nobody asked for another protocol") from None
        except httptools.HttpParserError as error:
            raise (ConnectionLost if self._has_head else BadAnswer)(f"no HTTP: {error}") from None
        self.stamp = self._connection.stamp

    def _taken(self) -> list[bytes]:
        """Return the messages in what the body has brought since the last time."""
        body, self._body = self._body[0] if len(self._body) == 1 else b"".join(self._body), []
        return self._messages.feed(body) if body else []

    # What httptools calls while it parses.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        self._head[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note that a final answer's head is whole."""
        self._has_head = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Note that the answer has ended."""
        self._has_ended = self._parser.get_status_code() >= 200
