"""A stopped command leaves no process, and has the exit code of its signal."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.race.playing import Playground
from tests.race.running import LAUNCH, Race, has_gone, wait_until
from wirerace.transports import TRANSPORTS

pytestmark = [pytest.mark.processes, pytest.mark.faults]

CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
NEVER_REPORTING = LAUNCH.with_name("never_reporting.py")
ONE = ("--set", 'transports=["websocket"]')


def left(children: list[psutil.Process]) -> list[str]:
    return [str(child) for child in children if not has_gone(child)]


@pytest.mark.parametrize("number", CODES)
def test_run_that_is_stopped_keeps_what_was_finished_and_leaves_no_process(
    race: Callable[..., Race], number: signal.Signals
) -> None:
    started = race("--set", "polling.interval_seconds=0.1", "--set", "window.measure_seconds=1")
    wait_until(lambda: re.search(r"\[2/\d\] .*: connecting", started.stderr) is not None)
    children = started.children()
    started.signal(number)
    assert CODES[number] == started.wait()
    assert len(started.result["trials"]) == 1
    assert 3 == len(children), "producer, server and load"
    assert [] == left(children)
    kept = f"what was finished is in {started.out}: continue with --resume {started.out}"
    report = started.out / "report.html"
    assert started.stderr.endswith(f"wirerace: stopped; the report of it is {report}; {kept}\n")
    assert "1 of 5 trials: the run was interrupted" in report.read_text("utf-8")
    assert "Traceback" not in started.stderr


def test_run_that_is_stopped_twice_ends_at_once_without_a_report(race: Callable[..., Race]) -> None:
    keys = ("polling.interval_seconds=0.1", "window.measure_seconds=1")
    started = race(*(part for key in keys for part in ("--set", key)), program=(NEVER_REPORTING,))
    wait_until(lambda: re.search(r"\[2/\d\] .*: connecting", started.stderr) is not None)
    children = started.children()
    started.signal(signal.SIGINT)
    started.wait_for("the report of 1 is made")
    assert [] == left(children), "which do not wait for the report"
    started.signal(signal.SIGTERM)
    assert 130 == started.wait()
    kept = f"what was finished is in {started.out}: continue with --resume {started.out}"
    assert started.stderr.endswith(f"wirerace: stopped; {kept}\n"), started.stderr
    assert {"result.json", "raw", "logs"} == {path.name for path in started.out.iterdir()}


def test_command_that_is_interrupted_while_it_is_imported_says_nothing() -> None:
    command = [sys.executable, "-X", "importtime", str(LAUNCH), "reproduce"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as popen:
        assert popen.stderr is not None
        lines = iter(popen.stderr)
        assert any(b"wirerace.errors" in line for line in lines), "which is imported among the first"
        popen.send_signal(signal.SIGINT)
        rest = [line for line in lines if not line.startswith(b"import time:")]
        assert -signal.SIGINT == popen.wait()
    assert [] == rest


@pytest.mark.parametrize("phase", ["starting", "connecting", "measuring"])
def test_run_that_is_stopped_again_and_again_ends_as_by_the_first_signal(race: Callable[..., Race], phase: str) -> None:
    """SIGHUP comes first, because Python takes signals that it finds together in the order of their numbers."""
    started = race(*ONE, "--set", "load.processes=2")
    started.wait_for(phase)
    children = started.children()
    started.signal(signal.SIGHUP)
    while started.popen.poll() is None:
        children += [child for child in started.children() if child not in children]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            started.signal(number)
    assert 129 == started.wait()
    assert [] == left(children)
    assert started.stderr.endswith("wirerace: stopped\n"), started.stderr
    assert not started.out.exists() or [] == list(started.out.glob("**/*.part"))


def test_run_whose_terminal_is_closed_stops_as_by_sighup(race: Callable[..., Race]) -> None:
    """Everything that it writes to the terminal after that fails."""
    terminal, inside = pty.openpty()
    started = race(*ONE, terminal=inside)
    os.close(inside)
    shown = read_until(terminal, b"measuring")
    assert b"WebSocket" in shown
    children = started.children()
    os.close(terminal)
    assert 129 == started.wait()
    assert [] == left(children)


def read_until(descriptor: int, words: bytes) -> bytes:
    read = b""
    while words not in read:
        read += os.read(descriptor, 4096)
    return read


def test_reproduction_that_is_hung_up_leaves_no_process(tmp_path: Path) -> None:
    arguments = ["reproduce", "wrk2-stall", "--out", str(tmp_path / "out")]
    assert (129, "wirerace: stopped\n") == hung_up(arguments, b"measuring")


def test_doctor_that_is_hung_up_leaves_no_process() -> None:
    assert (129, "wirerace: stopped\n") == hung_up(["doctor"], b"connecting")


def hung_up(arguments: list[str], at: bytes) -> tuple[int, str]:
    """Send SIGHUP as soon as a command prints something; return its exit code and last line, and fail on orphans."""
    command = [sys.executable, str(LAUNCH), *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as popen:
        assert popen.stderr is not None
        lines = iter(popen.stderr)
        assert any(at in line for line in lines)
        children = psutil.Process(popen.pid).children(recursive=True)
        popen.send_signal(signal.SIGHUP)
        *_, last = lines
        code = popen.wait()
    assert children
    assert [] == left(children)
    return code, last.decode()


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Playground]]:
    started: list[Playground] = []

    def start(*arguments: str) -> Playground:
        started.append(Playground(tmp_path, *arguments))
        return started[-1]

    yield start
    for playground in started:
        playground.close()


@pytest.mark.parametrize("arguments", [(), ("--set", "load.processes=2")], ids=["alone", "with-workers"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_page_ends_with_the_command_that_shows_it(
    play: Callable[..., Playground], number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    """It ends also while a test runs on it, because nothing could stop that test any more."""
    playground = play(*arguments)
    children = psutil.Process(playground.popen.pid).children(recursive=True)
    assert playground.post("/swarm", user_count=len(TRANSPORTS), spawn_rate=len(TRANSPORTS))["success"]
    wait_until(lambda: "UPDATE /ws" in playground.rows())
    playground.popen.send_signal(number)
    assert (0 if number == signal.SIGHUP else -number) == playground.popen.wait(60)
    if number == signal.SIGHUP:
        assert [] == left(children)
    wait_until(lambda: [] == left(children))
