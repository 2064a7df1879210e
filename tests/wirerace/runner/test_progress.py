"""The reporter of a trial: rates and ages between two reports."""

from tests.wirerace.trials import EXPERIMENT, plan_of
from wirerace.experiment.settings import alone
from wirerace.observe.account import LoadState
from wirerace.runner.progress import Progress, Reporter


def ages_of(*states: LoadState, phase: str = "measuring") -> list[float | None]:
    """Return the ages that a reporter tells for a load's states, one after the other."""
    told: list[Progress] = []
    reporter = Reporter(told.append, alone(EXPERIMENT), 0, plan_of("polling"))
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
