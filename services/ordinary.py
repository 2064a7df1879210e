"""Ordinary heads: what follows the request line where nothing in it changes the answer. aiohttp's parser says which."""

import asyncio

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser

SPECIAL = (
    "Content-Encoding",
    "Content-Length",
    "Expect",
    "If-None-Match",
    "Origin",
    "Transfer-Encoding",
    "Upgrade",
)
"""Headers that may change the answer to a request for updates. `Connection` may, too: the parser says how."""
MOST_HEADS, MOST_HEAD_BYTES = 256, 4096
"""The bound of what is remembered. Clients of one kind send the same head with each request."""
END = b"\r\n\r\n"
READ_BYTES = 65_536


class OrdinaryHeads:
    """The heads that were found to be ordinary: those in `known`. So there is no second grammar of HTTP here."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.others: set[bytes] = set()

    def learn(self, head: bytes) -> bool:
        """Return whether a head is ordinary, and remember it. It begins behind the request line."""
        if head in self.known or head in self.others or len(head) > MOST_HEAD_BYTES:
            return head in self.known
        found = self.known if is_ordinary(head) else self.others
        if len(found) >= MOST_HEADS:  # Clients whose heads vary must not fill the memory; others are learned again.
            found.clear()
        found.add(head)
        return found is self.known


def is_ordinary(head: bytes) -> bool:
    """Return whether it is one whole head of HTTP/1.1, without a body, and without anything that changes the answer."""
    if head.find(END) != len(head) - len(END):  # The parser would keep the beginning of another request.
        return False
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, READ_BYTES)
    try:
        messages, upgraded, tail = parser.feed_data(b"GET / HTTP/1.1\r\n" + head)
    except HttpProcessingError:
        return False
    if len(messages) != 1 or upgraded or tail:
        return False
    message, _ = messages[0]
    closes = message.should_close or message.upgrade or message.chunked
    return not closes and len(message.headers.getall("Host", ())) == 1 and message.headers.keys().isdisjoint(SPECIAL)
