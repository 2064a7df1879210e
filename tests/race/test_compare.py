"""Two real runs, one with a server that holds updates back on purpose: the answer, and what a CI server gets."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.race.running import LAUNCH, PATIENCE_SECONDS, Race

pytestmark = [pytest.mark.processes, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
HASTY, SLOW = 0.05, 0.4
"""For how long the server collects updates, seconds: both are far beyond what a busy machine adds."""


def settings(batch_seconds: float, *more: str) -> list[str]:
    keys = (
        'transports=["websocket"]',
        "repeats=5",
        "clients.count=5",
        "window.measure_seconds=1",
        f"websocket.batch_seconds={batch_seconds}",
        *more,
    )
    return [part for key in keys for part in ("--set", key)]


def compare(a: Path, b: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return wirerace("compare", str(a), str(b), "--allow-invalid", *arguments)


def wirerace(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(LAUNCH), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)


def test_server_that_was_slowed_on_purpose_is_said_to_be_slower(race: Callable[..., Race], tmp_path: Path) -> None:
    ran = {}
    for name, batch_seconds, limit in (("hasty", HASTY, 30), ("slow", SLOW, 0.001)):
        junit, objectives = tmp_path / f"{name}.xml", f'objectives=["latency.mean < {limit}", "lost == 0"]'
        one = race(*settings(batch_seconds, objectives), "--junit", str(junit), out=tmp_path / name)
        code = one.wait()
        met = [entry["passed"] for entry in one.result["objectives"]]
        ran[name] = (code, met, ET.parse(junit).getroot().attrib["failures"])  # noqa: S314 -- it is our own file
    assert {"hasty": (0, [True, True], "0"), "slow": (4, [False, True], "1")} == ran

    missed = "FAIL WebSocket: latency.mean < 0.001: it is "
    assert missed in wirerace("show", str(tmp_path / "slow")).stdout
    resumed = wirerace("run", "--resume", str(tmp_path / "slow"), "--allow-invalid")
    assert (4, True) == (resumed.returncode, missed in resumed.stdout), "a run that was resumed is judged, too"

    found = compare(tmp_path / "hasty", tmp_path / "slow", "--fail-if", "latency.mean > 1.5x", "--json")
    assert 4 == found.returncode, found.stderr
    answer = json.loads(found.stdout)
    words = {change["figure"]: change["word"] for change in answer["changes"]}
    assert "slower" == words["latency.mean"]
    assert all(change["paired"] for change in answer["changes"])
    assert "websocket.batch_seconds is 0.05 in A, and 0.4 in B" in answer["differences"]

    back = compare(tmp_path / "slow", tmp_path / "hasty", "--fail-if", "latency.mean > 1.5x")
    assert 0 == back.returncode, back.stderr
    assert "WebSocket: faster: mean latency is " in back.stdout
