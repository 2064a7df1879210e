"""Over a path that holds streams back, every client has an update before its window, and nothing is lost at its end."""

from collections.abc import Callable

import pytest

from tests.race.running import Race

pytestmark = pytest.mark.processes


def test_updates_that_a_buffer_holds_back_all_come(race: Callable[..., Race]) -> None:
    """Some 200 bytes, 40 times a second, fill 2,000 bytes in 0.25 s: an update waits for half of that, about."""
    keys = (
        *('transports=["sse"]', "path=far", "paths.far.buffer_bytes=2000"),
        *("clients.count=5", "window.measure_seconds=2", "window.warmup_seconds=0.5", "producer.rate_per_second=40"),
    )
    started = race(*(part for key in keys for part in ("--set", key)))
    assert 0 == started.wait(), started.stderr
    trial = started.trial("sse")

    assert (0, 0, 1.0) == (trial.lost, trial.duplicated, trial.reach)
    assert trial.latency_seconds.mean is not None
    assert trial.latency_seconds.mean > 0.05, "held back"
