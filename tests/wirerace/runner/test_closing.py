"""The warnings when a target cannot be left as it was found."""

import json
from pathlib import Path

import pytest

from wirerace.errors import BadInput, TrialFailed
from wirerace.record.result import Result
from wirerace.runner.directory import RunDirectory
from wirerace.runner.run import close
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import take_all


class Stubborn(Local):
    """A target that cannot be closed."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        raise TrialFailed("it stays")


def test_target_that_cannot_be_closed_costs_no_result(tmp_path: Path, result: Result) -> None:
    close(Stubborn(), RunDirectory(tmp_path), result)

    assert ["it stays"] == result.warnings == json.loads((tmp_path / "result.json").read_text())["warnings"]


def test_every_step_back_is_taken_even_after_one_that_failed() -> None:
    taken = []

    def fail(error: Exception) -> None:
        taken.append(str(error))
        raise error

    steps = [lambda: fail(TrialFailed("one")), lambda: fail(BadInput("two")), lambda: taken.append("three")]

    assert ["one", "two"] == take_all(*steps)
    assert ["one", "two", "three"] == taken


@pytest.fixture
def result() -> Result:
    return Result(wirerace="0", experiment={}, host={}, started_at="")  # type: ignore[arg-type]
