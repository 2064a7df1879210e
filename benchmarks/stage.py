"""The stage: the processes of one group, each on its core, with its log. Leaving the stage ends all of them."""

import ctypes
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.measure import BenchmarkFailed
from wirerace.clock import process_cpu_seconds
from wirerace.options import ENV_PREFIX

ROOT = Path(__file__).parents[1]
PORTS = range(12_000, 20_000)
"""Below the ports of Linux's outgoing connections, and separate from those of an experiment."""
START_SECONDS = 60.0  # for a server to listen; on a busy machine, starting Python takes many seconds
STOP_SECONDS = 5.0
SPARE_SECONDS = 30.0  # for a program to start and end, beyond its time of measuring
TICK_SECONDS = 0.02
LAST_LINES = 3

_PR_SET_PDEATHSIG = 1
_LISTEN = "0A"  # the state in /proc/net/tcp


class BenchCores(NamedTuple):
    """The core of the process under test, and that of everything else; one core if there is only one."""

    tested: Collection[int]
    others: Collection[int]

    @classmethod
    def of_this_machine(cls) -> Self:
        """Return the first and the last core that this process may use."""
        cores = sorted(os.sched_getaffinity(0))
        return cls({cores[0]}, {cores[-1]})


class Output(NamedTuple):
    """The output of a program that has ended, and its CPU time from start to end."""

    text: str
    cpu_seconds: float


class BenchProcess:
    """A process that runs until the stage ends it."""

    def __init__(self, name: str, popen: "subprocess.Popen[str]", log: Path) -> None:
        self.name = name
        self.popen = popen
        self._log = log

    def cpu_seconds(self) -> float:
        """Return its CPU time so far.

        Raises BenchmarkFailed when it has ended.
        """
        seconds = process_cpu_seconds(self.popen.pid) if self.popen.poll() is None else None
        if seconds is None:
            raise self.failure("has ended")
        return seconds

    def failure(self, what: str) -> BenchmarkFailed:
        """Return the error that says what went wrong, with the last lines of the log."""
        lines = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return BenchmarkFailed(f"{self.name} {what}: {' | '.join(lines) or 'it said nothing'}")

    def end(self) -> None:
        """End it, by SIGKILL if it does not end on SIGTERM."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class Bench:
    """Starts the processes of a group.

    `seconds` is how long a turn measures. `notes` are for the reader: for example, which contestant was left out, and
    why.
    """

    def __init__(self, cores: BenchCores, seconds: float) -> None:
        self.cores = cores
        self.seconds = seconds
        self.notes: list[str] = []
        self._children: list[BenchProcess] = []
        self._temporary = tempfile.TemporaryDirectory(prefix="wirerace-bench-")
        self.directory = Path(self._temporary.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.end()
        self._temporary.cleanup()

    def start(self, name: str, command: Sequence[str], cores: Collection[int]) -> BenchProcess:
        """Start a process."""
        log = self.directory / f"{len(self._children)}.log"
        with log.open("wb") as output:
            child = BenchProcess(name, _popen(command, cores, output.fileno(), output.fileno()), log)
        self._children.append(child)
        return child

    def serve(self, name: str, command: Sequence[str], port: int, cores: Collection[int]) -> BenchProcess:
        """Start a server and return when it listens.

        Raises BenchmarkFailed when it ends before that or takes too long.
        """
        child = self.start(name, command, cores)
        self.wait_until(lambda: _listens(port), child)
        return child

    def wait_until(self, is_ready: Callable[[], bool], child: BenchProcess) -> None:
        """Return when a server that was just started is ready.

        Raises BenchmarkFailed when it ends before that or takes too long.
        """
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if child.popen.poll() is not None:
                raise child.failure("ended as soon as it was started")
            if time.monotonic() > deadline:
                raise child.failure(f"is not ready after {START_SECONDS:g} s")
            time.sleep(TICK_SECONDS)

    def ended(self) -> list[str]:
        """Return the processes that ended by themselves, with the end of their logs, which often explains a failure."""
        return [str(child.failure("has ended")) for child in self._children if child.popen.poll() not in {None, -15}]

    @contextmanager
    def running(self, name: str, command: Sequence[str]) -> Iterator[BenchProcess]:
        """Run a program beside the load, for as long as the context lasts."""
        child = self.start(name, command, self.cores.others)
        try:
            yield child
        finally:
            child.end()

    def run(self, name: str, command: Sequence[str], cores: Collection[int]) -> Output:
        """Run a program to its end.

        Raises BenchmarkFailed when it fails or does not end in time.
        """
        most_seconds = self.seconds + SPARE_SECONDS
        log = self.directory / "run.log"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with log.open("wb") as errors:
            child = BenchProcess(name, _popen(command, cores, subprocess.PIPE, errors.fileno()), log)
        try:
            text, _ = child.popen.communicate(timeout=most_seconds)
        except subprocess.TimeoutExpired:
            raise child.failure(f"is not done after {most_seconds:g} s") from None
        finally:
            child.end()
        if child.popen.returncode:
            raise child.failure(f"ended with {child.popen.returncode}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # the children that were waited for: this one
        return Output(text, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def python(module: str, *arguments: object) -> list[str]:
    """Return the command that runs one of our modules."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def free_port() -> int:
    """Return a port on loopback on which nothing listens."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BenchmarkFailed(f"no free port between {PORTS.start} and {PORTS.stop}: end what listens there")


def _listens(port: int) -> bool:
    """Ask the kernel: a trial connection would count as a client on some servers."""
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(local.endswith(f":{port:04X}") and state == _LISTEN for _, local, _, state, *_ in sockets)


def _popen(command: Sequence[str], cores: Collection[int], output: int, errors: int) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith((ENV_PREFIX, "LOCUST_"))}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        text=True,
        cwd=ROOT,
        env=kept | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # Ctrl-C reaches only the benchmark, which ends its children.
        preexec_fn=_settled(cores),  # noqa: PLW1509 -- this process has one thread
    )


def _settled(cores: Collection[int]) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl

    def settle() -> None:
        """Stay on `cores`, and die when the benchmark is killed, so that nothing outlives it."""
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, cores)

    return settle
