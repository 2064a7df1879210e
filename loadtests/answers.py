"""Answers: what httptools finds in the bytes of an HTTP answer, without I/O."""

import httptools

from loadtests.unpacking import ENCODING_HEADER
from wirerace.wire.update import CURSOR_HEADER

_CURSOR_HEADER = CURSOR_HEADER.lower().encode()
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
"""Headers without which a body ends with the connection (RFC 9112, section 6.3)."""


class AnswerReader:
    """Reads the answers of one connection, one after the other. `encoding` is that of its body, empty without one.

    `is_whole` says that a final answer is whole, `has_more` that something follows it. `has_head` and `has_length` say
    that its head is whole, and whether it says where the body ends. `stays_open` says whether the connection does.
    """

    __slots__ = (
        "_body", "_parser", "cursor", "encoding", "has_head", "has_length", "has_more", "is_whole", "stays_open",
    )  # fmt: skip

    def __init__(self) -> None:
        self.is_whole = False
        self.has_head = False
        self.has_length = False
        self.has_more = False
        self.stays_open = False
        self.cursor = b""
        self.encoding = b""
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self._parser.get_status_code()

    @property
    def body(self) -> bytes:
        """The body so far."""
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    @property
    def has_body(self) -> bool:
        """Whether something of the body has come."""
        return bool(self._body)

    def begin(self) -> None:
        """Begin: a request was sent."""
        self.is_whole = self.has_head = False

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises httptools' errors.
        """
        self._parser.feed_data(data)

    # What httptools calls while it parses.

    def on_message_begin(self) -> None:
        """A response begins. If the one before it is whole, no request has asked for this one."""
        self.has_more = self.is_whole
        self.has_head = self.has_length = False
        self.cursor = self.encoding = b""
        self._body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the cursor, the encoding, and whether the head says where the body ends."""
        name = name.lower()
        if name == _CURSOR_HEADER:
            self.cursor = value
        elif name in _LENGTHS:
            self.has_length = True
        elif name == ENCODING_HEADER:
            self.encoding = value

    def on_headers_complete(self) -> None:
        """Note that a final answer's head is whole. Its body may end with the connection."""
        self.has_head = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A response is whole. After a 1xx another one comes. Only now does the parser know if the connection stays."""
        self.is_whole = self._parser.get_status_code() >= 200
        self.stays_open = self._parser.should_keep_alive()
