"""A server that a command starts: somebody else's program, with all processes that it starts itself."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.parts.process import NO_VARIABLES, Process
from wirerace.runner.parts.quota import Quota
from wirerace.runner.parts.tree import tree_cpu_seconds, tree_memory, tree_waited_seconds
from wirerace.stopping import whole
from wirerace.system import blamed_on


class CommandServer(Process):
    """A command, run where wirerace was, in a session of its own. Costs are those of all processes in it.

    Raises TrialFailed when there is no such program.
    """

    program = ()
    certificates = NO_VARIABLES  # it may speak TLS to others

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is, and what it may use
        self,
        name: str,
        command: str,
        log: Path,
        cores: Collection[int] = (),
        variables: Mapping[str, str] = NO_VARIABLES,
        quota: Quota | None = None,
        scratch: Path | None = None,
    ) -> None:
        words = shlex.split(command)
        if shutil.which(words[0]) is None:
            raise TrialFailed(f"{name}: there is no program {words[0]}: install it, or correct command in its server")
        self.directory = Path.cwd()
        self._scratch = scratch
        super().__init__(name, words, log, cores, variables, quota)

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of all its processes; None if it has ended."""
        return tree_cpu_seconds(self.pid)

    def waited_seconds(self) -> float | None:
        """Return how long its processes had no core so far; None if it is not available."""
        return tree_waited_seconds(self.pid)

    def memory(self) -> Memory:
        """Return the memory of all its processes, and that of all TCP sockets of the machine."""
        return tree_memory(self.pid)

    def stall(self, seconds: float) -> None:
        """Stop all its processes from now on for a time, by a shell that outlives this process."""
        group = f"-{self.pid}"
        command = ["/bin/sh", "-c", f"kill -STOP {group}; sleep {seconds:f}; kill -CONT {group}"]
        with whole(), blamed_on(self.name):
            self._stalling = subprocess.Popen(command, start_new_session=True)  # noqa: S603 -- our own

    def resume(self) -> None:
        """Make all its processes continue, if they stand still."""
        is_stalling = self._stalling is not None
        super().resume()
        if is_stalling:
            self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, and then what it has left behind."""
        super().stop()
        self._signal(signal.SIGKILL)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
