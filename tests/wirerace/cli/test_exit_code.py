"""What `wirerace run` exits with."""

import msgspec
import pytest

from tests.wirerace.trials import plan_of, trial_of
from wirerace.cli.run import INVALID, NOT_WHOLE, exit_code
from wirerace.experiment.model import Experiment
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import Host, Result
from wirerace.record.trial import Trial, Verdict
from wirerace.workload.truth import Truth

WHOLE = trial_of(plan_of("websocket"), Window(0, 10), AccountRecord(), Truth(0, complete=True, epochs=[]))


def result_of(*trials: Trial) -> Result:
    experiment = msgspec.to_builtins(Experiment("t", ["websocket"]))
    return Result(wirerace="", experiment=experiment, host=Host(1, "", "", {}), started_at="", trials=list(trials))


@pytest.mark.parametrize(
    ("verdict", "lost", "code"),
    [
        (Verdict(valid=True), 0, 0),
        (Verdict(valid=False), 0, INVALID),
        (None, 0, INVALID),
        (Verdict(valid=True), 1, NOT_WHOLE),
    ],
    ids=["valid", "invalid", "not judged", "not whole"],
)
def test_run_exits_with_what_its_trials_are(verdict: Verdict | None, lost: int, code: int) -> None:
    trial = msgspec.structs.replace(WHOLE, verdict=verdict, lost=lost)

    assert code == exit_code(result_of(trial), allow_invalid=False)


def test_run_without_a_trial_is_not_whole() -> None:
    assert NOT_WHOLE == exit_code(result_of(), allow_invalid=True)
