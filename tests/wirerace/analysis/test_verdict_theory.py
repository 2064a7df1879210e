"""The verdict on a latency that theory does not allow, and what excuses it."""

import msgspec
import pytest

from tests.wirerace.analysis.good import changed, judged
from wirerace.analysis.validity.theory import is_far
from wirerace.record.trial import Cell, Condition, Kind, Verdict
from wirerace.theory.conditions import CONDITIONS


def off(by: float, kind: Kind = "prediction", *broken: Condition, late_polls: int = 0) -> Verdict:
    """Return the verdict on a mean latency that is a multiple of the predicted 10 ms."""
    cell = Cell("latency_seconds", 0.01 * by, 0.01, 0.01, 0.0, by, 0.002, within=False, kind=kind)
    trial = msgspec.structs.replace(changed("late_polls", late_polls), theory=[cell], conditions=list(broken))
    return judged(trial)


@pytest.mark.parametrize(
    ("late_polls", "cause"),
    [(0, "nothing else was found that would explain it"), (20, "see the other findings")],
)
@pytest.mark.parametrize("kind", ["prediction", "fit"])
def test_what_theory_does_not_allow_is_a_doubt_for_which_a_reason_is_sought(
    late_polls: int, cause: str, kind: Kind
) -> None:
    assert (
        f"latency is outside of what theory allows, 2 × the {kind}: {cause}"
        == off(2, kind, late_polls=late_polls).doubts[-1]
    )


@pytest.mark.parametrize(("by", "valid"), [(4.9, True), (5.1, False), (129, False)])
@pytest.mark.parametrize("late_polls", [0, 20])
def test_deviation_of_a_size_is_a_reason_by_itself(by: float, *, valid: bool, late_polls: int) -> None:
    assert valid is off(by, late_polls=late_polls).valid


def condition(name: str, value: float) -> Condition:
    return Condition(name, value, CONDITIONS[name].most, holds=False)


def test_broken_condition_explains_a_deviation() -> None:
    broken = "polls queue at the server (Nc/T = 0.75) and polls left late (2.5 % of them)"
    because = f"theory does not hold here, because {broken}"

    assert [f"latency is outside of what theory allows, 2 × the prediction: {because}"] == off(
        2, "prediction", condition("poll_load", 0.75), condition("late_polls", 0.025)
    ).doubts


@pytest.mark.parametrize("name", CONDITIONS)
def test_overload_that_was_asked_for_excuses_a_deviation_of_any_size_and_a_disturbance_none(name: str) -> None:
    limit = CONDITIONS[name].excuses

    assert (limit is not None) is off(129, "prediction", condition(name, limit or 1.0)).valid
    assert not off(129, "prediction", condition(name, 0.99 * (limit or 1.0))).valid


def test_theory_that_could_not_be_computed_is_unchecked() -> None:
    assert ["theory: too little was measured to predict from"] == judged(changed("theory", [])).unchecked


def test_deviation_from_nothing_is_a_doubt_without_a_ratio() -> None:
    cell = Cell("empty_fraction", 0.1, 0.0, 0.0, 0.0, None, 0.005, within=False)
    (doubt,) = judged(changed("theory", [cell])).doubts

    assert doubt.startswith("empty fraction is outside of what theory allows: ")


@pytest.mark.parametrize("unknown", ["measured", "given"])
def test_deviation_of_what_is_unknown_is_not_far(unknown: str) -> None:
    cell = Cell("latency_seconds", 0.9, 0.01, 0.01, 0.0, 90.0, 0.002, within=False)

    assert is_far(cell)
    assert not is_far(msgspec.structs.replace(cell, **{unknown: None}))


def test_what_could_not_be_looked_at_does_not_explain_a_deviation() -> None:
    cell = Cell("latency_seconds", 0.02, 0.01, 0.01, 0.0, 2.0, 0.002, within=False)
    found = judged(msgspec.structs.replace(changed("machine.stolen_cores", None), theory=[cell]))

    assert ["what the hypervisor took"] == found.unchecked
    assert ["nothing else was found that would explain it"] == [doubt.rpartition(": ")[2] for doubt in found.doubts]
