"""A sweep: every setting and contestant from one file, interrupted, resumed, and shown as one table."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.race.running import LAUNCH, Race
from tests.refusals import lacking

pytestmark = pytest.mark.processes

KEYS = (
    'transports=["polling", "longpolling", "websocket"]',
    "clients.count=[5, 10]",
    "window.measure_seconds=1",
    "polling.interval_seconds=0.2",
)
SWEEP = tuple(part for key in KEYS for part in ("--set", key))


def wirerace(*arguments: str | Path, directory: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(LAUNCH), *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=directory, check=False, env=environment, stdin=subprocess.DEVNULL
    )


@pytest.mark.faults
def test_sweep_that_was_interrupted_continues_and_is_one_table(race: Callable[..., Race], tmp_path: Path) -> None:
    started = race(*SWEEP)
    started.wait_for("[3/6]")
    started.signal(signal.SIGINT)
    assert 130 == started.wait()
    assert f"continue with --resume {started.out}" in started.stderr
    first = started.result["trials"]
    assert 2 == len(first)

    done = wirerace("run", "--resume", started.out, "--allow-invalid", directory=tmp_path)
    assert 0 == done.returncode, done.stderr
    trials = started.result["trials"]
    assert first == trials[:2], "what was finished is not run again"
    assert 6 == len(trials) == len({(trial["point"], trial["contestant"]) for trial in trials})
    assert [{"clients.count": 5}, {"clients.count": 10}] == [point["setting"] for point in started.result["points"]]
    assert [5, 10] == started.result["experiment"]["clients"]["count"]
    assert [{5}, {10}] == [{trial["clients"] for trial in trials if trial["point"] == point} for point in (0, 1)]
    for point in started.result["points"]:
        assert {"polling", "longpolling", "websocket"} == point["summary"]["figures"].keys()
    answer = done.stdout.splitlines()
    assert len(answer) <= 20
    assert [str(started.out / name) for name in ("report.html", "result.json")] == answer[-2:]
    assert all(len(line) <= 80 for line in answer[:-2])

    shown = wirerace("show", started.out, directory=tmp_path)
    assert answer == shown.stdout.splitlines()
    shown = wirerace("show", started.out, "--full", directory=tmp_path)
    table, _, verdict = shown.stdout.partition("✓ good")
    assert 2 == table.count("Long polling ")
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "VALID" in verdict

    one = wirerace("show", started.out, "--setting", "1", "--full", directory=tmp_path)
    assert "10 clients" in one.stdout
    assert "Theory beside it" in one.stdout

    again = wirerace("run", "--resume", started.out, "--allow-invalid", directory=tmp_path)
    assert 0 == again.returncode, "everything has been run already"
    assert 6 == len(started.result["trials"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("experiment.toml",), "--resume continues a run as it was begun: leave out FILE"),
        (("--set", "seed=2"), "--resume continues a run as it was begun: leave out FILE"),
    ],
)
def test_run_continues_as_it_was_begun(arguments: tuple[str, ...], line: str, tmp_path: Path) -> None:
    refused = wirerace("run", "--resume", tmp_path, *arguments, directory=tmp_path)
    assert (2, True) == (refused.returncode, line in refused.stderr)


def test_directory_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    refused = wirerace("run", "--resume", tmp_path / "none", directory=tmp_path)
    assert (2, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert "No such directory" in refused.stderr


def test_result_of_an_older_version_cannot_be_resumed(tmp_path: Path) -> None:
    saved = Path(__file__).parents[1] / "data" / "schema-3"
    (tmp_path / "result.json").write_bytes((saved / "result.json").read_bytes())
    refused = wirerace("run", "--resume", tmp_path, directory=tmp_path)
    assert 2 == refused.returncode
    assert [] == lacking(refused.stderr.rstrip("\n"), f"wirerace: {tmp_path}", ["older version", "resumed", "again"])
