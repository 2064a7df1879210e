"""A program of others as a part of a trial: a process with its children, sampled, stalled and ended as one."""

import contextlib
import os
import shutil
import signal
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil
from msgspec.structs import replace

from wirerace.clock import now_ns, process_cpu_seconds
from wirerace.host.machine import total_seconds
from wirerace.record.samples import Memory
from wirerace.runner.parts.process import STOPPED, Process


class Family(Process):
    """A program with its children, such as nginx with its workers.

    Our own processes end when this one has ended. Another program does so only if the kernel tells it, for which
    `setpriv` asks where there is one. `directory` has all its files, and is removed when it is stopped.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        directory: Path,
        cores: Collection[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        asks = shutil.which("setpriv")
        self.interpreter = () if asks is None else (asks, "--pdeathsig", "TERM", "--")
        self._directory = directory
        self._children: list[int] = []
        super().__init__(name, command, log, cores, variables or {})

    @property
    def pids(self) -> list[int]:
        """All its process ids, now."""
        children: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.pid).children(recursive=True)
        self._children = [child.pid for child in children]
        return [self.pid, *self._children]

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it, or a child that was there when it was last sampled."""
        return super().is_stopped() or any(map(_is_stopped, self._children))

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of all that run; None if it is not available."""
        return total_seconds(list(map(process_cpu_seconds, self.pids)))

    def memory(self) -> Memory:
        """Return the memory that each of them has for itself (USS), and that of all TCP sockets of the machine."""
        members = [_own_bytes(pid) for pid in self.pids]
        known = [size for size in members if size is not None]
        return replace(super().memory(), user_bytes=sum(known) if known else None, ended_ns=now_ns())

    def restart(self) -> None:
        """Start it again. Children that have outlived it hold its port, and are ended."""
        self._end_group()
        super().restart()

    def stop(self) -> None:
        """End it with its children, and remove its files."""
        super().stop()
        self._end_group()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return str(psutil.Process(pid).status()) in STOPPED
    return False


def _own_bytes(pid: int) -> int | None:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_full_info().uss)
    return None
