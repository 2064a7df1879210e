"""Batched WebSocket: the updates of a short time come as one frame, in order, although clients join meanwhile."""

import asyncio
import json

import pytest

from tests.contract.frames import Peer, shake_hands
from tests.contract.stage import Stage

pytestmark = [pytest.mark.parametrize("transport", ["websocket"]), pytest.mark.long]

BATCH_SECONDS = 0.2


async def batch(peer: Peer) -> list[int]:
    """Return the numbers of the updates in the next frame."""
    received = await peer.next()
    assert isinstance(received.payload, bytes)
    return [update["seq"] for update in json.loads(received.payload)]


async def test_updates_of_a_batch_come_as_one_array(stage: Stage) -> None:
    await stage.serve(batch_seconds=BATCH_SECONDS)
    peers = [await shake_hands(stage) for _ in range(2)]
    await stage.make(3)

    assert [[1, 2, 3]] * 2 == [await batch(peer) for peer in peers]
    metrics = await stage.server.metrics()
    assert 6 == metrics["wirerace_deliveries_total"]
    assert 60 == metrics["wirerace_payload_bytes_total"]


async def test_batch_ends_its_time_after_its_first_update_and_the_next_one_begins_with_an_update(stage: Stage) -> None:
    await stage.serve(batch_seconds=BATCH_SECONDS)
    peer = await shake_hands(stage)
    found: list[list[int]] = []
    for number in range(1, 4):
        await stage.make(2)
        found.append(await batch(peer))
        assert 2 * number == found[-1][-1]

    assert [1, 2, 3, 4, 5, 6] == [number for numbers in found for number in numbers]


async def test_client_that_joins_within_a_batch_gets_each_update_once(stage: Stage) -> None:
    """The batch is sent to the others first: what is kept has its updates already."""
    await stage.serve(batch_seconds=2.0)
    first = await shake_hands(stage)
    await stage.make_and_see(2)
    late, resumed = await shake_hands(stage), await shake_hands(stage, f"after={stage.at(0)}")

    assert [1, 2] == await batch(first), "sent before its time"
    assert [[1], [2]] == [await batch(resumed) for _ in range(2)], "what is kept is an array of one each"
    await stage.make(2)
    assert [[3, 4]] * 3 == [await batch(peer) for peer in (first, late, resumed)]


async def test_stop_sends_what_was_collected(stage: Stage) -> None:
    await stage.serve(batch_seconds=30.0)
    peer = await shake_hands(stage)
    await stage.make_and_see(2)
    stopping = asyncio.ensure_future(stage.server.stop())

    assert [1, 2] == await batch(peer)
    await peer.rest()
    await stopping


async def test_without_batches_each_update_is_a_frame_of_its_own(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await stage.make(2)
    for number in (1, 2):
        received = await peer.next()
        assert isinstance(received.payload, bytes)
        assert number == json.loads(received.payload)["seq"]
