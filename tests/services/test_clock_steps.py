"""Clock steps: a producer whose clock is set continues, without an hour of silence or an hour's updates at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.producer import Producer
from services.record import Record
from services.schedules import ProducerOptions
from wirerace.clock import NS_PER_SECOND
from wirerace.wire.update import Update
from wirerace.workload.schedule import Schedule

START_NS = 1_790_000_000 * NS_PER_SECOND
HOUR_NS = 3600 * NS_PER_SECOND
TENTH_NS = NS_PER_SECOND // 10


class FakeTime:
    """Both clocks, and the timer on the wall clock, in place of the kernel's."""

    def __init__(self) -> None:
        self.wall_ns = START_NS
        self.steady_ns = 0
        self.armed_ns: int | None = None
        self._on_time: Callable[[], None] = lambda: None

    def timer(self, on_time: Callable[[], None]) -> "FakeTime":
        self._on_time = on_time
        return self

    def arm(self, at_ns: int) -> None:
        self.armed_ns = at_ns

    def disarm(self) -> None:
        self.armed_ns = None

    def close(self) -> None:
        self.armed_ns = None

    def set_by(self, step_ns: int) -> None:
        """Set the wall clock, which fires what is due by then."""
        self.wall_ns += step_ns
        self._fire()

    def go_on(self, by_ns: int) -> None:
        """Let time pass on both clocks, from one firing of the timer to the next."""
        end_ns = self.wall_ns + by_ns
        while self.armed_ns is not None and self.armed_ns <= end_ns:
            passed_ns = max(0, self.armed_ns - self.wall_ns)
            self.wall_ns += passed_ns
            self.steady_ns += passed_ns
            self._fire()
        self.steady_ns += end_ns - self.wall_ns
        self.wall_ns = end_ns

    def _fire(self) -> None:
        while self.armed_ns is not None and self.armed_ns <= self.wall_ns:
            self._on_time()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("services.producer.new_timer", fake.timer)
    return fake


@pytest.fixture
async def producer(fake: FakeTime) -> AsyncIterator[Producer]:
    """A producer that makes ten updates a second, with heartbeats."""
    options = ProducerOptions(arrivals="periodic", rate_per_second=10.0)
    producer = Producer(options, clock=lambda: fake.wall_ns, steady=lambda: fake.steady_ns)
    work = asyncio.create_task(producer.work())
    await asyncio.sleep(0)
    yield producer
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def made(producer: Producer) -> list[int]:
    return [ts for epoch in producer._record.between(0, 2**62).epochs for ts in epoch.ts]


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 4 * NS_PER_SECOND, -4 * NS_PER_SECOND])
async def test_schedule_starts_again_when_the_clock_is_set(
    producer: Producer, fake: FakeTime, step_ns: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Exactly the due updates are made, at the times of the new clock, and it is logged once."""
    fake.go_on(NS_PER_SECOND)
    assert 10 == len(made(producer))
    fake.set_by(step_ns)
    producer._heed_the_clock()  # as every heartbeat does
    set_ns = fake.wall_ns
    fake.go_on(NS_PER_SECOND)
    assert [set_ns + tenth * TENTH_NS for tenth in range(1, 11)] == made(producer)[10:]
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"the clock was set by {step_ns / NS_PER_SECOND:+.1f} s" in warning.getMessage()


@pytest.mark.parametrize("step_ns", [2 * NS_PER_SECOND, -2 * NS_PER_SECOND])
async def test_small_step_is_a_lateness_like_any_other(
    producer: Producer, fake: FakeTime, step_ns: int, caplog: pytest.LogCaptureFixture
) -> None:
    fake.go_on(NS_PER_SECOND)
    fake.set_by(step_ns)
    producer._heed_the_clock()
    fake.go_on(3 * NS_PER_SECOND)
    expected = 10 + 30 + step_ns // TENTH_NS
    assert [START_NS + tenth * TENTH_NS for tenth in range(1, expected + 1)] == made(producer)
    assert [] == [record for record in caplog.records if record.levelno == logging.WARNING]


async def test_many_small_steps_are_a_large_one(producer: Producer, fake: FakeTime) -> None:
    for _ in range(4):
        fake.set_by(-NS_PER_SECOND)
        producer._heed_the_clock()
    set_ns = fake.wall_ns
    fake.go_on(TENTH_NS)
    assert [set_ns + TENTH_NS] == made(producer)


async def test_process_that_was_stopped_makes_what_it_missed(producer: Producer, fake: FakeTime) -> None:
    """Both clocks continued: that is lateness, which is recorded, and no step."""
    fake.wall_ns += 5 * NS_PER_SECOND
    fake.steady_ns += 5 * NS_PER_SECOND
    fake._fire()
    assert 50 == len(made(producer))


async def test_idle_producer_heeds_the_clock_too(fake: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    """A schedule that is set after a step is kept unchanged."""
    producer = Producer(ProducerOptions(idle=True), clock=lambda: fake.wall_ns, steady=lambda: fake.steady_ns)
    fake.wall_ns += HOUR_NS
    producer._heed_the_clock()
    producer._set_schedule(Schedule(arrivals="periodic", rate_per_second=10.0), fake.wall_ns)
    producer._heed_the_clock()
    fake.go_on(NS_PER_SECOND)
    assert 10 == len(made(producer))
    assert 1 == sum(record.levelno == logging.WARNING for record in caplog.records)


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS])
async def test_producer_that_begins_again_after_a_step_is_at_work_at_once(
    fake: FakeTime, step_ns: int, tmp_path: Path
) -> None:
    """Its record has updates of the future if the clock was set back while it was away."""
    record = Record(tmp_path / "record")
    schedule = Schedule(arrivals="periodic", rate_per_second=10.0, start_ns=START_NS - NS_PER_SECOND)
    record.set_schedule(schedule)
    record.add(Update("e0", 1, START_NS - TENTH_NS, ""), 0)
    record.close()
    fake.wall_ns += step_ns + TENTH_NS // 2
    options = ProducerOptions(record_file=str(tmp_path / "record"), arrivals="periodic", rate_per_second=10.0)
    producer = Producer(options, clock=lambda: fake.wall_ns, steady=lambda: fake.steady_ns)
    producer._begin()
    before, begun_ns = made(producer), fake.wall_ns
    fake.go_on(NS_PER_SECOND)
    assert [START_NS - TENTH_NS] == before
    assert 10 == len(made(producer)[1:])
    assert all(begun_ns < ts <= begun_ns + NS_PER_SECOND for ts in made(producer)[1:])
