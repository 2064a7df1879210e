"""The feed over HTTP: one long answer of the producer, and a request for each portion of messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from io import BytesIO
from typing import NoReturn

import aiohttp

from services.feed_link import FeedReader, follow_link
from services.feeds import Ask, FeedKind, FeedTaker, NotPassed
from wirerace.addresses import host_port_in, spelled
from wirerace.transports import PRODUCER_PORT
from wirerace.wire.update import Cursor


def address(url: str) -> str:
    """Return the URL of a producer as it is used."""
    host, port = host_port_in(url, ("http",), f"http://127.0.0.1:{PRODUCER_PORT}")
    return f"http://{spelled(host, port or 80)}"


async def follow(url: str, after: Cursor, taker: FeedTaker, silence_seconds: float) -> NoReturn:
    """Follow the feed of the producer at `url` after a cursor."""
    await follow_link(url, after, FeedReader(taker.begin, taker.take), silence_seconds)


@asynccontextmanager
async def passing(url: str, within_seconds: float, most_bytes: int) -> AsyncIterator[Ask]:
    """Yield a function that posts messages to the producer."""
    timeout = aiohttp.ClientTimeout(total=within_seconds)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:

        async def ask(body: bytes) -> bytes:
            try:
                async with session.post(f"{url}/messages", data=BytesIO(body), allow_redirects=False) as response:
                    if response.status != HTTPStatus.OK:
                        raise NotPassed(f"it answers with {response.status}")
                    return await _body_of(response, most_bytes)
            except aiohttp.ClientError as error:
                raise ConnectionError(str(error)) from None

        yield ask


async def _body_of(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Return the body of an answer. Raises NotPassed when it is longer than any list of outcomes."""
    parts: list[bytes] = []
    left_bytes = most_bytes
    async for part in response.content.iter_any():
        left_bytes -= len(part)
        if left_bytes < 0:
            raise NotPassed(f"its answer has more than {most_bytes} bytes")
        parts.append(part)
    return b"".join(parts)


FEED = FeedKind(address, follow, passing)
