"""Runs `wirerace run` as a user does: its own process, real servers, real clients."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from wirerace.clock import to_ns
from wirerace.experiment.model import WindowOptions
from wirerace.observe.account import Window
from wirerace.record.result import Raw, Result
from wirerace.record.trial import Trial
from wirerace.workload.schedule import Schedule

PATIENCE_SECONDS = 180.0
"""The limit for a run that never ends. On a busy machine a run of seconds takes a minute."""
LAUNCH = Path(__file__).with_name("launch.py")

SMALL = """
title = "A small race"
transports = ["polling", "longpolling", "websocket", "sse", "stream"]

[producer]
rate_per_second = 20.0

[clients]
count = 20

[polling]
interval_seconds = 0.2

[window]
warmup_seconds = 0.3
measure_seconds = 2.0
"""


class Race:
    """One run in the background, and its output."""

    def __init__(
        self,
        directory: Path,
        experiment: str,
        *arguments: str,
        allow_invalid: bool = True,
        program: Sequence[str | Path] = (LAUNCH,),
        out: Path | None = None,
        terminal: int | None = None,
    ) -> None:
        self.file = directory / "small.toml"
        self.file.write_text(experiment)
        self.out = out or directory / "out"
        self.stderr_file = directory / "stderr"
        command = [sys.executable, *map(str, program), "run", str(self.file), "--out", str(self.out), *arguments]
        if allow_invalid:  # the machine that runs the tests may be busy with anything
            command.append("--allow-invalid")
        self.stdout_file = directory / "stdout"
        with self.stderr_file.open("wb") as stderr, self.stdout_file.open("wb") as stdout:
            self.popen = subprocess.Popen(
                command,
                stdout=stdout,
                stderr=stderr if terminal is None else terminal,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return self.popen.wait(PATIENCE_SECONDS)

    def raw(self, transport: str) -> Raw:
        """Return the raw record of a transport's first repeat."""
        return msgspec.json.decode((self.out / "raw" / f"1-{transport}.json").read_bytes(), type=Raw)

    def wait_for(self, text: str) -> None:
        """Wait until the progress says `text`."""
        wait_until(lambda: text in self.stderr or self.popen.poll() is not None)
        assert text in self.stderr, self.stderr

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started and that still run."""
        children: list[psutil.Process] = psutil.Process(self.popen.pid).children(recursive=True)
        return children

    def child(self, words: str) -> psutil.Process:
        """Return the one child whose command line holds `words`."""
        (found,) = [child for child in self.children() if words in " ".join(child.cmdline())]
        return found

    def trial(self, transport: str) -> Trial:
        """Return the one trial of a transport."""
        (found,) = self.trials(transport)
        return found

    def trials(self, transport: str) -> list[Trial]:
        """Return the trials of a transport."""
        result = msgspec.json.decode((self.out / "result.json").read_bytes(), type=Result)
        return [trial for trial in result.trials if trial.transport == transport]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the run, not to its children."""
        os.kill(self.popen.pid, number)

    @property
    def stderr(self) -> str:
        """What it has written to stderr so far."""
        return self.stderr_file.read_text()

    @property
    def said(self) -> str:
        """All that it has printed so far."""
        return self.stdout_file.read_text() + self.stderr

    @property
    def result(self) -> dict[str, Any]:
        """Its result.json."""
        result: dict[str, Any] = json.loads((self.out / "result.json").read_text())
        return result

    def close(self) -> None:
        """End it if it still runs."""
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait(PATIENCE_SECONDS)


def is_sampled(trial: Trial) -> bool:
    """Return whether a trial's costs are known. On too busy a machine they are not, and nothing is predicted."""
    return trial.server.cpu_seconds is not None


def has_gone(process: psutil.Process) -> bool:
    """Return whether a process has ended, also if its parent has not waited for it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def window_of(race: Race, options: WindowOptions) -> Window:
    """Return the window of the trial that is being measured, from the schedule that the producer has for it."""
    command = race.child("services producer").cmdline()
    port = int(command[command.index("--port") + 1])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/schedule") as answer:
        schedule = msgspec.json.decode(answer.read(), type=Schedule)
    from_ns = (schedule.start_ns or 0) + to_ns(options.warmup_seconds)
    return Window(from_ns, from_ns + to_ns(options.measure_seconds))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, and fail if it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
