"""Servers that run already, and belong to somebody else: looked at, and never touched."""

from collections.abc import Sequence

import psutil

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.parts.part import MOST_RESTARTS
from wirerace.runner.parts.process import STOPPED
from wirerace.runner.parts.tree import tree_cpu_seconds, tree_memory, tree_waited_seconds


class RunningServer:
    """A server that runs already. With the id of its process, CPU time and memory are known, else nothing of it is.

    Raises TrialFailed when there is no such process, or when it may not be read.
    """

    def __init__(self, name: str, pid: int | None, *, is_local: bool) -> None:
        self.name = name
        self.restarts = 0
        self.gives_up_at = MOST_RESTARTS
        self.shares_network = is_local
        self._process: psutil.Process | None = None
        if pid is not None:
            self._process = _process_of(name, pid)

    @property
    def members(self) -> "Sequence[RunningServer]":
        """Itself: there are no others."""
        return [self]

    def has_ended(self) -> bool:
        """Return whether its process has ended, as far as that is known."""
        return self._process is not None and not self._process.is_running()

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it."""
        try:
            return self._process is not None and str(self._process.status()) in STOPPED
        except psutil.Error:
            return False

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of its process and those below it; None if it is not known."""
        return None if self._process is None or self.has_ended() else tree_cpu_seconds(self._process.pid)

    def own_cpu_seconds(self) -> float | None:
        """Return the same."""
        return self.cpu_seconds()

    def waited_seconds(self) -> float | None:
        """Return how long its processes had no core so far; None if it is not known."""
        return None if self._process is None else tree_waited_seconds(self._process.pid)

    def memory(self) -> Memory:
        """Return the memory of its process and those below it, and that of all TCP sockets of the machine."""
        return tree_memory(None if self._process is None else self._process.pid)

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong; its log is not ours."""
        return TrialFailed(f"{self.name} {what}; see its own log")

    def kill(self) -> None:
        """Do nothing: an experiment that asks for it is refused."""

    def end(self) -> None:
        """Do nothing: an experiment that asks for it is refused."""

    def fill(self) -> None:
        """Do nothing: an experiment that asks for it is refused."""

    def stall(self, seconds: float) -> None:
        """Do nothing: an experiment that asks for it is refused."""

    def resume(self) -> None:
        """Do nothing: it was never stalled."""

    def restart(self) -> None:
        """Do nothing: its owner starts it."""

    def stop(self) -> None:
        """Leave it running."""


def _process_of(name: str, pid: int) -> psutil.Process:
    try:
        process = psutil.Process(pid)
        process.memory_full_info()
    except psutil.NoSuchProcess:
        raise TrialFailed(f"{name}: there is no process {pid}: correct pid in its server, or take it out") from None
    except psutil.AccessDenied:
        raise TrialFailed(
            f"{name}: process {pid} belongs to somebody else, and its memory cannot be read: run wirerace as its user, "
            "or take pid out"
        ) from None
    return process
