"""A child process of an experiment: started, watched, restarted when it dies, stopped."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from wirerace.clock import process_cpu_seconds
from wirerace.errors import TrialFailed
from wirerace.host.binding import bound_to
from wirerace.options import ENV_PREFIX
from wirerace.record.samples import Memory
from wirerace.runner.parts.part import MOST_RESTARTS, end_of
from wirerace.runner.parts.quota import Quota
from wirerace.runner.parts.tree import memory_of
from wirerace.stopping import whole
from wirerace.system import blamed_on

STOP_SECONDS = 6.0
"""A service stops within 5 s of SIGTERM."""
STOPPED = {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
ROOT = Path(__file__).parents[3]
NO_CERTIFICATES: Mapping[str, str] = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
"""No part speaks TLS, and a library reads the certificates of the whole world when it is imported: 0.1 s."""
CAN_FILL = sys.platform == "linux"
"""Whether the files of another process can be kept from growing."""
NO_VARIABLES: Mapping[str, str] = {}


class Process:
    """One child in its own session, so that Ctrl-C in the terminal reaches only the experiment.

    Its output goes to `log`. `cores` binds it to some cores; empty means all. `variables` are added to its environment,
    which other users of the machine cannot read, unlike a command line. It ends its `quota`, if it has one.
    """

    shares_network = True
    program: Sequence[str] = (sys.executable,)
    directory = ROOT
    certificates = NO_CERTIFICATES

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        cores: Collection[int] = (),
        variables: Mapping[str, str] = NO_VARIABLES,
        quota: Quota | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.gives_up_at = MOST_RESTARTS
        self._command = [*self.program, *command]
        self._log = log
        self._cores = cores
        self._variables = variables
        self._quota = quota
        self._popen = self._start()
        self._stalling: subprocess.Popen[bytes] | None = None
        self._ends_by = math.inf
        self._filled: tuple[int, tuple[int, int]] | None = None  # the process, and its limits before
        self.record: Path | None = None  # what it writes

    @property
    def members(self) -> "Sequence[Process]":
        """Itself: there are no others."""
        return [self]

    @property
    def pid(self) -> int:
        """Its process id now."""
        return self._popen.pid

    def has_ended(self) -> bool:
        """Return whether it ended, by itself or by a signal. One that should have ended by now is killed."""
        if time.monotonic() > self._ends_by:
            self._ends_by = math.inf
            self.kill()
        return self._popen.poll() is not None

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it."""
        try:
            return str(psutil.Process(self.pid).status()) in STOPPED
        except psutil.Error:
            return False

    def restart(self) -> None:
        """Start it again, with the same command."""
        self.restarts += 1
        self._ends_by = math.inf
        with whole():
            self._popen = self._start()

    def stall(self, seconds: float) -> None:
        """Stop it from now on for a time.

        A separate shell does it, so the process continues afterwards even if this one ends meanwhile.
        """
        group = -self.pid  # it leads a group of its own, which its children are in
        command = ["/bin/sh", "-c", f"kill -s STOP -- {group}; sleep {seconds:f}; kill -s CONT -- {group}"]
        with whole(), blamed_on(self.name):
            self._stalling = subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- our own

    def kill(self) -> None:
        """Kill it at once; its target starts it again when it looks next."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Let it end in order, and return at once. Its target starts it again when it looks next."""
        self._popen.terminate()
        self._ends_by = time.monotonic() + STOP_SECONDS

    def fill(self) -> None:
        """Let its files grow no more, until `resume`. It gets EFBIG where a full disk gives ENOSPC."""
        import resource  # noqa: PLC0415 -- there is none on Windows

        with blamed_on(self.name):
            size = self.record.stat().st_size if self.record is not None else 0
            before = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, before[1]))
            self._filled = self.pid, before

    def cpu_seconds(self) -> float | None:
        """Return its CPU time so far; None if it is not available."""
        return process_cpu_seconds(self.pid)

    def own_cpu_seconds(self) -> float | None:
        """Return the same, because it is one process."""
        return self.cpu_seconds()

    def memory(self) -> Memory:
        """Return its own memory (USS), and that of all TCP sockets of the machine."""
        return memory_of([self.pid])

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong, with the last lines of the log."""
        try:
            lines = self._log.read_text("utf-8", errors="replace").splitlines()
        except OSError as error:
            return TrialFailed(f"{self.name} {what}; its log {self._log} cannot be read: {error.strerror or error}")
        return TrialFailed(f"{self.name} {what}; its log {self._log} ends: {end_of(lines)}")

    def stop(self) -> None:
        """End it, by SIGKILL if it does not end on SIGTERM."""
        self.resume()
        if not self.has_ended():
            self._popen.terminate()
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._popen.pid, signal.SIGKILL)
                self._popen.wait()
        if self._quota is not None:
            self._quota.remove()

    def resume(self) -> None:
        """Make it continue, if it stands still: otherwise it could not end in order. Let it write again."""
        self._make_room()
        if self._stalling is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._stalling.pid, signal.SIGKILL)
        self._stalling.wait()
        self._stalling = None
        if not self.has_ended():
            os.killpg(self.pid, signal.SIGCONT)

    def _make_room(self) -> None:
        """Take back what `fill` has done, unless the process has ended meanwhile."""
        if self._filled is not None:
            import resource  # noqa: PLC0415 -- there is none on Windows

            (pid, before), self._filled = self._filled, None
            if pid == self.pid and not self.has_ended():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    def _start(self) -> "subprocess.Popen[bytes]":
        with blamed_on(self._log):
            log = self._log.open("ab")
        with log, blamed_on(self.name), bound_to(self._cores):
            popen = subprocess.Popen(  # noqa: S603 -- the command is our own
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**_environment(os.environ), **self.certificates, **self._variables},
                start_new_session=True,
            )
        if self._quota is not None:
            try:
                self._quota.take(popen.pid)
            except BaseException:  # nothing else would end it
                popen.kill()
                popen.wait()
                raise
        return popen


class Processes:
    """Several processes that do one job; they end together."""

    def __init__(self, members: Sequence[Process]) -> None:
        self.members = members

    def has_ended(self) -> bool:
        """Return whether any of them ended."""
        return any(member.has_ended() for member in self.members)

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong: with the first part that ended, or with the first of all."""
        return next((member for member in self.members if member.has_ended()), self.members[0]).failure(what)

    def stop(self) -> None:
        """End all, in their order."""
        for member in self.members:
            member.stop()


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child, without variables that would override the experiment."""
    kept = {name: value for name, value in inherited.items() if not name.startswith((ENV_PREFIX, "LOCUST_"))}
    return kept | {f"{ENV_PREFIX}PARENT_PID": str(os.getpid()), "PYTHONUNBUFFERED": "1"}
