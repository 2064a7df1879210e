"""Producers, and followers of their feeds: what a server sees of a producer, with an HTTP client of another make."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from services.producer import Producer
from tests.contract.clients import Update
from tests.contract.raw import WAIT_SECONDS, Answer, get
from tests.contract.stage import Asked, Running
from wirerace.workload.truth import Truth

SELDOM = {"rate_per_second": 0.01, "arrivals": "periodic", "payload_bytes": 10}
"""A schedule with no updates but the one that is made when it is set."""


class Feed(ABC):
    """A feed that is being followed."""

    @property
    @abstractmethod
    def cursor(self) -> str:
        """The producer's newest cursor when this began."""

    @abstractmethod
    async def line(self) -> bytes:
        """Wait for a line; it is empty when the feed has ended."""

    async def updates(self, count: int) -> list[Update]:
        """Wait for updates, past heartbeats."""
        updates: list[Update] = []
        while len(updates) < count:
            line = await self.line()
            assert line, "the feed has ended"
            updates += [Update.parse(line)] if line.strip() else []
        return updates

    async def rest(self) -> list[bytes]:
        """Return the lines up to the end, without heartbeats."""
        lines: list[bytes] = []
        while line := await self.line():
            lines += [line] if line.strip() else []
        return lines


class HttpFeed(Feed):
    """One answer of the producer."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    @property
    def cursor(self) -> str:
        return self.response.headers["Wirerace-Cursor"]

    async def line(self) -> bytes:
        async with asyncio.timeout(WAIT_SECONDS):
            return await self.response.content.readline()


Start = Callable[..., Awaitable[Running]]
Follow = Callable[..., Awaitable[Feed]]
HttpFollow = Callable[..., Awaitable[HttpFeed]]


@asynccontextmanager
async def producers(broker_url: str = "") -> AsyncIterator[Start]:
    """Yield a function that starts a producer, by default an idle one; all are stopped in the end."""
    started: list[Running] = []

    async def start(**options: Any) -> Running:
        started.append(await Running.start(Producer, **{"idle": True, "broker_url": broker_url} | options))
        return started[-1]

    yield start
    for producer in started:
        await producer.stop()


@asynccontextmanager
async def followers() -> AsyncIterator[HttpFollow]:
    """Yield a function that follows a producer's feed; all connections are closed in the end."""
    feeds: list[HttpFeed] = []

    async def follow(producer: Asked, after: str = "") -> HttpFeed:
        url = f"http://127.0.0.1:{producer.port}/feed"
        feeds.append(HttpFeed(await session.get(url, params={"after": after} if after else {})))
        return feeds[-1]

    async with aiohttp.ClientSession() as session:
        yield follow
        for feed in feeds:
            feed.response.close()


async def put(producer: Asked, schedule: object) -> Answer:
    """Set a schedule; bytes are sent as they are."""
    body = schedule if isinstance(schedule, bytes) else json.dumps(schedule).encode()
    return await producer.ask(get("/schedule", method="PUT", body=body))


async def delete(producer: Asked) -> Answer:
    return await producer.ask(get("/schedule", method="DELETE"))


async def truth(producer: Asked, from_ns: int = 0, to_ns: int = 2**62) -> Truth:
    """Return the producer's record of what it made."""
    answer = await producer.get(f"/updates?from={from_ns}&to={to_ns}")
    assert 200 == answer.status
    return msgspec.json.decode(answer.body, type=Truth)


def keys(of: Truth) -> list[tuple[str, int, int]]:
    """Return epoch, seq and ts of all updates."""
    return [(made.epoch, seq, ts) for made in of.epochs for seq, ts in zip(made.seq, made.ts, strict=True)]
