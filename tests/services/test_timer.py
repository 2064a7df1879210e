"""Timers: called once, at the set instant or after it, and only for the last one set."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from services.timer import LoopTimer, Timer, TimerFd, new_timer
from tests.contract.raw import WAIT_SECONDS
from wirerace.clock import NS_PER_SECOND, now_ns

MS = NS_PER_SECOND // 1000
TIMERS = [TimerFd, LoopTimer] if sys.platform == "linux" else [LoopTimer]


class Calls:
    """The times at which a timer has fired."""

    def __init__(self) -> None:
        self.times_ns: list[int] = []
        self._called = asyncio.Event()

    def __call__(self) -> None:
        self.times_ns.append(now_ns())
        self._called.set()

    async def next(self) -> int:
        """Wait for a call that has not been waited for, and return when it came."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._called.wait()
        self._called.clear()
        return self.times_ns[-1]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture(params=TIMERS)
async def timer(request: pytest.FixtureRequest, calls: Calls) -> AsyncIterator[Timer]:
    timer: Timer = request.param(calls)
    yield timer
    timer.close()


@pytest.mark.parametrize(
    "after_ns", [100_000, MS // 2, MS, 1_400_000, 3 * MS, 20 * MS], ids=lambda ns: f"{ns / MS:g} ms"
)
async def test_timer_fires_not_before_its_time(timer: Timer, calls: Calls, after_ns: int) -> None:
    """To the nanosecond, because the clock decides what is due."""
    for _ in range(5):
        at_ns = now_ns() + after_ns
        timer.arm(at_ns)
        assert at_ns <= await calls.next()
    assert 5 == len(calls.times_ns)


@pytest.mark.parametrize("past_ns", [1, NS_PER_SECOND, 3600 * NS_PER_SECOND])
async def test_timer_armed_for_the_past_fires_at_once(timer: Timer, calls: Calls, past_ns: int) -> None:
    timer.arm(now_ns() - past_ns)
    await calls.next()
    assert 1 == len(calls.times_ns)


async def test_timer_armed_for_the_beginning_of_time_fires_at_once(timer: Timer, calls: Calls) -> None:
    timer.arm(0)
    await calls.next()


async def test_timer_armed_again_fires_at_the_new_time_only(timer: Timer, calls: Calls) -> None:
    """The new time may be earlier or later than the old one."""
    timer.arm(now_ns() + 3600 * NS_PER_SECOND)
    timer.arm(now_ns() + MS)
    await calls.next()
    timer.arm(now_ns() + MS)
    at_ns = now_ns() + 30 * MS
    timer.arm(at_ns)
    assert at_ns <= await calls.next()
    assert 2 == len(calls.times_ns)


async def test_timer_that_was_disarmed_does_not_fire_until_it_is_armed_again(timer: Timer, calls: Calls) -> None:
    """Not even if its time had come and the event loop had not run yet."""
    timer.arm(now_ns())
    timer.disarm()
    timer.arm(now_ns() + MS)
    timer.disarm()
    at_ns = now_ns() + 20 * MS
    timer.arm(at_ns)
    assert at_ns <= await calls.next()
    assert 1 == len(calls.times_ns)


async def test_timer_may_be_disarmed_twice_and_before_it_was_armed(timer: Timer, calls: Calls) -> None:
    timer.disarm()
    timer.disarm()
    timer.arm(now_ns())
    await calls.next()


async def test_timer_may_be_armed_from_what_it_calls(calls: Calls) -> None:
    """The producer does that."""

    def fired() -> None:
        calls()
        if len(calls.times_ns) < 4:
            timer.arm(now_ns() + MS)
        else:
            done.set()

    done = asyncio.Event()
    timer = new_timer(fired)
    timer.arm(now_ns())
    async with asyncio.timeout(WAIT_SECONDS):
        await done.wait()
    timer.close()
    assert 4 == len(calls.times_ns)


async def test_closed_timer_does_not_fire(calls: Calls) -> None:
    other = Calls()
    closed, open_ = new_timer(calls), new_timer(other)
    closed.arm(now_ns() + MS)
    closed.close()
    open_.arm(now_ns() + 10 * MS)
    await other.next()
    open_.close()
    assert [] == calls.times_ns


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has timerfd")
async def test_linux_has_the_fine_timer(calls: Calls) -> None:
    timer = new_timer(calls)
    assert isinstance(timer, TimerFd)
    timer.close()
