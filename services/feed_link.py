"""The link to the producer: one request for its feed, and the lines of the answer, those of one read together."""

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn, cast
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools

from wirerace.addresses import spelled
from wirerace.errors import BadCursor, WireraceError
from wirerace.wire.update import CURSOR_HEADER, MOST_LINE_BYTES, Cursor

MOST_HEAD_BYTES = 65_536
INTERIM = {100, *range(102, 200)}
"""The statuses of a head behind which the answer's own head follows (RFC 9110, section 15.2)."""
NEXT_ADDRESS_SECONDS = 0.25
"""How long an address may be silent before the name's next one is tried, too (RFC 8305, section 5)."""

_CURSOR_HEADER = CURSOR_HEADER.lower().encode()


class BadFeed(WireraceError):
    """The other end of the link sends no feed, or a broken one."""


class FeedReader:
    """Takes a producer's answer apart, without I/O.

    `begin` is called with the cursor in its head, the producer's newest one, then `publish` with the lines of each read
    that brings any.
    """

    def __init__(self, begin: Callable[[Cursor], None], publish: Callable[[list[bytes]], None]) -> None:
        self._begin = begin
        self._publish = publish
        self._has_head = False
        self._head_room = MOST_HEAD_BYTES
        self._cursor = b""
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take the bytes of one read.

        Raises BadFeed when they are no feed, ConnectionError when the answer has ended. Lines before that are
        published.
        """
        try:
            self._parse(data)
        except httptools.HttpParserCallbackError as stopped:
            raise cast("Exception", stopped.__context__) from None
        except httptools.HttpParserError as error:
            raise BadFeed(f"it sends no HTTP: {error}") from None
        finally:
            self._publish_lines()

    def _parse(self, data: bytes) -> None:
        if not self._has_head:
            head, data = data[: self._head_room], data[self._head_room :]
            self._head_room -= len(head)
            self._parser.feed_data(head)
            if data and not self._has_head:
                raise BadFeed(f"its head has more than {MOST_HEAD_BYTES} bytes")
        self._parser.feed_data(data)

    def _publish_lines(self) -> None:
        *lines, rest = b"".join(self._body).split(b"\n")
        self._body = [rest]
        if found := [line for line in lines if line]:  # an empty line is a heartbeat
            self._publish(found)
        if len(rest) > MOST_LINE_BYTES:
            raise BadFeed(f"a line has more than {MOST_LINE_BYTES} bytes")

    # What httptools calls while it parses. An error stops it.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the cursor."""
        if name.lower() == _CURSOR_HEADER:
            self._cursor = value

    def on_headers_complete(self) -> None:
        """Begin, if this is the answer of a producer."""
        status = self._parser.get_status_code()
        if status in INTERIM:
            return
        if status != HTTPStatus.OK:
            raise BadFeed(f"it answers with {status}")
        try:
            cursor = Cursor.parse(self._cursor.decode("latin-1"))
        except BadCursor:
            raise BadFeed(
                f"its answer has no cursor in {CURSOR_HEADER}: it is no producer; name one with --producer-url"
            ) from None
        self._has_head = True
        self._begin(cursor)

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body until the read is over."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """End with the answer."""
        if self._has_head:
            raise ConnectionError("it has ended")


class FeedLink(asyncio.Protocol):
    """A connection to the producer. `lost` gets the error that has ended it; `heard_at` is when bytes came last."""

    def __init__(self, request: bytes, reader: FeedReader) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[Exception] = loop.create_future()
        self.heard_at = loop.time()
        self._request = request
        self._reader = reader
        self._time = loop.time
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read."""
        self.heard_at = self._time()
        try:
            self._reader.feed(data)
        except Exception as error:  # noqa: BLE001 -- `follow_link` raises it
            self._end(error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the link is lost."""
        self._end(exc or ConnectionError("it has ended"))

    def _end(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_result(error)

    def close(self) -> None:
        """Read nothing more."""
        if self._transport is not None:
            self._transport.abort()


async def follow_link(url: str, after: Cursor, reader: FeedReader, silence_seconds: float) -> NoReturn:
    """Read the feed of the producer at `url`, http://HOST:PORT, after a cursor, until the link is lost.

    Raises OSError then, also when no byte comes for so long, and BadFeed when there is no feed.
    """
    address = urlsplit(url)
    host, port = (address.hostname or "").encode("idna").decode(), address.port or 80
    request = f"GET /feed?after={after} HTTP/1.1\r\nHost: {spelled(host, port)}\r\n\r\n"
    time, link = asyncio.get_running_loop().time, FeedLink(request.encode(), reader)
    try:
        await _connect(link, host, port, silence_seconds)
        while (left_seconds := link.heard_at + silence_seconds - time()) > 0:
            await asyncio.wait({link.lost}, timeout=left_seconds)
            if link.lost.done():
                raise link.lost.result()
        raise TimeoutError(f"it was silent for {silence_seconds:g} s")
    finally:
        link.close()


async def _connect(link: FeedLink, host: str, port: int, most_seconds: float) -> None:
    """Connect to any address of the host. uvloop tries one after the other, and waits minutes for a silent one."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(most_seconds):
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            connected = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
            await loop.create_connection(lambda: link, sock=connected)
    except TimeoutError:
        raise TimeoutError(f"no connection within {most_seconds:g} s") from None
