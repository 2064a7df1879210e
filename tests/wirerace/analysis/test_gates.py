"""`--fail-if`: whether a condition holds, and that nothing passes which is not known."""

import msgspec
import pytest

from tests.refusals import lacking
from tests.wirerace.compared import INVALID, SOME, comparison, run_of, times
from wirerace.analysis.gates import conditions_in
from wirerace.cli.compare import exit_code_of, why_failed
from wirerace.errors import BadInput
from wirerace.record.result import Result
from wirerace.record.trial import Trial

WILD = (100.0, 200.0, 50.0, 150.0, 70.0)


def outcome_of(condition: str, b: Result, a: Result | None = None) -> str:
    (gate,) = comparison(a or run_of(), b, condition).fail_if
    return f"{gate.outcome}: {gate.why}" if gate.why else gate.outcome


@pytest.mark.parametrize(
    ("condition", "factor", "outcome"),
    [
        ("latency.p99 > 1.2x", 1.4, "holds"),
        ("latency.p99 > 1.2x", 1.1, "does not hold"),
        ("latency.p99>1.2x", 1.4, "holds"),
        ("latency.p99 >= 1.2x", 1.4, "holds"),
        ("latency.mean < 0.8x", 0.6, "holds"),
        ("latency.mean <= 0.8x", 0.9, "does not hold"),
        ("latency.mean > 0.001", 1.4, "holds"),
        ("latency.mean > 0.002", 1.4, "does not hold"),
        ("lost == 0", 1.0, "holds"),
        ("lost > 0", 1.0, "does not hold"),
    ],
)
def test_condition_holds_if_the_whole_interval_says_so(condition: str, factor: float, outcome: str) -> None:
    assert outcome == outcome_of(condition, run_of(times(factor)))


def test_interval_that_includes_the_limit_decides_nothing() -> None:
    b = run_of([1.2 * value * change for value, change in zip(SOME, (0.9, 1.1, 0.95, 1.05, 1.0), strict=True)])

    assert "undecided: the interval includes 1.2: run more repeats" == outcome_of("latency.p99 > 1.2x", b)


def without_p99(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, latency_seconds=msgspec.structs.replace(trial.latency_seconds, p99=None))


@pytest.mark.parametrize(
    ("b", "condition", "why"),
    [
        (run_of(SOME, verdict=INVALID), "latency.p99 > 1.2x", "5 of 5 trials of B are invalid"),
        (run_of(SOME, verdict=INVALID), "lost > 0", "5 of 5 trials of B are invalid"),
        (run_of(SOME[:2]), "latency.p99 > 1.2x", "B has too few repeats that count"),
        (run_of(times(1)), "lost > 1.2x", "a value of A is not above 0, and so there is no ratio"),
        (run_of(times(1)), "visit.whole > 1.2x", "5 of 5 trials of A have no such figure"),
        (run_of(times(1)), "visit.whole > 2", "5 of 5 trials of B have no such figure"),
        (
            msgspec.structs.replace(run_of(), trials=[*map(without_p99, run_of(times(2)).trials)]),
            "latency.p99 > 1.2x",
            "5 of 5 trials of B have no such figure",
        ),
    ],
    ids=["invalid, ratio", "invalid, value", "too few", "zero", "no ratio", "no value", "unknown"],
)
def test_what_is_not_known_is_undecided_and_does_not_pass(b: Result, condition: str, why: str) -> None:
    found = comparison(run_of(), b, condition)

    assert outcome_of(condition, b).startswith(f"undecided: {why}")
    assert 3 == exit_code_of(found, is_gated=True)
    assert "1 of 1 are undecided" == why_failed(found)


def test_condition_that_holds_counts_more_than_one_that_is_undecided() -> None:
    found = comparison(run_of(), run_of(times(2)), "latency.p99 > 1.2x", "visit.whole > 2")

    assert 4 == exit_code_of(found, is_gated=True)
    assert "1 of 2 conditions of --fail-if hold; 1 of 2 are undecided" == why_failed(found)


def test_contestant_that_is_missing_does_not_pass() -> None:
    a, b = run_of(), run_of(times(1))
    a.contestants = [*a.contestants, *run_of(transport="polling").contestants]
    found = comparison(a, b, "latency.p99 > 1.2x")

    assert 3 == exit_code_of(found, is_gated=True)
    assert "polling is only in A" == why_failed(found)
    assert 0 == exit_code_of(comparison(a, b), is_gated=False), "without a condition it is only said"


def test_condition_that_is_shown_not_to_hold_passes() -> None:
    assert 0 == exit_code_of(comparison(run_of(), run_of(times(1)), "latency.p99 > 1.2x", "lost > 0"), is_gated=True)


@pytest.mark.parametrize(
    ("condition", "place", "facts"),
    [
        ("latency.p9 > 1.2x", "--fail-if 'latency.p9 > 1.2x'", ["'latency.p9'", "latency.p99", "age.mean"]),
        ("latency > 1.2x", "--fail-if 'latency > 1.2x'", ["'latency'", "latency.mean", "age.mean"]),
        ("latency.p99", "--fail-if", ["< <= > >= ==", "'latency.p99 > 1.2x'", "'latency.p99'"]),
        ("", "--fail-if", ["''"]),
        ("latency.p99 = 1", "--fail-if", ["< <= > >= ==", "'latency.p99 = 1'"]),
        ("latency.p99 > ", "--fail-if", ["a number", "'latency.p99 > '"]),
        ("latency.p99 > 200ms", "--fail-if", ["without a unit", "'latency.p99 > 200ms'"]),
        ("latency.p99 > 20%", "--fail-if", ["without a unit"]),
        ("latency.p99 > nan", "--fail-if", ["without a unit"]),
        ("latency.p99 > 1e999x", "--fail-if", ["without a unit"]),
        ("latency.p99 > ٣", "--fail-if", ["without a unit"]),
        ("1.2x < latency.p99", "--fail-if", ["such as 'latency.p99 > 1.2x'"]),
        ("latency.p99 < -1", "--fail-if 'latency.p99 < -1'", ["latency.p99 is at least 0", "nothing meets"]),
        ("lost >= 0", "--fail-if 'lost >= 0'", ["lost is at least 0", "everything meets"]),
        ("reach < 99", "--fail-if 'reach < 99'", ["at most 1", "99 % is 0.99"]),
        ("latency.p99 == 0.2", "--fail-if 'latency.p99 == 0.2'", ["never exactly 0.2", "< or >"]),
        ("latency.p99 == 1x", "--fail-if 'latency.p99 == 1x'", ["<, <=, > or >="]),
        ("latency.p99 > 0x", "--fail-if 'latency.p99 > 0x'", ["above 0", "1.2x"]),
        ("latency.p99 > -1x", "--fail-if 'latency.p99 > -1x'", ["above 0", "1.2x"]),
    ],
)
def test_condition_that_is_none_is_refused_with_its_cure(condition: str, place: str, facts: list[str]) -> None:
    with pytest.raises(BadInput) as refusal:
        conditions_in([condition])

    assert [] == lacking(str(refusal.value), place, facts)
