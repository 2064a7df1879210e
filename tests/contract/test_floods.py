"""Floods: bytes of a WebSocket client, at any speed and in any pieces, cost others little and no memory."""

import tracemalloc

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NO_TEXT,
    PING,
    PONG,
    TEXT,
    Received,
    frame,
    refusal_in,
    shake_hands,
)
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)


@pytest.mark.parametrize(
    "one",
    [frame(PING), frame(PONG), frame(TEXT, b"x"), frame(BINARY)],
    ids=["pings", "pongs", "messages of one byte", "messages of nothing"],
)
async def test_frames_that_come_as_fast_as_they_can_end_their_connection_alone(stage: Stage, one: bytes) -> None:
    await stage.serve()
    other, peer = await stage.subscribe(), await shake_hands(stage)
    peer.raw.post(one * 20_000)
    assert Received(CLOSE, 1008) == (await peer.rest())[-1]
    assert 1 == await stage.server.metric("floods_total")
    await stage.make()
    assert [1] == [update.seq for update in await other.receive(1)]


async def test_frames_of_many_readings_are_counted_over_a_second(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.incoming.MOST_FRAMES_A_SECOND", 50)
    monkeypatch.setattr("services.incoming.COUNTING_SECONDS", 3600.0)
    await stage.serve()
    peer = await shake_hands(stage)
    for _ in range(50):
        assert Received(PONG, b"") == await peer.ask(frame(PING))
    await peer.raw.send(frame(PING))
    assert Received(CLOSE, 1008) == (await peer.rest())[-1]


@pytest.mark.long
async def test_message_takes_what_its_bytes_take_whatever_its_pieces(stage: Stage) -> None:
    """Pieces of one byte each once took 54 times as much memory."""
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(BINARY, b"x", final=False))
    pieces = 100 * frame(CONTINUATION, b"x", final=False)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(90):  # in readings of their own: a hundred at once are no flood
        assert Received(PONG, b"") == await peer.ask(pieces + frame(PING))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 4 * 9_000
    assert NO_TEXT == refusal_in(await peer.ask(frame(CONTINUATION)))
