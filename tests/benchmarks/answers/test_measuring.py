"""Which runs `make answers` starts, and how they end."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.answers.__main__ import chosen_of, main, measure
from benchmarks.answers.questions import QUESTIONS


class Runs:
    """Stands in for runs: keeps their commands, and ends each with the next exit code."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.commands: list[str] = []

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(" ".join(command[1:]))
        return subprocess.CompletedProcess(command, self.codes.pop(0) if self.codes else 0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(subprocess, "run", found.run)
    return found


def test_all_questions_are_run_in_their_order(runs: Runs, tmp_path: Path) -> None:
    assert [] == measure(QUESTIONS, tmp_path)
    assert [f"-m wirerace run {question.experiment} --allow-invalid" for question in QUESTIONS] == [
        command.partition(" --allow-invalid")[0] + " --allow-invalid" for command in runs.commands
    ]


def test_run_is_given_what_its_question_sets_and_where_to_write(runs: Runs, tmp_path: Path) -> None:
    measure(chosen_of(["first-look"]), tmp_path)

    (command,) = runs.commands
    assert command.endswith(f" --set repeats=3 --yes --out {tmp_path / 'first-look'}")


def test_run_that_failed_does_not_keep_others_from_running(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.codes = [1, 0]
    given = ["--results", str(tmp_path), "--docs", str(tmp_path / "docs"), "first-look", "payload"]

    assert 1 == main(given)
    assert 2 == len(runs.commands)
    assert "answers: first-look ended with exit code 1\n" in capsys.readouterr().err


@pytest.mark.parametrize("code", [129, 130, 143])
def test_run_that_was_stopped_stops_all(code: int, runs: Runs, tmp_path: Path) -> None:
    runs.codes = [code]

    assert 130 == main(["--results", str(tmp_path), "--docs", str(tmp_path / "docs")])
    assert 1 == len(runs.commands)
    assert not (tmp_path / "docs").exists()
