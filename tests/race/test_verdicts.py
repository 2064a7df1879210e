"""Reasons for an invalid trial, each provoked for real. tests/stack provokes those of containers.

A load process that does not read is in test_busy_reader.py.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.race.running import Race, wait_until
from wirerace.host.machine import machine_sample
from wirerace.observe.usage import usage
from wirerace.record.trial import Trial

pytestmark = [pytest.mark.processes, pytest.mark.faults]

STALL_SECONDS = 0.3
SPAWN_EVERY_SECONDS = 1.2  # Locust starts the clients of a second all at once


def reasons(trial: Trial) -> str:
    assert trial.verdict is not None
    return "\n".join(trial.verdict.reasons)


def doubts(trial: Trial) -> str:
    assert trial.verdict is not None
    return "\n".join(trial.verdict.doubts)


def test_load_that_is_busy_all_the_time_makes_the_trial_invalid_and_discards_it(race: Callable[..., Race]) -> None:
    """120,000 messages a second are more than one process reads: its clients queue, and latency rises and rises."""
    keys = (
        *('transports=["websocket"]', "valid_repeats=1", "tries=1"),
        *("producer.rate_per_second=1200", "clients.count=100", "window.measure_seconds=0.6"),
    )
    started = race(*(part for key in keys for part in ("--set", key)), allow_invalid=False)
    assert started.wait() == 3, started.said
    assert [{"point": 0, "repeat": 1}] == started.result["discarded"]
    assert "only 0 of 1 repeats were valid, in 1 tries" in started.stderr
    trial = started.trial("websocket")
    assert "a load process had work" in reasons(trial)
    assert "of arrivals may have been earlier than their stamp" in reasons(trial) + doubts(trial)


def test_producer_that_keeps_no_schedule_makes_the_trial_invalid(race: Callable[..., Race]) -> None:
    started = race("--set", 'transports=["websocket"]', allow_invalid=False)
    started.wait_for("measuring")
    producer = started.child("services producer")
    producer.suspend()
    time.sleep(STALL_SECONDS)  # what is tested
    producer.resume()
    assert started.wait() == 3, started.said
    assert "% of updates were made" in reasons(started.trial("websocket"))


def test_clients_that_failed_to_connect_make_the_trial_invalid(race: Callable[..., Race]) -> None:
    keys = ('transports=["websocket"]', "clients.count=8", "clients.spawn_per_second=2", "window.measure_seconds=2")
    started = race(*(part for key in keys for part in ("--set", key)), allow_invalid=False)
    started.wait_for("connecting")
    server = started.child("services websocket")
    wait_until(lambda: len(server.net_connections()) > 3)  # it listens, follows the feed, and has some clients
    started.signal(signal.SIGSTOP)  # otherwise it would be started again before the next clients come, a second later
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(SPAWN_EVERY_SECONDS)
    started.signal(signal.SIGCONT)
    assert started.wait() == 3, started.said
    trial = started.trial("websocket")
    assert "clients failed to connect" in reasons(trial)
    assert "the server died and was started again, once" in reasons(trial)
    assert 1.0 == trial.reach, "those that had connected came back"


def test_few_updates_in_a_window_are_a_doubt(race: Callable[..., Race]) -> None:
    keys = ('transports=["websocket"]', "producer.rate_per_second=4", 'producer.arrivals="periodic"')
    started = race(*(part for key in keys for part in ("--set", key)))
    assert started.wait() == 0, started.said
    trial = started.trial("websocket")
    assert trial.verdict is not None
    assert "only 8 updates were made in the window" in doubts(trial)
    assert ["a trend of the latency in the window: some of its tenths have no update"] == trial.verdict.unchecked


def test_window_without_an_update_is_invalid(race: Callable[..., Race]) -> None:
    keys = ('transports=["websocket"]', "producer.rate_per_second=0.01", "window.measure_seconds=1.5")
    started = race(*(part for key in keys for part in ("--set", key)), allow_invalid=False)
    assert started.wait() == 3, started.said
    assert "no update was made in the window" in reasons(started.trial("websocket"))


def spin(core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    while True:
        pass


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs processes that can be bound to a core: Linux")
def test_others_that_take_the_core_are_seen_in_what_they_use_and_in_what_one_waits_for() -> None:
    """Two processes compete with this one for its core: it waits for about two thirds of its time."""
    before_cores = os.sched_getaffinity(0)
    core = min(before_cores)
    others = [multiprocessing.get_context("spawn").Process(target=spin, args=(core,)) for _ in range(2)]
    os.sched_setaffinity(0, {core})
    try:
        for other in others:
            other.start()
        while min(psutil.Process(other.pid).cpu_times().user for other in others) < 0.1:
            time.sleep(0.02)
        machine, waited = machine_sample(time.process_time), usage().waited_seconds
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            pass
        after, waited_after = machine_sample(time.process_time), usage().waited_seconds
    finally:
        os.sched_setaffinity(0, before_cores)
        for other in others:
            other.kill()
            other.join()
    assert waited is not None
    assert waited_after is not None
    assert after.own_seconds is not None
    assert machine.own_seconds is not None
    ran = after.own_seconds - machine.own_seconds
    assert after.busy_seconds - machine.busy_seconds - ran > 0.4, "seconds of others in a second"
    assert waited_after - waited > 0.4 * (waited_after - waited + ran)


def test_clock_that_is_set_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = machine_sample(lambda: None), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 5_000_000)
    after = machine_sample(lambda: None)

    assert pytest.approx(5_000_000, abs=100_000) == after.offset_ns - before.offset_ns
