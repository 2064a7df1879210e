"""Channels: pings, heartbeats, held requests, batches, compression and a stop concern the clients of each."""

import asyncio

import pytest

from tests.contract.clients import STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.deflating import MODES, agreeing, numbers
from tests.contract.frames import CLOSE, PING, Received, shake_hands
from tests.contract.stage import Stage

CHANNELS = ("1", "2")
QUERIES = ("", "channel=1", "channel=2")


async def test_server_with_clients_of_several_channels_stops(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    clients = [await stage.subscribe(query=query) for query in QUERIES]
    stopping = asyncio.create_task(stage.server.stop())
    for client in clients:
        await client.raw.rest()
        assert client.raw.ended
        client.close()
    await stopping


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_held_requests_of_all_channels_are_answered_when_the_server_stops(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    held = [await stage.connect() for _ in QUERIES]
    for raw, query in zip(held, QUERIES, strict=True):
        await raw.send(stage.request(f"hold=60&{query}"))
    await stage.server.until_metric("held_requests", 3)
    await stage.server.stop()
    answers = [await raw.answer() for raw in held]
    assert [(204, stage.at(seq)) for seq in (0, 1, 1)] == [(answer.status, answer.cursor) for answer in answers]


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_clients_of_all_channels_are_pinged_and_closed_with_1001(stage: Stage) -> None:
    await stage.serve(ping_interval_seconds=0.1)
    await stage.make_and_see(channels=2)
    peers = [await shake_hands(stage, query) for query in QUERIES]
    assert [Received(PING, b"")] * 3 == [await peer.next() for peer in peers]
    stopping = asyncio.create_task(stage.server.stop())
    for peer in peers:
        assert Received(CLOSE, 1001) == (await peer.rest())[-1]
        peer.raw.close()
    await stopping


@pytest.mark.long
@pytest.mark.parametrize("transport", STREAM_TRANSPORTS)
async def test_clients_of_all_channels_get_heartbeats(stage: Stage) -> None:
    await stage.serve(heartbeat_seconds=0.1)
    await stage.make_and_see(channels=2)
    raws = [await stage.connect() for _ in QUERIES]
    for raw, query in zip(raws, QUERIES, strict=True):
        await raw.send(stage.request(query))
    beat = {"sse": b"2\r\n:\n\r\n", "stream": b"1\r\n\n\r\n"}[stage.transport.name]
    for raw in raws:
        body = b""
        while beat not in body:
            body += await raw.some()


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
@pytest.mark.parametrize("batch_seconds", [0.0, 0.1])
@pytest.mark.parametrize("mode", MODES)
async def test_compressed_updates_of_one_channel_do_not_reach_another(
    stage: Stage, mode: str, batch_seconds: float
) -> None:
    """The compressor of shared updates serves all channels, and each reader reads one."""
    await stage.serve(deflate=mode, batch_seconds=batch_seconds)
    await stage.make_and_see(channels=2)
    plain = [await shake_hands(stage, f"channel={name}") for name in CHANNELS]
    latest = [await agreeing(stage, f"channel={name}&deliver=latest") for name in CHANNELS]
    resumed = [await agreeing(stage, f"channel={name}&after={stage.at(0)}") for name in CHANNELS]
    await stage.make_and_see(2, channels=2)
    await stage.make_and_see(2)

    assert [[1, 2, 3]] * 2 == [await numbers(peer, 3) for peer in resumed]
    assert [[2, 3]] * 2 == [await numbers(peer, 2) for peer in plain]
    for peer in latest:
        while [3] != await numbers(peer, 1):
            pass
