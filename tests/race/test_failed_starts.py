"""A part that cannot be started fails its trial, and the next trial runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wirerace.errors import ConnectionLost, TrialFailed, WireraceError
from wirerace.experiment.model import Clients, Experiment, WindowOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.settings import alone
from wirerace.record.result import Result
from wirerace.runner.directory import RunDirectory
from wirerace.runner.parts.process import Process
from wirerace.runner.run import begun, run
from wirerace.runner.steps import TrialSteps
from wirerace.runner.targets.local import PROXY, Local
from wirerace.workload.schedule import Source

pytestmark = [pytest.mark.processes, pytest.mark.faults]

EXPERIMENT = Experiment(
    "t",
    ["websocket"],
    repeats=2,
    producer=Source(rate_per_second=20.0),
    clients=Clients(count=2),
    window=WindowOptions(warmup_seconds=0.1, measure_seconds=0.5),
    path="near",
    paths={"near": NetworkPath(0.01)},
)


def ran(directory: Path) -> Result:
    (directory / "raw").mkdir()
    study = alone(EXPERIMENT)
    return run(study, RunDirectory(directory), lambda _: None, begun(study, "local"))


def test_proxy_that_cannot_start_fails_one_trial_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, broken = Local._start, ["-c", "raise SystemExit('no proxy today')"]
    commands = iter([broken])

    def starting(
        self: Local, name: str, log_name: str, command: list[str], cores: Sequence[int], **options: Any
    ) -> Process:
        return start(self, name, log_name, next(commands, command) if name == PROXY else command, cores, **options)

    monkeypatch.setattr(Local, "_start", starting)
    result = ran(tmp_path)

    (failure,) = result.failures
    assert (1, True) == (failure.repeat, "does not come up" in failure.reason)
    assert "no proxy today" in failure.reason
    assert [2] == [trial.repeat for trial in result.trials]


@pytest.mark.parametrize(
    ("raised", "part"), [(ConnectionLost("it is gone"), ""), (TrialFailed("it is full", "server"), "server")]
)
def test_whatever_wirerace_raises_in_a_trial_fails_that_trial_alone(
    raised: WireraceError, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe, errors = TrialSteps._subscribe, iter([raised])

    def subscribing(self: TrialSteps, load: Any) -> None:
        if (error := next(errors, None)) is not None:
            raise error
        subscribe(self, load)

    monkeypatch.setattr(TrialSteps, "_subscribe", subscribing)
    result = ran(tmp_path)

    assert [(1, part)] == [(failure.repeat, failure.part) for failure in result.failures]
    assert [2] == [trial.repeat for trial in result.trials]
