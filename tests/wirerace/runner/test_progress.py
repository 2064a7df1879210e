"""The reporter of a trial: rates and ages between two reports."""

from tests.wirerace.trials import plan_of
from wirerace.observe.account import LoadState
from wirerace.runner.forecast import Remaining, expected_seconds
from wirerace.runner.progress import Progress, Reporter


def ages_of(*states: LoadState, phase: str = "measuring") -> list[float | None]:
    """Return the ages that a reporter tells for a load's states, one after the other."""
    told: list[Progress] = []
    reporter = Reporter(told.append, plan_of("polling"), 0, Remaining((3, 5), (60.0, 100.0)))
    for state in states:
        reporter.report(phase, state)
    return [progress.age_seconds for progress in told]


def test_age_is_the_mean_since_the_last_report() -> None:
    states = [LoadState(age_area=0.5, age_ns=10**9), LoadState(age_area=0.8, age_ns=3 * 10**9)]

    assert [0.5, 0.15] == [round(age or 0.0, 9) for age in ages_of(*states)]


def test_age_is_unknown_while_no_client_has_any() -> None:
    some = LoadState(age_area=0.5, age_ns=10**9)

    assert [None, 0.5, None] == ages_of(LoadState(), some, some)
    assert [None] == ages_of(some, phase="draining")


def test_what_is_left_is_the_rest_of_the_trial_and_the_middle_of_what_the_others_take() -> None:
    told: list[Progress] = []
    Reporter(told.append, plan_of("polling"), 7, Remaining((3, 5), (60.0, 100.0))).report("starting", None)

    assert (8, 11) == (told[0].number, told[0].total)
    assert 79 < told[0].left_seconds <= 80


def test_trial_that_was_not_expected_any_more_is_the_last_one() -> None:
    told: list[Progress] = []
    plan = plan_of("polling")
    Reporter(told.append, plan, 7, Remaining((0, 0), (0.0, 0.0)), "compose").report("starting", None)

    assert (8, 8) == (told[0].number, told[0].total)
    assert told[0].left_seconds <= expected_seconds(plan, "compose")
