"""Fast serving of held requests: each has its own hold, leaves alone, and keeps what comes behind it in order."""

import asyncio
import time

import pytest

from tests.contract.answers import seqs
from tests.contract.raw import Raw
from tests.contract.stage import Stage

WAYS = (pytest.param("fast", id=pytest.HIDDEN_PARAM),)
TIMER_SECONDS = 0.002  # The event loop counts in milliseconds.


async def hold(stage: Stage, query: str) -> Raw:
    """Return a connection whose request is held."""
    held = await stage.server.metric("held_requests")
    raw = await stage.connect()
    await raw.send(stage.request(query))
    await stage.server.until_metric("held_requests", held + 1)
    return raw


@pytest.mark.long
@pytest.mark.parametrize("transport", ["longpolling"])
async def test_held_request_is_not_idle(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.02)
    await stage.serve(keep_alive_seconds=0.2)
    raw = await stage.connect()
    assert 204 == (await raw.ask(stage.request("hold=0.6"))).status
    assert b"" == await raw.rest()


@pytest.mark.long
@pytest.mark.parametrize("transport", ["longpolling"])
async def test_each_of_several_held_requests_for_the_same_has_its_own_hold(stage: Stage) -> None:
    await stage.serve()
    ended: list[tuple[int, float]] = []

    async def wait(number: int) -> None:
        raw = await stage.connect()
        begun = time.monotonic()
        assert 204 == (await raw.ask(stage.request("hold=0.4"))).status
        ended.append((number, time.monotonic() - begun))

    waits = []
    for number in range(4):
        waits.append(asyncio.create_task(wait(number)))
        await asyncio.sleep(0.05)
    gone = await hold(stage, "hold=0.4")
    gone.reset()
    await asyncio.gather(*waits)
    assert list(range(4)) == [number for number, _ in ended]
    assert min(took for _, took in ended) >= 0.4 - TIMER_SECONDS
    await stage.server.until_metric("held_requests", 0)


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_first_of_several_held_requests_leaves_and_the_others_are_answered(stage: Stage) -> None:
    await stage.serve()
    first, *others = [await hold(stage, "hold=60") for _ in range(3)]
    other = await hold(stage, "hold=61&deliver=latest")
    first.reset()
    await stage.server.until_metric("held_requests", 3)
    await stage.make_and_see(1)
    assert [[1]] * 3 == [seqs(await raw.answer()) for raw in (*others, other)]
    await stage.server.until_metric("held_requests", 0)
    assert 3 == await stage.server.metric("deliveries_total")


@pytest.mark.long
@pytest.mark.parametrize("transport", ["longpolling"])
async def test_much_behind_a_held_request_is_read_when_that_is_answered(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage, "hold=60")
    behind = stage.request("hold=0", "X-Filling: " + "x" * 7_000)
    count = 1_000
    sending = asyncio.create_task(raw.send(behind * count))
    await stage.server.metric("clients")
    assert not sending.done()
    assert 1 == await stage.server.metric("held_requests")
    await stage.make()
    assert [1] == seqs(await raw.answer())
    assert [204] * count == [(await raw.answer()).status for _ in range(count)]
    await sending
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_client_that_leaves_with_something_behind_its_held_request_is_forgotten(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage, "hold=60")
    await raw.send(stage.request("hold=0"))
    raw.end_sending()
    await stage.server.until_metric("held_requests", 0)
    await stage.server.until_metric("clients", 0)
    assert b"" == await raw.rest()
    assert raw.sent_bytes == await stage.server.metric("received_bytes_total")
