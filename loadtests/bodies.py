"""Bodies: HTTP answers without end, taken apart as they come. Bytes in, messages out, without I/O."""

from typing import Protocol

import httptools

from wirerace.errors import BadAnswer, ConnectionLost, noted

_LAST: dict[str, tuple[bytes, list[bytes]]] = {}
"""The last read of any client that was whole, and the messages in it, by content type.

With fan-out all clients receive the same bytes. A reader that stands between two chunks and two messages finds the same
messages in them, and stands there again. So they are taken apart once.
"""


MOST_BETWEEN = 16
_BETWEEN: "list[AnswerParser]" = []
"""Parsers that stand between two chunks, for the next reader that needs one.

A parser takes 0.9 kB, and nearly all clients wait there.
"""


class MessageReader(Protocol):
    """Takes a body apart; `content_type` is what it must be, empty for any."""

    content_type: str

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a message."""

    @property
    def is_idle(self) -> bool:
        """Tell whether what comes next depends on nothing that was fed so far."""

    def feed(self, body: bytes) -> list[bytes]:
        """Return the messages that become whole."""


class AnswerParser:
    """What httptools finds in one answer without end: its head, and the body that has come and was not taken yet."""

    __slots__ = ("_parser", "body", "has_ended", "has_head", "head", "is_chunked", "is_in_chunk")

    def __init__(self) -> None:
        self.head: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.has_head = self.is_chunked = self.is_in_chunk = self.has_ended = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self._parser.get_status_code()

    def forget(self) -> None:
        """Let go of httptools' parser, which holds on to this one: the collector looks rarely."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises BadAnswer when there is no head, ConnectionLost when the body does not follow it; a note shows the bytes.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadAnswer("101: nobody asked for another protocol") from None
        except httptools.HttpParserError as error:
            raise noted((ConnectionLost if self.has_head else BadAnswer)(f"no HTTP: {error}"), data) from None

    # What httptools calls while it parses.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        self.head[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note that a final answer's head is whole."""
        self.has_head = self._parser.get_status_code() >= 200
        self.is_chunked = self.has_head and self.head.get(b"transfer-encoding") == b"chunked"

    def on_chunk_header(self) -> None:
        """Note that a chunk begins."""
        self.is_in_chunk = True

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended."""
        self.is_in_chunk = False

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self.body.append(body)

    def on_message_complete(self) -> None:
        """Note that the answer has ended."""
        self.has_ended = self._parser.get_status_code() >= 200


def _between_chunks() -> AnswerParser:
    """Return a parser that stands between two chunks of an answer with an ordinary head: any is as good as another."""
    if _BETWEEN:
        return _BETWEEN.pop()
    parser = AnswerParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    return parser


class BodyReader:
    """Reads one answer. `has_ended` tells whether it is over.

    `is_cut` tells whether what was fed last ended inside a message.
    """

    __slots__ = ("_has_begun", "_is_idle", "_messages", "_parser", "has_ended", "is_cut")

    def __init__(self, messages: MessageReader) -> None:
        self.has_ended = False
        self.is_cut = False
        self._messages = messages
        self._parser: AnswerParser | None = AnswerParser()
        self._has_begun = False  # it has stood between two messages, so the parser of the head is gone
        self._is_idle = False  # it stands between two chunks and two messages

    @property
    def parser(self) -> AnswerParser:
        """What has been found so far."""
        parser = self._parser = self._parser or _between_chunks()
        return parser

    @property
    def is_begun(self) -> bool:
        """Tell whether there is enough of the answer: the head of one that has no end, all of a refusal."""
        return self.has_ended or (self.parser.has_head and self.parser.status == 200)

    @property
    def said(self) -> bytes:
        """The body of a refusal."""
        return b"".join(self.parser.body)

    def messages_in(self, data: bytes) -> list[bytes]:
        """Return the messages that become whole with these bytes. The list must not be changed."""
        if (messages := self.known(data)) is not None:
            return messages
        was_idle = self._is_idle
        self.feed(data)
        messages, parser = self.taken(), self.parser
        # Bytes after a chunk that end with CRLF are at least the head of the next one, which the parser reports.
        is_between = parser.is_chunked and not (parser.is_in_chunk or self.has_ended) and data.endswith(b"\r\n")
        self._is_idle = is_between and self._messages.is_idle
        if self._is_idle:
            self._give_back(parser)
            if was_idle:
                _LAST[self._messages.content_type] = data, messages
        return messages

    def _give_back(self, parser: AnswerParser) -> None:
        """Give the parser up. If there are enough spare ones, keep it: updates of such clients come in pieces."""
        if not self._has_begun:
            self._has_begun, self._parser = True, None
            parser.forget()  # it knows the head, and may not read for another
        elif len(_BETWEEN) < MOST_BETWEEN:
            self._parser = None
            _BETWEEN.append(parser)

    def known(self, data: bytes) -> list[bytes] | None:
        """Return the messages in these bytes if the last read of any client was the same, and None otherwise."""
        if self._is_idle:
            last = _LAST.get(self._messages.content_type)
            if last is not None and last[0] == data:
                return last[1]
        return None

    def read_with(self, messages: MessageReader) -> None:
        """Take the body apart in another way: its head says that it is encoded."""
        self._messages = messages

    def feed(self, data: bytes) -> None:
        """Take bytes, and keep the body in them.

        Raises BadAnswer when there is no head, ConnectionLost when the body does not follow it.
        """
        parser = self.parser
        parser.feed(data)
        self.has_ended = parser.has_ended

    def taken(self) -> list[bytes]:
        """Return the messages in what the body has brought since the last time."""
        parts = self.parser.body
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        messages = self._messages.feed(body) if body else []
        self.is_cut = self._messages.is_cut
        return messages
