"""Slow readers: they are cut off and counted, can resume, and take little memory."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

import pytest

from services.connection import ServerConnection
from tests.contract.clients import WEBSOCKET_TRANSPORTS, Client, Update, WebSocket
from tests.contract.raw import get
from tests.contract.stage import Stage

pytestmark = pytest.mark.long  # megabytes fill the kernel's buffers first

HIGH_WATER_BYTES = 65_536
PAYLOAD_BYTES = 65_536
KERNEL_BYTES = 12 * 1024 * 1024
"""More than Linux buffers at both ends of a connection whose reader does not read, plus one answer."""
MISSED = 300
"""Updates of a client that has to catch up: more than the kernel keeps, less than the server does."""
STALL_SECONDS = 0.5
"""A server that reads no small requests for that long is behind, or has stopped reading them."""


@pytest.fixture
def buffered(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that reads how many bytes wait in the server, beyond the kernel's, for the slowest client."""
    transports: list[asyncio.Transport] = []

    def made(connection: ServerConnection, transport: asyncio.BaseTransport) -> None:
        transports.append(cast("asyncio.Transport", transport))
        connection_made(connection, transport)

    connection_made = ServerConnection.connection_made
    monkeypatch.setattr(ServerConnection, "connection_made", made)
    return lambda: max(transport.get_write_buffer_size() for transport in transports)


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def stop_reading(stage: Stage, slow: Client, *others: Client) -> int:
    """Make updates that only others read, until the client that does not read is cut off; return their number."""
    made = 0
    while 0 == await stage.server.metric("slow_readers_total"):
        poured = 2  # few enough that a client that reads cannot be behind by the high-water mark
        await stage.make_and_see(poured, PAYLOAD_BYTES)
        await slow.ask_and_not_read()
        for other in others:
            assert list(range(made + 1, made + poured + 1)) == seqs(await other.receive(poured))
        made += poured
        assert made * PAYLOAD_BYTES < 4 * KERNEL_BYTES, "a client that does not read should be cut off"
    return made


async def test_slow_reader_is_cut_off_and_can_resume(stage: Stage) -> None:
    """It loses its connection but no update; clients that read receive everything."""
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    slow, other = await stage.subscribe(), await stage.subscribe()
    made = await stop_reading(stage, slow, other)
    received = await slow.read_on()
    assert len(received) < made
    slow.close()
    resumed = await stage.subscribe(after=slow.cursor)
    received += await resumed.receive(made - len(received))
    assert list(range(1, made + 1)) == seqs(received)
    assert 1 == await stage.server.metric("slow_readers_total")
    await stage.server.until_metric("clients", 2)


async def test_slow_reader_costs_no_more_memory_than_the_high_water_mark(
    stage: Stage, buffered: Callable[[], int]
) -> None:
    """The bound is that plus one update, or one answer of everything kept; after the cut it gets nothing."""
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES, keep_updates=4)
    slow = await stage.subscribe()
    while 0 == await stage.server.metric("slow_readers_total"):
        await stage.make_and_see(10, PAYLOAD_BYTES)
        await slow.ask_and_not_read()
        assert buffered() < HIGH_WATER_BYTES + 5 * PAYLOAD_BYTES
        assert await stage.server.metric("sent_bytes_total") < 4 * KERNEL_BYTES
    sent = await stage.server.metric("sent_bytes_total")
    await stage.make_and_see(10, PAYLOAD_BYTES)
    assert sent == await stage.server.metric("sent_bytes_total")


async def test_slow_reader_that_reads_again_in_time_stays(stage: Stage) -> None:
    """Below the high-water mark no client is cut off."""
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    client = await stage.subscribe()
    await stage.make_and_see(20, 1000)
    assert list(range(1, 21)) == seqs(await client.receive(20))
    assert 0 == await stage.server.metric("slow_readers_total")


@pytest.mark.parametrize("target", ["/metrics", "?after=nonsense"])
async def test_client_that_reads_no_answers_is_not_answered_for_ever(
    stage: Stage, buffered: Callable[[], int], target: str
) -> None:
    """The server ends the connection, or reads no more requests until the answers are read."""
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    raw = await stage.connect()
    requests = 200 * get(stage.transport.path + target if target.startswith("?") else target)
    with contextlib.suppress(ConnectionError, TimeoutError):
        while raw.sent_bytes < KERNEL_BYTES:
            async with asyncio.timeout(STALL_SECONDS):
                await raw.send(requests)
            assert buffered() < 4 * HIGH_WATER_BYTES
    assert raw.sent_bytes > HIGH_WATER_BYTES
    assert buffered() < 4 * HIGH_WATER_BYTES
    raw.abort()
    await stage.server.until_metric("clients", 0)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_slow_reader_gets_1008_when_it_reads_on(stage: Stage) -> None:
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    slow = await stage.subscribe()
    assert isinstance(slow, WebSocket)
    await stop_reading(stage, slow)
    received = await slow.read_on()
    assert 1008 == slow.close_code
    assert list(range(1, len(received) + 1)) == seqs(received)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_slow_reader_that_does_not_read_on_is_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.fanout.CLOSING_SECONDS", 0.2)
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    slow = await stage.subscribe()
    await stop_reading(stage, slow)
    await stage.server.until_metric("clients", 0)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_slow_reader_that_catches_up_is_cut_off_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it missed is written as it reads, not all at once."""
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 0.3)
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    await stage.make_and_see(MISSED, PAYLOAD_BYTES)
    slow = await stage.subscribe(after=stage.at(0))
    await stage.server.until_metric("slow_readers_total", 1)
    assert await stage.server.metric("sent_bytes_total") < KERNEL_BYTES
    received = await slow.read_on()
    assert list(range(1, len(received) + 1)) == seqs(received)
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 60.0)  # this machine may be busy
    resumed = await stage.subscribe(after=slow.cursor)
    assert list(range(len(received) + 1, MISSED + 1)) == seqs(await resumed.receive(MISSED - len(received)))


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_reader_that_catches_up_at_its_own_pace_is_not_cut_off(stage: Stage) -> None:
    """It missed more than the high-water mark, but it is not cut off while it reads."""
    await stage.serve(high_water_bytes=HIGH_WATER_BYTES)
    await stage.make_and_see(MISSED, PAYLOAD_BYTES)
    client = await stage.subscribe(after=stage.at(0))
    assert list(range(1, MISSED + 1)) == seqs(await client.receive(MISSED))
    assert 0 == await stage.server.metric("slow_readers_total")
