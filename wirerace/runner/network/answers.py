"""A buffer for the answers of one connection, as buffering proxies have it: bytes in, and what is passed on out.

It follows the heads of answers just enough to know where each ends. An answer with a length ends by itself, so it is
passed on at once. One without (chunked, or after 101 Switching Protocols) is gathered, its head included.
"""

from http import HTTPStatus

import httptools

BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class AnswerBuffer:
    """Passes on a full buffer. The rest waits until the buffer is full again, or until the answer ends.

    `used` bytes of its first buffer are there already, as after an earlier answer.
    """

    def __init__(self, used: int = 0) -> None:
        self._used = used
        self._parser = httptools.HttpResponseParser(self)
        self._gathered = bytearray()
        self._gathers = self._has_length = False
        self._is_http = True

    def take(self, data: bytes, size: int) -> bytes:
        """Return what is passed on now that these bytes have come to a buffer of a size."""
        if self._is_http:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                self._is_http, self._gathers = False, True
            except httptools.HttpParserError:  # it cannot know where an answer ends
                self._is_http = self._gathers = False
        self._gathered += data
        if not (self._gathers and size):
            return self.rest()
        full = (self._used + len(self._gathered)) // size * size - self._used
        return self.rest(full) if full > 0 else b""

    def rest(self, size: int | None = None) -> bytes:
        """Return what was gathered, or its beginning, and forget it."""
        passed, self._used = bytes(self._gathered[:size]), 0
        del self._gathered[:size]
        return passed

    def on_message_begin(self) -> None:
        """Gather until the head says whether the answer has a length. The parser calls this, and what follows."""
        self._gathers, self._has_length = True, False

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: ARG002 -- as the parser calls it
        """Note a length."""
        self._has_length = self._has_length or name.lower() == b"content-length"

    def on_headers_complete(self) -> None:
        """Decide."""
        self._gathers = not self._has_length and self._parser.get_status_code() not in BODILESS

    def on_message_complete(self) -> None:
        """Gather no more: everything of the answer is there."""
        self._gathers = False
