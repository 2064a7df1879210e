"""The verdict on clients that ask and read late: it depends on what the late reading can have changed."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, GOOD, MS, with_account
from tests.wirerace.trials import plan_of
from wirerace.analysis.validity import arrivals
from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Clients, Experiment
from wirerace.observe.histogram import Latencies, LatenciesRecord
from wirerace.record.result import Raw
from wirerace.record.trial import Finding
from wirerace.workload.upstream import Upstream

DELIVERIES, MEAN_MS = 20_000, 100


def recorded(count: int, each_ms: float) -> LatenciesRecord:
    latencies = Latencies()
    for _ in range(count):
        latencies.record(round(each_ms * MS))
    return latencies.to_record()


def raw(delayed: int, each_ms: float = 200) -> Raw:
    """Return the record of 20,000 deliveries, some of which may have come that much earlier."""
    return with_account(latencies=recorded(DELIVERIES, MEAN_MS), asking_late=recorded(delayed, each_ms))


def found(
    record: Raw,
    p99: float | None,
    longest: float = 0.003,
    experiment: Experiment = EXPERIMENT,
    transport: str = "longpolling",
) -> Iterator[Finding]:
    lag = msgspec.structs.replace(GOOD.reader_lag_seconds, p99=p99, max=longest)
    trial = msgspec.structs.replace(GOOD, reader_lag_seconds=lag)
    return arrivals.check(Evidence(plan_of(transport, experiment=experiment), record, trial))


@pytest.mark.parametrize(("p99", "longest"), [(0.3, 0.6), (0.002, 0.6), (2.0, 5.0)])
def test_late_reading_that_delayed_nothing_is_no_finding(p99: float, longest: float) -> None:
    assert [] == list(found(raw(0), p99, longest))


def test_poller_is_judged_by_its_lag() -> None:
    """A load that reads late lets polls leave late, too: by less than counts as late, but all of them."""
    (finding,) = found(raw(0), 0.12, transport="polling")

    assert ("doubt", "1 % of readings came 120 ms") == (finding.weight, finding.what[:27])


@pytest.mark.parametrize("lag", [(0.3, 0.6), (0.06, 0.1), (0.002, 0.3)])
@pytest.mark.parametrize(
    ("delayed", "weight", "text"),
    [
        ((3_000, 200), "reason", "up to 30 % of mean latency may be due to late reading, which touched 15 % of"),
        ((2_000, 200), "doubt", "up to 20 % of mean latency may be due to late reading, which touched 10 % of"),
        ((150, 200), "doubt", "up to 1.5 % of mean latency may be due to late reading, which touched 0.75 % of"),
        ((300, 1), "doubt", "up to 0.015 % of mean latency may be due to late reading, which touched 1.5 % of"),
    ],
)
def test_late_reading_is_judged_by_what_it_may_have_delayed(
    lag: tuple[float, float], delayed: tuple[int, int], weight: str, text: str
) -> None:
    (finding,) = found(raw(*delayed), *lag)

    assert weight == finding.weight
    assert finding.what == f"{text} deliveries, by {delayed[1]} ms at most"
    assert "lies unread waits for its next request" in finding.why
    assert "load.processes" in finding.cure


def test_little_that_was_delayed_by_late_reading_is_no_finding() -> None:
    """90 of 20,000 deliveries, and 0.9 % of the sum of latencies."""
    assert [] == list(found(raw(90), 0.3))


def test_readings_in_time_are_not_judged_by_what_they_delayed() -> None:
    assert [] == list(found(raw(20_000), 0.05, 0.25))


@pytest.mark.parametrize(
    "changes",
    [
        {"upstream": Upstream(rate_per_second=1.0)},
        {"faults": [Fault(kind="cut", on="clients", at_seconds=2.0)]},
        {"clients": Clients(count=CLIENTS, shape="spike")},
    ],
)
def test_client_that_does_more_than_ask_is_judged_by_its_lag(changes: dict[str, object]) -> None:
    (finding,) = found(raw(0), 0.3, experiment=msgspec.structs.replace(EXPERIMENT, **changes))

    assert ("reason", "1 % of readings came 300 ms") == (finding.weight, finding.what[:27])


def test_reader_lag_of_a_client_that_asks_is_unchecked_where_nothing_was_read() -> None:
    assert [("unchecked", "reader lag")] == [(one.weight, one.what) for one in found(raw(0), None)]
