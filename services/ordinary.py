"""Ordinary heads: what follows the request line of a plain question. aiohttp's own parser says what is in it."""

import asyncio
from typing import NamedTuple

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser

from services.heads import TAGS_HEADER, Headers, entity_tags_in

SPECIAL = ("Content-Encoding", "Content-Length", "Expect", "Transfer-Encoding", "Upgrade")
"""Headers with which a request is no plain question."""
MOST_HEADS, MOST_HEAD_BYTES = 2048, 4096
"""The bound of what is remembered. Clients of one kind send the same head with each request, or one for each cursor."""
END_OF_LINE = b" HTTP/1.1\r\n"
END = b"\r\n\r\n"
READ_BYTES = 65_536


class OrdinaryHead(NamedTuple):
    """All in a head that an answer may depend on: whether the connection stays, the page's origin, the entity tags.

    `key` is different for heads that differ in this, and empty for those that say nothing.
    """

    key: bytes
    stays: bool
    origin: str
    tags: tuple[str, ...] | None

    @classmethod
    def of(cls, headers: Headers, *, stays: bool) -> "OrdinaryHead":
        """Return what the headers of a request say."""
        origin = headers.get("Origin", "")
        tags = tuple(entity_tags_in(headers)) if TAGS_HEADER in headers else None
        says_nothing = stays and not origin and tags is None
        # Behind a request line, no line can contain what ends it: so line and key together are of one request only.
        key = b"" if says_nothing else END_OF_LINE + repr((stays, origin, tags)).encode()
        return cls(key, stays, origin, tags)


class OrdinaryHeads:
    """The heads that were found to be ordinary: those in `known`. So there is no second grammar of HTTP here."""

    def __init__(self) -> None:
        self.known: dict[bytes, OrdinaryHead] = {}
        self.others: set[bytes] = set()

    def learn(self, encoded: bytes) -> OrdinaryHead | None:
        """Return what a head says if it is ordinary, and remember it. It begins behind the request line."""
        if encoded in self.known or encoded in self.others or len(encoded) > MOST_HEAD_BYTES:
            return self.known.get(encoded)
        head = read_head(encoded)
        # Clients whose heads vary must not fill the memory. What is forgotten, the oldest first, is learned again.
        if head is None:
            if len(self.others) >= MOST_HEADS:
                self.others.clear()
            self.others.add(encoded)
        else:
            if len(self.known) >= MOST_HEADS:
                del self.known[next(iter(self.known))]
            self.known[encoded] = head
        return head


def read_head(encoded: bytes) -> OrdinaryHead | None:
    """Return what a head says; None if it is not one whole head of HTTP/1.1 without a body, or has a special header."""
    if encoded.find(END) != len(encoded) - len(END):  # The parser would keep the beginning of another request.
        return None
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, READ_BYTES)
    try:
        messages, upgraded, tail = parser.feed_data(b"GET / HTTP/1.1\r\n" + encoded)
    except HttpProcessingError:
        return None
    if len(messages) != 1 or upgraded or tail:
        return None
    message, _ = messages[0]
    headers = message.headers
    if message.upgrade or message.chunked or len(headers.getall("Host", ())) != 1:
        return None
    return OrdinaryHead.of(headers, stays=not message.should_close) if headers.keys().isdisjoint(SPECIAL) else None
