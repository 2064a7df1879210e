"""The verdict on visits: late ones, those who gave up, those who did not come, and ports that rest."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.good import EXPERIMENT, GOOD, STEADY, WINDOW, judged
from tests.wirerace.visited import VISITS
from wirerace.clock import to_ns
from wirerace.record.durations import Times
from wirerace.record.samples import Resting
from wirerace.record.trial import Verdict
from wirerace.workload.population import Population, visits_of

POPULATION = Population(kind="visit", per_second=10.0, updates=5)
EXPERIMENT_OF_VISITS = replace(EXPERIMENT, population=POPULATION)
DUE = sum(map(WINDOW.has, visits_of(POPULATION, 1, WINDOW.from_ns - to_ns(1), WINDOW.to_ns)))
ALL_WELL = replace(VISITS, due=DUE, finished=DUE, gave_up=0)


def verdict_on(**changes: Any) -> Verdict:
    """Return the verdict on a good trial of visitors with some values changed."""
    visits = replace(ALL_WELL, **changes)
    return judged(replace(GOOD, visits=visits, clients=3), STEADY, EXPERIMENT_OF_VISITS)


def started(p99: float | None) -> dict[str, object]:
    """Return the stages of visits of which 1 % came that late."""
    return {"stages_seconds": VISITS.stages_seconds | {"started": Times(100, p99, p99, p99, p99)}}


def test_visits_that_went_well_are_valid_without_a_doubt() -> None:
    assert Verdict(valid=True) == replace(verdict_on(), findings=[])


@pytest.mark.parametrize(("p99", "weight"), [(0.009, ""), (0.02, "doubt"), (0.2, "reason"), (None, "unchecked")])
def test_visitors_who_come_late_are_found(p99: float | None, weight: str) -> None:
    found = verdict_on(**started(p99))

    assert [weight] * bool(weight) == [finding.weight for finding in found.findings]
    if p99 and weight:
        assert found.findings[0].what.startswith(f"1 % of visitors came {1000 * p99:.3g} ms late or later")


@pytest.mark.parametrize(("gave_up", "valid"), [(1, True), (DUE // 2 + 1, False)])
def test_visitors_who_gave_up_are_a_doubt_and_most_of_them_a_reason(gave_up: int, valid: bool) -> None:
    found = verdict_on(gave_up=gave_up, finished=DUE - gave_up)

    assert valid == found.valid
    assert f"{gave_up} of {DUE} visitors gave up" == found.findings[0].what


def test_other_visitors_than_were_due_are_another_load() -> None:
    found = verdict_on(due=DUE - 1)

    assert not found.valid
    assert f"{DUE - 1} visitors came in the window, and {DUE} were due: it is another load" in found.reasons


def test_window_without_a_visitor_measures_nothing() -> None:
    rare = replace(EXPERIMENT, population=replace(POPULATION, arrivals="periodic", per_second=0.01))
    visits = replace(ALL_WELL, due=0, finished=0)
    found = judged(replace(GOOD, visits=visits, clients=0), STEADY, rare)

    assert ["no visitor was due in the window: every figure rests on visits"] == found.reasons


def test_visits_that_had_not_ended_and_stale_ones_make_a_trial_invalid() -> None:
    assert [f"2 of {DUE} visits had not ended when the load did: how they would have ended is not known"] == (
        verdict_on(unfinished=2).reasons
    )
    (stale,) = verdict_on(stale=3).reasons
    assert stale.startswith(f"3 of {DUE} visits began with an update that was not the newest: ")


@pytest.mark.parametrize(
    ("resting", "doubts", "unchecked"),
    [
        (Resting(10, 0, 100), [], []),
        (Resting(60, 0, 100), ["60 % of this machine's ports for outgoing connections rested in TIME_WAIT"], []),
        (Resting(60, 0, None), [], []),
        (None, [], ["ports in TIME_WAIT"]),
    ],
)
def test_ports_that_rest_are_a_doubt_when_most_do(
    resting: Resting | None, doubts: list[str], unchecked: list[str]
) -> None:
    found = verdict_on(resting=resting)

    assert (doubts, unchecked) == ([doubt.partition(":")[0] for doubt in found.doubts], found.unchecked)


def test_failed_connections_of_visitors_name_their_own_rate() -> None:
    trial = replace(GOOD, visits=ALL_WELL, failed_connects=4)
    (finding,) = judged(trial, STEADY, EXPERIMENT_OF_VISITS).findings

    assert ("reason", "use a lower population.per_second") == (finding.weight, finding.cure)


def test_number_of_visitors_at_one_time_is_no_finding() -> None:
    """`clients.count` means nothing to them: 3 were there at most, and its default is 200."""
    assert verdict_on().valid


def test_one_update_for_each_visitor_has_no_latency_and_needs_none() -> None:
    account = replace(STEADY.account, updates={})
    latency = replace(GOOD.latency_seconds, mean=None)
    trial = replace(GOOD, visits=replace(ALL_WELL, updates=1), latency_seconds=latency, delivered=GOOD.expected)
    found = judged(trial, replace(STEADY, account=account), EXPERIMENT_OF_VISITS)

    assert [] == found.reasons
