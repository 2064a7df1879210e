"""A search for capacity on processes: it ends at the highest value that may be tried, and its report says so."""

from collections.abc import Callable

import pytest

from tests.race.running import Race
from wirerace.record.reading import read_result

pytestmark = pytest.mark.processes

SEARCH = """
title = "A small search"
kind = "capacity"
transports = ["websocket"]

[capacity]
objectives = ["latency.mean < 60"]
most = 8
repeats = 1

[producer]
rate_per_second = 20.0

[clients]
count = 4

[window]
warmup_seconds = 0.2
measure_seconds = 0.6
"""


def test_search_ends_at_the_highest_value_and_is_reported(race: Callable[..., Race]) -> None:
    """Every trial counts as met, unless the machine is busy with something else: then the search says that."""
    started = race(experiment=SEARCH)
    assert started.wait() == 0, started.stderr
    result = read_result(started.out)
    (record,) = result.capacities

    assert record.ended
    assert ("websocket", "clients.count", "latency.mean") == (record.contestant, record.knob, record.figure)
    assert len(result.trials) + len(result.failures) == record.trials
    assert {"clients.count": 4} == result.points[0].setting
    assert [result.points[trial.point].setting["clients.count"] for trial in result.trials] == [
        trial.clients for trial in result.trials
    ]
    if record.void == 0:
        assert (8, 8, None, "most") == (record.low, record.carried, record.missed, record.gave_out)
        assert [4, 8] == [trial.clients for trial in result.trials]
    assert "A small search" in (started.out / "report.html").read_text("utf-8")
    assert "WebSocket" in started.stdout_file.read_text()
