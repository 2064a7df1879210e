"""A load process that does not read for a while: its own slowness is not in what it measures meanwhile."""

import time
from collections.abc import Callable

import pytest

from tests.race.running import Race
from wirerace.record.trial import Trial

pytestmark = [pytest.mark.processes, pytest.mark.faults]

STALL_SECONDS = 0.4
NEVER_VALID = 0.25
"""Reader lag above which the verdict is invalid: the stall is longer."""


def stalled(race: Callable[..., Race], transport: str, *settings: str) -> Trial:
    """Return a trial in whose window the load process stood still for 0.4 s."""
    keys = ("clients.count=10", f'transports=["{transport}"]', *settings)
    started = race(*(part for key in keys for part in ("--set", key)), allow_invalid=False)
    started.wait_for("measuring")
    load = started.child("locustfile.py")
    load.suspend()
    time.sleep(STALL_SECONDS)  # what is tested
    load.resume()
    assert started.wait() in {0, 3}, started.said
    return started.trial(transport)


def test_updates_that_were_read_together_are_flagged(race: Callable[..., Race]) -> None:
    """About 20 updates wait for each client: the newest is stamped, the others may have come earlier."""
    trial = stalled(race, "websocket", "producer.rate_per_second=50", 'producer.arrivals="periodic"')
    assert "kernel" == trial.clock
    assert 10 * 10 < trial.upper_bounds
    read_alone_or_last = trial.delivered - trial.upper_bounds
    assert trial.reader_lag_seconds.count == pytest.approx(read_alone_or_last, abs=2 * 10), "one stamp for each reading"
    assert trial.latency_seconds.p50 is not None
    assert trial.latency_seconds.p50 < STALL_SECONDS / 4
    assert trial.verdict is not None
    assert any("of arrivals may have been earlier than their stamp" in doubt for doubt in trial.verdict.doubts)


def test_polls_leave_late_and_the_trial_says_so(race: Callable[..., Race]) -> None:
    trial = stalled(race, "polling")
    assert trial.verdict is not None
    assert not trial.verdict.valid
    assert any("of polls left late, or never" in reason for reason in trial.verdict.reasons)


def test_long_polls_ask_again_late_and_the_prediction_knows(race: Callable[..., Race]) -> None:
    """Clients answered by the first update of the stall were away for the rest of it: one of 50 gaps of each client."""
    trial = stalled(race, "longpolling", "producer.rate_per_second=25", 'producer.arrivals="periodic"')
    repolls = trial.repoll_seconds
    assert repolls.p99 is not None
    assert repolls.p99 > STALL_SECONDS * 0.8
    (latency,) = [cell for cell in trial.theory if cell.quantity == "latency_seconds"]
    assert latency.given is not None
    assert latency.given > 0.0025, "without such gaps it would be a millisecond or less"
    assert trial.verdict is not None
    assert any("of mean latency may be due to late reading" in reason for reason in trial.verdict.reasons)
    assert trial.reader_lag_seconds.p99 is not None
    assert trial.reader_lag_seconds.p99 > NEVER_VALID
