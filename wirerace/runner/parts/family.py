"""A program of others as a part of a trial: a process with its children, sampled, stalled and ended as one."""

import contextlib
import os
import shutil
import signal
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from wirerace.record.samples import Memory
from wirerace.runner.outside import tied
from wirerace.runner.parts.process import NO_VARIABLES, STOPPED, Process
from wirerace.runner.parts.quota import Quota
from wirerace.runner.parts.tree import processes_of, tree_cpu_seconds, tree_memory, tree_waited_seconds


class Family(Process):
    """A program with its children, such as nginx with its workers.

    Our own processes end when this one has ended. Another program does so only if the kernel tells it, for which
    `setpriv` asks where there is one. `scratch` has its files, if it writes any, and is removed when it is stopped.
    """

    certificates = NO_VARIABLES  # it may speak TLS to others

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        scratch: Path | None = None,
        cores: Collection[int] = (),
        variables: Mapping[str, str] = NO_VARIABLES,
        quota: Quota | None = None,
    ) -> None:
        self.program = tuple(tied(()))
        self._scratch = scratch
        self._children: list[int] = []
        super().__init__(name, command, log, cores, variables, quota)

    @property
    def pids(self) -> list[int]:
        """All its process ids, now."""
        found = [process.pid for process in processes_of(self.pid)]
        self._children = found[1:]
        return found or [self.pid]

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it, or a child that was there when it was last sampled."""
        return super().is_stopped() or any(map(_is_stopped, self._children))

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of all its processes; None if it has ended."""
        self._children = self.pids[1:]
        return tree_cpu_seconds(self.pid)

    def waited_seconds(self) -> float | None:
        """Return how long its processes had no core so far; None if it is not available."""
        return tree_waited_seconds(self.pid)

    def memory(self) -> Memory:
        """Return the memory that each of them has for itself, and that of all TCP sockets of the machine."""
        return tree_memory(self.pid)

    def restart(self) -> None:
        """Start it again. Children that have outlived it hold its port, and are ended."""
        self._end_group()
        super().restart()

    def stop(self) -> None:
        """End it with its children, and remove its files."""
        super().stop()
        self._end_group()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return str(psutil.Process(pid).status()) in STOPPED
    return False
