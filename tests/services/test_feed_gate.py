"""The feed is dropped on order: its connections break, new ones break for a while, and resuming loses nothing."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.contract.clients import Update
from tests.contract.feeds import Feed, HttpFollow, Start, followers, producers, truth
from tests.contract.raw import Answer, get
from tests.contract.stage import Running

TOKEN = "secret"  # noqa: S105 -- of a producer in this process


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with producers() as start:
        yield start


@pytest.fixture
async def follow() -> AsyncIterator[HttpFollow]:
    async with followers() as follow:
        yield follow


async def drop(producer: Running, body: bytes = b"{}", token: str = TOKEN) -> Answer:
    headers = [f"Authorization: Bearer {token}"] if token else []
    return await producer.ask(get("/feed/drop", *headers, method="POST", body=body))


async def until_broken(feed: Feed) -> list[Update]:
    """Return what still comes; the answer's end never does."""
    updates: list[Update] = []
    with contextlib.suppress(aiohttp.ClientPayloadError):
        while True:
            updates += await feed.updates(1)
    return updates


@pytest.mark.long
async def test_dropped_feed_breaks_and_a_server_resumes_without_loss(start: Start, follow: HttpFollow) -> None:
    producer = await start(idle=False, rate_per_second=200, arrivals="periodic", payload_bytes=7, control_token=TOKEN)
    feed = await follow(producer, after="0-0")
    before = await feed.updates(3)
    answer = await drop(producer)
    assert (200, b'{"broken": 1}') == (answer.status, answer.body)
    before += await until_broken(feed)

    again = await follow(producer, after=f"{before[-1].epoch}-{before[-1].seq}")
    updates = before + await again.updates(20)
    assert list(range(1, len(updates) + 1)) == [update.seq for update in updates]
    assert (await truth(producer)).count >= len(updates), "it went on making updates"


async def test_shut_gate_breaks_new_connections_and_messages(start: Start, follow: HttpFollow) -> None:
    producer = await start(control_token=TOKEN)
    assert 200 == (await drop(producer, b'{"lasts_seconds": 60}')).status
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await follow(producer)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(f"http://127.0.0.1:{producer.port}/messages", data=b"[]")
    assert 200 == (await producer.get("/updates?from=0&to=1")).status, "all else goes on"

    assert b'{"broken": 0}' == (await drop(producer)).body
    assert 200 == (await follow(producer)).response.status, "a drop of no time opens it again"


@pytest.mark.parametrize(("own", "brought"), [(TOKEN, ""), (TOKEN, "wrong"), ("", ""), ("", "any")])
async def test_only_the_token_drops_the_feed(start: Start, follow: HttpFollow, own: str, brought: str) -> None:
    producer = await start(control_token=own)
    await follow(producer)
    answer = await drop(producer, token=brought)
    assert 401 == answer.status
    assert b"--control-token" in answer.body
    assert 1 == await producer.metric("clients")


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"{", b"no JSON"), (b'{"lasts_seconds": 61}', b"lasts_seconds"), (b'{"for": 1}', b"for")],
)
async def test_malformed_order_is_refused(start: Start, body: bytes, said: bytes) -> None:
    answer = await drop(await start(control_token=TOKEN), body)
    assert 400 == answer.status
    assert said in answer.body
