"""The local target: it starts, watches and stops processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.race.running import wait_until
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.plans import plans_of
from wirerace.experiment.settings import alone
from wirerace.host.ports import free_port, usual_port
from wirerace.runner.health import wait_until_healthy
from wirerace.runner.parts.part import MOST_RESTARTS, end_of
from wirerace.runner.parts.process import ROOT, Process
from wirerace.runner.peer import Peer
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child


@pytest.mark.processes
def test_service_that_ends_at_once_fails_with_its_last_lines(tmp_path: Path) -> None:
    process = Process("polling", ["-c", "print('the reason'); raise SystemExit(3)"], tmp_path / "log")
    with pytest.raises(TrialFailed, match=r"polling ended as soon as it was started; its log .* ends: the reason"):
        wait_until_healthy(Child(process, Peer("polling", free_port())))


def test_end_of_a_log_leaves_out_the_warning_that_explains_nothing() -> None:
    lines = [f"line {number}" for number in range(9)]
    warning = "[2026-11-27] WARNING/locust.runners: Your selected spawn rate is very high (>100), and this is known to"

    assert "line 4 | line 5 | line 6 | line 7 | line 8" == end_of([*lines, warning])
    assert "(empty)" == end_of([warning])


@pytest.mark.processes
def test_service_that_never_answers_fails_with_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirerace.runner.health.START_SECONDS", 0.5)
    program = "import time; print('thinking', flush=True); time.sleep(60)"
    process = Process("polling", ["-c", program], tmp_path / "log")
    try:
        with pytest.raises(TrialFailed, match=r"polling is not healthy after 0.5 s; its log .*"):
            wait_until_healthy(Child(process, Peer("polling", free_port())))
    finally:
        process.stop()
    assert process.has_ended()


@pytest.mark.processes
def test_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirerace.runner.parts.process.STOP_SECONDS", 0.3)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n"
    process = Process("deaf", ["-c", program + "while True: time.sleep(1)"], tmp_path / "log")
    wait_until(lambda: "deaf" in (tmp_path / "log").read_text() or process.has_ended())
    assert not process.has_ended()
    process.stop()
    assert process.has_ended()


@pytest.mark.processes
def test_child_sees_no_option_of_its_parents_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRERACE_PORT", "1")
    monkeypatch.setenv("LOCUST_USERS", "1")
    program = "import os; print(sorted(name for name in os.environ if name.startswith(('WIRERACE_', 'LOCUST_'))))"
    process = Process("curious", ["-c", program], tmp_path / "log")
    wait_until(process.has_ended)
    assert (tmp_path / "log").read_text() == "['WIRERACE_PARENT_PID']\n"


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process be bound to a core")
def test_process_is_bound_to_its_core(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    program = "import time; print('ready', flush=True); time.sleep(60)"
    process = Process("bound", ["-c", program], tmp_path / "log", {core})
    try:
        wait_until(lambda: "ready" in (tmp_path / "log").read_text() or process.has_ended())
        assert {core} == os.sched_getaffinity(process.pid)
        assert 0.001 < (process.cpu_seconds() or 0.0) < 60.0, "what Python takes to start"
        assert (process.memory().user_bytes or 0) > 100_000
    finally:
        process.stop()
    assert process.cpu_seconds() is None


def test_page_takes_no_service_by_the_port_that_it_wants_for_itself() -> None:
    assert usual_port("polling", 8001) is None
    assert usual_port("polling", None) is None


def ticking(tmp_path: Path) -> Process:
    """Start a process that writes the time 200 times a second, and writes a line when SIGTERM ends it."""
    program = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("in order", flush=True), sys.exit()))
while True:
    print(time.monotonic(), flush=True)
    time.sleep(0.005)
"""
    process = Process("ticking", ["-c", program], tmp_path / "log")
    wait_until(lambda: (tmp_path / "log").read_text().count("\n") > 5)
    return process


def longest_pause(tmp_path: Path) -> float:
    """Return the longest time that a ticking process has stood still, by its own clock."""
    *whole, _ = (tmp_path / "log").read_text().split("\n")
    ticks = [float(line) for line in whole if line != "in order"]
    return max(after - before for before, after in pairwise(ticks))


@pytest.mark.processes
def test_stalled_process_stands_still_and_continues_by_itself(tmp_path: Path) -> None:
    process = ticking(tmp_path)
    try:
        begun = time.monotonic()
        process.stall(0.4)
        wait_until(lambda: longest_pause(tmp_path) > 0.39)
        assert time.monotonic() - begun >= 0.4
        assert not process.has_ended()
    finally:
        process.stop()


@pytest.mark.processes
def test_process_that_stands_still_is_stopped_in_order(tmp_path: Path) -> None:
    process = ticking(tmp_path)
    process.stall(60)
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    process.stop()
    assert (tmp_path / "log").read_text().endswith("in order\n")


@pytest.mark.processes
def test_stall_ends_even_if_the_process_that_began_it_is_killed(tmp_path: Path) -> None:
    process = ticking(tmp_path)
    program = f"""
import os, pathlib, signal
from wirerace.runner.parts.part import MOST_RESTARTS, end_of
from wirerace.runner.parts.process import ROOT, Process
stalling = Process("nothing", ["-c", ""], pathlib.Path({str(tmp_path / "other")!r}))
Process.pid = property(lambda _: {process.pid})
stalling.stall(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""
    try:
        killed = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)
        assert -signal.SIGKILL == killed.returncode
        wait_until(lambda: longest_pause(tmp_path) > 0.49)
    finally:
        process.stop()


@pytest.mark.processes
def test_process_that_a_signal_has_stopped_is_seen(tmp_path: Path) -> None:
    process = ticking(tmp_path)
    try:
        assert not process.is_stopped()
        psutil.Process(process.pid).suspend()
        wait_until(process.is_stopped)
        psutil.Process(process.pid).resume()
        wait_until(lambda: not process.is_stopped())
    finally:
        process.stop()
    assert not process.is_stopped(), "it is gone"


@pytest.mark.processes
def test_part_that_does_not_start_is_not_watched_and_fails_no_other_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One trial fails. If the failed part were still watched, every later trial would fail, too."""
    experiment = Experiment("t", ["polling"], path="far", paths={"far": NetworkPath(0.05)})
    target = Local(alone(experiment), tmp_path)
    (plan,) = plans_of(experiment, 1)
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr("wirerace.runner.targets.local.free_port", lambda: listener.getsockname()[1])
    monkeypatch.setattr(Peer, "is_open", lambda _: False)  # it is not the proxy that listens there
    with (
        listener,
        pytest.raises(TrialFailed, match=r"^the proxy does not come up; its log .*Address already in use"),
    ):
        target.start_load(plan, Peer("polling", 1))

    assert [] == target._processes
    target.watch()


@pytest.mark.processes
def test_every_trial_begins_with_as_many_restarts_as_the_first(tmp_path: Path) -> None:
    """A producer that died three times in one trial does not fail all others."""
    experiment = Experiment("t", ["polling"])
    target = Local(alone(experiment), tmp_path)
    process = target._start("producer", "log", ["-c", ""], [])
    try:
        for _ in range(2):
            target.begin_trial(plans_of(experiment, 1)[0])
            for _ in range(MOST_RESTARTS):
                wait_until(process.has_ended)
                target.watch()
            wait_until(process.has_ended)
            with pytest.raises(TrialFailed, match="producer ended in the middle of the trial"):
                target.watch()
    finally:
        target.close()
