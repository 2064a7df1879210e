"""Long polling: when a request is held, and what answers it."""

import asyncio
import time

import pytest

from tests.contract.answers import seqs
from tests.contract.raw import Raw
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", ["longpolling"])

TIMER_SECONDS = 0.002  # The event loop counts in milliseconds.


async def hold(stage: Stage, query: str = "hold=60") -> Raw:
    """Return a connection whose request is held."""
    held = await stage.server.metric("held_requests")
    raw = await stage.connect()
    await raw.send(stage.request(query))
    await stage.server.until_metric("held_requests", held + 1)
    return raw


async def test_request_is_answered_at_once_when_there_is_something(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    answer = await (await stage.connect()).ask(stage.request(f"after={stage.at(0)}&hold=3600"))
    assert [1, 2] == seqs(answer)


async def test_held_request_is_answered_by_the_next_update(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage)
    await stage.make()
    answer = await raw.answer()
    assert [1] == seqs(answer)
    assert stage.at(1) == answer.cursor
    await stage.server.until_metric("held_requests", 0)


@pytest.mark.long
async def test_request_is_held_to_the_end_of_its_hold_and_not_less(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for hold_seconds in (0.05, 0.3):
        begun = time.monotonic()
        answer = await raw.ask(stage.request(f"hold={hold_seconds}"))
        assert hold_seconds - TIMER_SECONDS <= time.monotonic() - begun
        assert 204 == answer.status
        assert stage.at(0) == answer.cursor


async def test_hold_of_nothing_is_answered_at_once(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for spelled in ("0", "0.0", "0e0", "00"):
        assert 204 == (await raw.ask(stage.request(f"hold={spelled}"))).status


@pytest.mark.long
async def test_request_without_a_hold_is_held_for_the_servers_default(stage: Stage) -> None:
    await stage.serve(hold_seconds=0.2)
    begun = time.monotonic()
    answer = await (await stage.connect()).ask(stage.request())
    assert 0.2 - TIMER_SECONDS <= time.monotonic() - begun
    assert 204 == answer.status


async def test_longest_hold_is_accepted(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage, "hold=3600")
    await stage.make()
    assert [1] == seqs(await raw.answer())


async def test_one_update_answers_all_waiting_requests(stage: Stage) -> None:
    await stage.serve()
    waiting = [await stage.connect() for _ in range(100)]
    for raw in waiting:
        await raw.send(stage.request("hold=60"))
    await stage.server.until_metric("held_requests", 100)
    await stage.make()
    answers = await asyncio.gather(*(raw.answer() for raw in waiting))
    assert [[1]] * 100 == [seqs(answer) for answer in answers]
    await stage.server.until_metric("held_requests", 0)
    assert 100 == await stage.server.metric('responses_total{outcome="data"}')


async def test_request_ahead_of_the_server_is_held_until_the_server_is_past_it(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage, f"after={stage.at(2)}&hold=60")
    await stage.make(3)
    answer = await raw.answer()
    assert [3] == seqs(answer)
    assert stage.at(3) == answer.cursor


@pytest.mark.long
async def test_request_ahead_of_the_server_keeps_its_cursor_when_its_hold_ends(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(1)
    answer = await (await stage.connect()).ask(stage.request(f"after={stage.at(5)}&hold=0.05"))
    assert 204 == answer.status
    assert stage.at(5) == answer.cursor


@pytest.mark.parametrize("leave", [Raw.reset, Raw.close, Raw.end_sending])
async def test_held_request_whose_client_has_left_is_forgotten(stage: Stage, leave: object) -> None:
    await stage.serve()
    raw = await hold(stage)
    assert callable(leave)
    leave(raw)
    await stage.server.until_metric("held_requests", 0)
    await stage.server.until_metric("clients", 0)
    await stage.make_and_see()
    assert 0 == await stage.server.metric("deliveries_total")


async def test_held_request_stays_held_while_the_feed_is_lost(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage)
    stage.link.cut()
    await stage.server.until_health(503)
    assert 1 == await stage.server.metric("held_requests")
    stage.link.mend()
    await stage.make()
    assert [1] == seqs(await raw.answer())


async def test_request_behind_a_held_one_waits_for_it(stage: Stage) -> None:
    await stage.serve()
    raw = await hold(stage)
    await raw.send(stage.request(f"after={stage.at(0)}&hold=0") + stage.request("hold=0"))
    await stage.make()
    assert [1] == seqs(await raw.answer())
    assert [1] == seqs(await raw.answer())
    assert 204 == (await raw.answer()).status


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_held_request_that_wants_its_connection_closed_is_answered_and_closed(stage: Stage, version: str) -> None:
    await stage.serve()
    held = await stage.connect()
    request = stage.request("hold=60", "Connection: close").replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    await held.send(request)
    await stage.server.until_metric("held_requests", 1)
    await stage.make()
    assert [1] == seqs(await held.answer())
    assert b"" == await held.rest()
