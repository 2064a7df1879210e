"""A child process of an experiment: started, watched, restarted when it dies, stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from wirerace.clock import now_ns, process_cpu_seconds
from wirerace.errors import TrialFailed
from wirerace.host.machine import slab_bytes, socket_bytes
from wirerace.options import ENV_PREFIX
from wirerace.record.samples import Memory
from wirerace.runner.parts.part import MOST_RESTARTS, end_of
from wirerace.runner.parts.quota import Quota
from wirerace.stopping import whole
from wirerace.system import blamed_on

STOP_SECONDS = 6.0
"""A service stops within 5 s of SIGTERM."""
STOPPED = {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
ROOT = Path(__file__).parents[3]
NO_CERTIFICATES: Mapping[str, str] = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
"""No part speaks TLS, and a library reads the certificates of the whole world when it is imported: 0.1 s."""
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

    @property
    def members(self) -> "Sequence[Process]":
        """Itself: there are no others."""
        return [self]

    @property
    def pid(self) -> int:
        """Its process id now."""
        return self._popen.pid

    def has_ended(self) -> bool:
        """Return whether it ended, by itself or by a signal."""
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
        with whole():
            self._popen = self._start()

    def stall(self, seconds: float) -> None:
        """Stop it from now on for a time.

        A separate shell does it, so the process continues afterwards even if this one ends meanwhile.
        """
        command = ["/bin/sh", "-c", f"kill -STOP {self.pid}; sleep {seconds:f}; kill -CONT {self.pid}"]
        with whole(), blamed_on(self.name):
            self._stalling = subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- our own

    def kill(self) -> None:
        """Kill it at once; its target starts it again when it looks next."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def cpu_seconds(self) -> float | None:
        """Return its CPU time so far; None if it is not available."""
        return process_cpu_seconds(self.pid)

    def own_cpu_seconds(self) -> float | None:
        """Return the same, because it is one process."""
        return self.cpu_seconds()

    def memory(self) -> Memory:
        """Return its own memory (USS), and that of all TCP sockets of the machine."""
        began_ns, user_bytes = now_ns(), None
        with contextlib.suppress(psutil.Error):
            user_bytes = int(psutil.Process(self.pid).memory_full_info().uss)
        return Memory(
            began_ns=began_ns,
            user_bytes=user_bytes,
            socket_bytes=socket_bytes(),
            slab_bytes=slab_bytes(),
            ended_ns=now_ns(),
        )

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
        """Make it continue, if it stands still: otherwise it could not end in order."""
        if self._stalling is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._stalling.pid, signal.SIGKILL)
        self._stalling.wait()
        self._stalling = None
        if not self.has_ended():
            self._popen.send_signal(signal.SIGCONT)

    def _start(self) -> "subprocess.Popen[bytes]":
        with blamed_on(self._log):
            log = self._log.open("ab")
        with log, blamed_on(self.name):
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
        if self._cores and hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(ProcessLookupError):  # it has ended; the code that waits for it says why
                os.sched_setaffinity(popen.pid, self._cores)
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
