"""Bodies: HTTP answers without end, taken apart as they come. Bytes in, messages out, without I/O."""

from typing import Protocol

import httptools

from wirerace.errors import BadAnswer, ConnectionLost

_LAST: dict[str, tuple[bytes, list[bytes]]] = {}
"""The last read of any client that was whole, and the messages in it, by content type.

With fan-out all clients receive the same bytes. A reader that stands between two chunks and two messages finds the same
messages in them, and stands there again. So they are taken apart once.
"""


class MessageReader(Protocol):
    """Takes a body apart."""

    content_type: str

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a message."""

    @property
    def is_idle(self) -> bool:
        """Tell whether what comes next depends on nothing that was fed so far."""

    def feed(self, body: bytes) -> list[bytes]:
        """Return the messages that become whole."""


class BodyReader:
    """Reads one answer. `head` has its headers until `forget_head`, `has_ended` tells whether it is over.

    `is_cut` tells whether what was fed last ended inside a message.
    """

    __slots__ = (
        "_body", "_has_head", "_is_chunked", "_is_idle", "_is_in_chunk", "_messages", "_parser", "has_ended", "head",
        "is_cut",
    )  # fmt: skip

    def __init__(self, messages: MessageReader) -> None:
        self.head: dict[bytes, bytes] = {}
        self.has_ended = False
        self.is_cut = False
        self._messages = messages
        self._body: list[bytes] = []
        self._has_head = self._is_chunked = self._is_in_chunk = False
        self._is_idle = False  # it stands between two chunks and two messages
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self._parser.get_status_code()

    @property
    def is_begun(self) -> bool:
        """Tell whether there is enough of the answer: the head of one that has no end, all of a refusal."""
        return self.has_ended or (self._has_head and self._parser.get_status_code() == 200)

    @property
    def said(self) -> bytes:
        """The body of a refusal."""
        return b"".join(self._body)

    def forget_head(self) -> None:
        """Drop the headers: there are as many of them as there are clients."""
        self.head = {}

    def messages_in(self, data: bytes) -> list[bytes]:
        """Return the messages that become whole with these bytes. The list must not be changed."""
        if (messages := self.known(data)) is not None:
            return messages
        was_idle = self._is_idle
        self.feed(data)
        messages = self.taken()
        # Bytes after a chunk that end with CRLF are at least the head of the next one, which the parser reports.
        is_between = self._is_chunked and not (self._is_in_chunk or self.has_ended) and data.endswith(b"\r\n")
        self._is_idle = is_between and self._messages.is_idle
        if was_idle and self._is_idle:
            _LAST[self._messages.content_type] = data, messages
        return messages

    def known(self, data: bytes) -> list[bytes] | None:
        """Return the messages in these bytes if the last read of another client was the same, and None otherwise."""
        if self._is_idle:
            last = _LAST.get(self._messages.content_type)
            if last is not None and last[0] == data:
                return last[1]
        return None

    def feed(self, data: bytes) -> None:
        """Take bytes, and keep the body in them.

        Raises BadAnswer when there is no head, ConnectionLost when the body does not follow it.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadAnswer("101: nobody asked for another protocol") from None
        except httptools.HttpParserError as error:
            raise (ConnectionLost if self._has_head else BadAnswer)(f"no HTTP: {error}") from None

    def taken(self) -> list[bytes]:
        """Return the messages in what the body has brought since the last time."""
        body, self._body = self._body[0] if len(self._body) == 1 else b"".join(self._body), []
        messages = self._messages.feed(body) if body else []
        self.is_cut = self._messages.is_cut
        return messages

    # What httptools calls while it parses.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        self.head[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note that a final answer's head is whole."""
        self._has_head = self._parser.get_status_code() >= 200
        self._is_chunked = self._has_head and self.head.get(b"transfer-encoding") == b"chunked"

    def on_chunk_header(self) -> None:
        """Note that a chunk begins."""
        self._is_in_chunk = True

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended."""
        self._is_in_chunk = False

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Note that the answer has ended."""
        self.has_ended = self._parser.get_status_code() >= 200
