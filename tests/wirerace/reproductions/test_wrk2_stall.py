import pytest

from tests.wirerace.reproductions.outcomes import failed, latency, outcome, times
from wirerace.experiment.plans import contestants_of
from wirerace.reproductions.check import Check
from wirerace.reproductions.wrk2_stall import EXPERIMENT, checks
from wirerace.transports.polling import PollingOptions


def found(naive_p99: float = 0.006, true_p99: float | None = 1.2, most: float = 1.41) -> list[Check]:
    naive, true = times(naive_p99, most), latency(0.1, true_p99, most)
    return checks({"polling": outcome("polling", request_seconds=naive, latency_seconds=true)})


def test_percentile_that_sees_the_stall_beside_one_that_does_not_is_what_was_published() -> None:
    assert [] == failed(found())


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"naive_p99": 0.2}, ["p99 of requests, timed from their sending", "how many times that is"]),
        (
            {"true_p99": 0.05},
            ["p99 of deliveries, timed from the making", "the same: stall less 1 % of what is counted"],
        ),
        ({"most": 0.1}, ["slowest request", "slowest delivery"]),
    ],
)
def test_what_does_not_agree_fails(changes: dict[str, float], names: list[str]) -> None:
    assert names == failed(found(**changes))[:2]


def test_percentile_that_depends_on_too_few_updates_has_not_passed() -> None:
    assert 3 == len(failed(found(true_p99=None)))


def test_one_of_200_requests_is_slow_as_no_percentile_up_to_the_99th_can_see() -> None:
    (contestant,), (stall,) = contestants_of(EXPERIMENT), EXPERIMENT.faults
    assert isinstance(contestant.options, PollingOptions)
    polls = EXPERIMENT.window.measure_seconds / contestant.options.interval_seconds
    stalled = stall.lasts_seconds / EXPERIMENT.window.measure_seconds

    assert 200 == polls
    assert 1 / polls < 0.01 < stalled
