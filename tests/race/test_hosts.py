"""A load on two other hosts, end to end: network namespaces with clocks that are shifted and drift."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.race.hosted import HOSTS, SHIFTS
from wirerace.record.reading import read_raw, read_result
from wirerace.record.result import Result

pytestmark = pytest.mark.processes

PATIENCE_SECONDS = 300
UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
SHIFT_OF = dict(zip(HOSTS, SHIFTS, strict=True))
CONTESTANTS = ["websocket", "far", "secure", *(["balanced"] if shutil.which("nginx") else [])]


class Hosted(NamedTuple):
    """What a run in namespaces found."""

    directory: Path
    said: dict[str, Any]

    @property
    def result(self) -> Result:
        return read_result(self.directory / "run")


def has_namespaces() -> bool:
    """Return whether this user may make network namespaces with a bridge between them."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    bridge = ["ip", "link", "add", "bridge", "type", "bridge"]
    return not subprocess.run([*UNSHARE, *bridge], check=False, capture_output=True).returncode


def hosted(directory: Path, *arguments: str) -> Hosted:
    if not has_namespaces():
        pytest.skip("needs Linux, ip, and the right to make network namespaces: unshare --map-root-user --net")
    command = [*UNSHARE, sys.executable, "-m", "tests.race.hosted", str(directory), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert not done.returncode, done.stderr
    return Hosted(directory, json.loads(done.stdout))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    return hosted(tmp_path_factory.mktemp("hosts"))


def test_every_update_reaches_clients_on_both_hosts(run: Hosted) -> None:
    trials = {trial.contestant: trial for trial in run.result.trials}

    assert set(CONTESTANTS) == set(trials), run.said["err"]
    assert all(trial.is_whole and trial.reach == 1.0 for trial in trials.values())
    assert all(trial.clients == 20 for trial in trials.values())


@pytest.mark.parametrize("contestant", CONTESTANTS)
def test_shift_and_drift_of_each_host_are_found_within_the_error(run: Hosted, contestant: str) -> None:
    """All hosts read one kernel clock here, so what was added must undo what the test has shifted."""
    raw = read_raw(run.directory / "run" / "raw" / f"1-{contestant}.json")
    middle_ns = (raw.window.from_ns + raw.window.to_ns) // 2

    assert sorted(clock.address for clock in raw.account.clocks) == sorted(HOSTS)
    for clock in raw.account.clocks:
        by_seconds, drift = SHIFT_OF[clock.address]
        true_ns = -(by_seconds * 1e9 + (middle_ns - run.said["since_ns"]) * drift)
        assert clock.error_ns is not None
        assert abs(clock.corrected_ns - true_ns) <= clock.error_ns
        assert clock.error_ns < 5_000_000  # a sixth of the shift, on the busiest machine
        assert clock.answers > 20


@pytest.mark.parametrize("contestant", CONTESTANTS)
def test_differences_of_clocks_sum_to_zero_around_the_triangle(run: Hosted, contestant: str) -> None:
    trial = next(trial for trial in run.result.trials if trial.contestant == contestant)
    assert trial.clocks is not None
    (triangle,) = trial.clocks.triangles

    assert triangle.sum_seconds is not None
    assert triangle.within_seconds is not None
    assert abs(triangle.sum_seconds) <= triangle.within_seconds


def test_error_stands_beside_the_latencies(run: Hosted) -> None:
    worst = max(trial.clock_error_seconds or 0.0 for trial in run.result.trials)

    assert worst > 0
    assert "of it, unsure by clocks" in run.said["out"]
    assert "Clocks of load hosts" in run.said["out"]
    for trial in run.result.trials:
        assert trial.latency_seconds.min is not None
        assert trial.latency_seconds.min > -(trial.clock_error_seconds or 0.0)


def test_host_whose_probes_are_forbidden_is_named_and_the_trial_invalid(tmp_path: Path) -> None:
    found = hosted(tmp_path, "blocked")
    (trial,) = found.result.trials

    assert trial.verdict is not None
    reason = f"({HOSTS[1]}) is unknown, because 0 of "
    assert any(reason in one for one in trial.verdict.reasons), trial.verdict
    assert trial.clock_error_seconds is None
    assert "The clock of 10.77.0.1:5558 does not answer over UDP" in found.said["worker"]
    assert "Traceback" not in found.said["worker"]
    assert found.said["code"] == 3
