"""How docker compose is run, with a docker that does what the test wants."""

import signal
import traceback
from pathlib import Path
from types import FrameType

import psutil
import pytest

from tests.race.running import wait_until
from wirerace.errors import BadInput
from wirerace.runner.targets import stack
from wirerace.runner.targets.stack import run_compose

pytestmark = pytest.mark.processes


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker that hangs, and the file that it writes its number to."""
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 100\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "pid"


def test_compose_that_hangs_is_said_on_one_line_and_ended(hanging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "COMPOSE", stack.COMPOSE._replace(seconds=1.5))
    with pytest.raises(BadInput) as refusal:
        run_compose("up", "--detach")

    assert "docker compose up has not ended after 1.5 s: does the engine hang?" == str(refusal.value)
    wait_until(lambda: not psutil.pid_exists(int(hanging.read_text())))


def test_compose_is_ended_when_this_process_is_interrupted(hanging: Path) -> None:
    """It has not received the Ctrl-C itself, and must not continue while its work is undone."""
    raised: list[int] = []

    def interrupt_when_it_hangs(_number: int, frame: FrameType | None) -> None:
        calls = [call.f_code.co_name for call, _ in traceback.walk_stack(frame)]
        if not raised and "communicate" in calls and hanging.exists() and hanging.read_text():
            raised.append(1)  # on a busy machine the next signal has come already
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt_when_it_hangs)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_compose("up")
    finally:
        signal.signal(signal.SIGALRM, before)

    assert not psutil.pid_exists(int(hanging.read_text()))
