"""Vitals of a service that really runs here: its figures, and what they are while it does not answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from tests.contract.stage import Stage
from wirerace.runner.parts.part import Part
from wirerace.runner.peer import Peer
from wirerace.runner.targets.target import Child
from wirerace.watch.stack import Remote
from wirerace.watch.vitals import Sampler, Samplers, Vitals


class Written:
    """A part whose CPU clock shows what was written: 1 s more at each reading."""

    def __init__(self) -> None:
        self.restarts = 0
        self.stopped = False
        self._cpu_seconds = 0.0

    def is_stopped(self) -> bool:
        return self.stopped

    def cpu_seconds(self) -> float:
        self._cpu_seconds += 1
        return self._cpu_seconds


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage("stream")
    await stage.start()
    await stage.serve()
    yield stage
    await stage.close()


@pytest.fixture
def part() -> Written:
    return Written()


@pytest.fixture
def child(stage: Stage, part: Written) -> Child:
    return Child(cast("Part", part), Peer("stream", stage.server.port))


async def sampled(sampler: Sampler) -> Vitals:
    return await asyncio.to_thread(sampler.sample)


async def test_sample_has_bytes_and_the_feeds_lag_once_there_are_updates(stage: Stage, child: Child) -> None:
    sampler = Sampler(child)
    empty = await sampled(sampler)
    client = await stage.subscribe()
    await stage.make_and_see(3)
    await client.receive(3)
    found = await sampled(sampler)

    assert (True, False, 0, None) == (empty.live, empty.stalled, empty.sent_bytes, empty.feed_seconds)
    assert (client.raw.sent_bytes, client.raw.received_bytes) == (found.received_bytes, found.sent_bytes)
    assert found.feed_seconds is not None
    assert 0 <= found.feed_seconds < 10


async def test_cpu_time_leaves_out_what_questions_cost(child: Child) -> None:
    """The clock goes from 1 to 2 while the first question is answered, and from 3 to 4 in the second."""
    sampler = Sampler(child)

    assert [1, 2, 3] == [(await sampled(sampler)).cpu_seconds for _ in range(3)]


async def test_service_in_another_container_says_its_own_cpu_time(stage: Stage) -> None:
    sampler = Sampler(Remote(Peer("stream", stage.server.port)))
    first, second = [await sampled(sampler) for _ in range(2)]

    assert (True, False) == (first.live, first.stalled)
    assert first.cpu_seconds is not None
    assert second.cpu_seconds is not None
    assert 0 < first.cpu_seconds < second.cpu_seconds


async def test_sample_counts_the_clients_that_are_there(stage: Stage, child: Child) -> None:
    sampler = Sampler(child)
    assert 0 == (await sampled(sampler)).clients
    clients = [await stage.subscribe() for _ in range(2)]

    assert len(clients) == (await sampled(sampler)).clients


async def test_cpu_time_of_a_fresh_process_counts_from_zero(child: Child, part: Written) -> None:
    sampler = Sampler(child)
    await sampled(sampler)
    part.restarts, part._cpu_seconds = 1, 0.0

    assert 1 == (await sampled(sampler)).cpu_seconds


async def test_server_that_stands_still_is_not_asked(stage: Stage, child: Child, part: Written) -> None:
    sampler = Sampler(child)
    before = await sampled(sampler)
    part.stopped = True
    await stage.server.stop()
    found = await sampled(sampler)

    assert (False, True) == (found.live, found.stalled)
    assert (before.sent_bytes, before.cpu_seconds) == (found.sent_bytes, found.cpu_seconds)


async def test_server_that_does_not_answer_is_not_live(stage: Stage, child: Child) -> None:
    sampler = Sampler(child)
    await sampled(sampler)
    await stage.server.stop()
    found = await sampled(sampler)

    assert (False, False) == (found.live, found.stalled)


async def test_pages_that_ask_within_a_second_get_the_same_sample(child: Child) -> None:
    now = 100.0
    samplers = Samplers({"stream": child}, clock=lambda: now)
    first = await asyncio.to_thread(samplers.sample)
    now = 100.9
    same = await asyncio.to_thread(samplers.sample)
    now = 101.0
    fresh = await asyncio.to_thread(samplers.sample)

    assert first is same
    assert [1, 2] == [one["stream"].cpu_seconds for one in (first, fresh)]
