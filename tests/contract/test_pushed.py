"""Pushed connections: what is kept of a client that gets every update, and what becomes of what it sends."""

import gc

import pytest

from services.connection import ServerConnection
from tests.contract.clients import STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.frames import PING, PONG, Received, frame, shake_hands
from tests.contract.stage import Stage

PUSHED_TRANSPORTS = [*WEBSOCKET_TRANSPORTS, *STREAM_TRANSPORTS]
CLIENTS = 5


@pytest.mark.long
@pytest.mark.parametrize("transport", PUSHED_TRANSPORTS)
async def test_nothing_of_aiohttp_is_kept(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(CLIENTS)]
    await stage.make_and_see()
    for client in clients:
        assert [1] == [update.seq for update in await client.receive(1)]
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, ServerConnection) and one.joined]
    assert len(kept) <= 1, "the producer keeps that of the feed"
    assert CLIENTS == await stage.server.metric("clients")


@pytest.mark.parametrize("transport", STREAM_TRANSPORTS)
@pytest.mark.parametrize("repeats", [1, 5_000])
async def test_what_is_sent_behind_the_request_for_a_stream_is_counted_and_ignored(stage: Stage, repeats: int) -> None:
    """Also more than aiohttp reads at once: the client is still seen to leave."""
    await stage.serve()
    raw = await stage.connect()
    await raw.send(stage.request() * repeats)
    head = await raw.some()
    await raw.send(b"garbage\r\n\r\n")
    await stage.make()
    while b'"seq":1' not in head:
        head += await raw.some()
    await stage.server.until_metric("received_bytes_total", raw.sent_bytes)
    assert 1 == head.count(b"HTTP/1.1 200")
    raw.end_sending()
    await stage.server.until_metric("clients", 0)


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_frames_that_come_with_the_handshake_are_read(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(stage.request() + frame(PING, b"first"))
    answer = await raw.some()
    while b"first" not in answer:
        answer += await raw.some()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(PING, b"second"))
    assert Received(PONG, b"second") == await peer.next()
