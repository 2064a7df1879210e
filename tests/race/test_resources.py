"""Runs on a system that fails: a full disk, a directory that has gone, no descriptor left, a clock that is set."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.race.running import LAUNCH, SMALL, Race, has_gone
from tests.refusals import lacking
from wirerace.record.reading import read_result

pytestmark = [pytest.mark.processes, pytest.mark.faults]

TWO = ("--set", 'transports=["websocket"]', "--set", "repeats=2", "--set", "window.measure_seconds=1")
STEPPED = Path(__file__).with_name("stepped.py")
KIB = 1024

linux = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits a process that runs already")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes: on a busy machine a run takes long, and the producer's record grows."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={4096 * KIB}", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; the limit on the size of files stands for it elsewhere")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def ends_with_code_5(started: Race, line: str) -> None:
    """Check that a run ends with one line, keeps what was finished, and leaves no process and no part of a file."""
    children = started.children()
    assert 5 == started.wait(), started.said
    *progress, last = started.stderr.splitlines()
    assert last.startswith("wirerace: "), started.stderr
    assert line in last
    assert last.endswith(f"; what was finished is in {started.out}: continue with --resume {started.out}")
    assert all(said.startswith("[") for said in progress)
    assert children
    assert all(has_gone(child) for child in children)
    assert 1 == len(read_result(started.out).trials)
    assert [] == list(started.out.rglob("*.part"))


@linux
def test_file_that_cannot_be_written_ends_the_run_and_keeps_what_was_finished(race: Callable[..., Race]) -> None:
    """A test can arrange that without root, and it is like a full disk."""
    started = race(*TWO)
    started.wait_for("[2/2] WebSocket: starting")
    resource.prlimit(started.popen.pid, resource.RLIMIT_FSIZE, (4 * KIB, 4 * KIB))  # what it prints fits
    ends_with_code_5(started, "/raw/2-websocket.json: File too large; raise the limit on the size of files: ulimit -f")


@pytest.mark.parametrize("free_kib", [0, 8, 140])
def test_full_disk_ends_the_run_and_keeps_what_was_finished(
    small_disk: Path, race: Callable[..., Race], free_kib: int
) -> None:
    """It has become full while the producer and the others write their records and logs there."""
    started = race(*TWO, "--set", "producer.rate_per_second=500", out=small_disk / "out")
    started.wait_for("[2/2] WebSocket: starting")
    fill(small_disk, free_kib)
    ends_with_code_5(started, ".json: No space left on device; free some space, or write to another disk")


def fill(disk: Path, free_kib: int) -> None:
    """Fill a disk up to a free rest."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        left = shutil.disk_usage(disk).free - free_kib * KIB
        while left > 0:
            left -= filler.write(bytes(min(left, KIB)))


@linux
def test_run_without_a_descriptor_left_ends_with_one_line(race: Callable[..., Race]) -> None:
    started = race(*TWO)
    started.wait_for("[2/2] WebSocket: starting")
    _, hard = resource.prlimit(started.popen.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(started.popen.pid, resource.RLIMIT_NOFILE, (3, hard))
    ends_with_code_5(started, "Too many open files; raise the limit on open files: ulimit -n")


def test_directory_that_vanishes_in_the_middle_ends_the_run_with_one_line(race: Callable[..., Race]) -> None:
    started = race(*TWO)
    started.wait_for("measuring")
    children = started.children()
    shutil.rmtree(started.out)
    assert 5 == started.wait(), started.said
    facts = [f"{started.out}/raw", "No such file or directory", "its directory"]
    assert [] == lacking(started.stderr.splitlines()[-1], "wirerace: ", facts)
    assert "Traceback" not in started.stderr
    assert all(has_gone(child) for child in children)
    assert not started.out.exists()


@pytest.mark.parametrize("arguments", [("run", "small.toml"), ("locust", "small.toml"), ("reproduce", "wrk2-stall")])
def test_results_that_cannot_be_written_to_are_said_on_one_line(small_disk: Path, arguments: tuple[str, ...]) -> None:
    (small_disk / "small.toml").write_text(SMALL)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    command = [sys.executable, str(LAUNCH), *arguments]
    finished = subprocess.run(command, cwd=small_disk, capture_output=True, text=True, check=False)
    line = "results: Read-only file system; write to another directory, which --out names"
    assert (5, f"wirerace: {line}\n") == (finished.returncode, finished.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere root may write everywhere")
def test_directory_without_permission_is_said_on_one_line(race: Callable[..., Race]) -> None:
    """Not even root can make a directory in /sys."""
    started = race(out=Path("/sys/wirerace"))
    assert 5 == started.wait()
    cure = "write to another directory, which --out names"
    assert re.fullmatch(rf"wirerace: /sys/wirerace: [\w -]+; {cure}\n", started.stderr)


@pytest.mark.parametrize("step_seconds", [-3600, 3600])
def test_clock_that_is_set_in_the_middle_fails_the_trial_at_once(race: Callable[..., Race], step_seconds: int) -> None:
    """With the clock an hour back, the end of the window would be an hour away."""
    started = race(*TWO, "--set", "repeats=1", program=(STEPPED, str(step_seconds)))
    assert 1 == started.wait()
    line = f"websocket, repeat 1: the wall clock was set by {step_seconds:+} s in the middle of the trial"
    assert line in started.stderr
    assert "Traceback" not in started.stderr
