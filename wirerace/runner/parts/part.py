"""A part of a trial, process or container: started, stopped, killed, stalled and sampled alike."""

from collections.abc import Sequence
from typing import Protocol

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory
from wirerace.runner.peer import ANSWER_SECONDS, Peer

MOST_RESTARTS = 3
"""The most restarts in one trial, besides those of its faults. A part that dies more often will not recover."""
LAST_LINES = 5
"""How many lines of its log a failure quotes."""
COMMON_WARNING = "Your selected spawn rate is very high"
"""Locust warns so in every log of a load that brings more than 100 clients a second. It explains no failure."""


def end_of(lines: Sequence[str]) -> str:
    """Return the last lines of a log, on one line, as a failure quotes them."""
    telling = [line for line in lines if COMMON_WARNING not in line]
    return " | ".join(telling[-LAST_LINES:]) or "(empty)"


class Watched(Protocol):
    """One process, or one container: what a watch looks at."""

    @property
    def restarts(self) -> int:
        """How often it was started again."""

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything in it; None if it is not available."""

    def is_stopped(self) -> bool:
        """Return whether a signal has stopped it, or its engine has paused it."""


class Crew(Protocol):
    """Processes, or containers, that do one job together and end together: the load."""

    @property
    def members(self) -> Sequence[Watched]:
        """All of them."""

    def has_ended(self) -> bool:
        """Return whether any of them ended."""

    def failure(self, what: str) -> TrialFailed:
        """Return the error that says what went wrong, with the last lines of a log."""

    def stop(self) -> None:
        """End what they do for the trial."""


class Part(Crew, Watched, Protocol):
    """One process, or one container: a server, the producer or a proxy. It is the only one of its `members`."""

    name: str
    gives_up_at: int
    """The number of restarts at which the trial fails."""
    shares_network: bool
    """Whether its connections are in the network namespace of this process, so that the kernel lists them."""

    def own_cpu_seconds(self) -> float | None:
        """Return the CPU time of its service alone, read from outside; None if only its metrics have it."""

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything in it; None if it is not available."""

    def memory(self) -> Memory:
        """Return its memory, and the kernel's for sockets."""

    def kill(self) -> None:
        """Kill it at once (SIGKILL). Its target starts it again when it looks next."""

    def end(self) -> None:
        """Let it end in order (SIGTERM), and return at once. Its target starts it again when it looks next."""

    def fill(self) -> None:
        """Let nothing more fit on the disk on which it keeps its record, until `resume`."""

    def stall(self, seconds: float) -> None:
        """Stop it from now on for a time, and return at once."""

    def resume(self) -> None:
        """Make it continue at once, if it stands still, and let it write again."""

    def restart(self) -> None:
        """Start it again after it has ended."""


class Contained(Part, Protocol):
    """A part that runs in a container, of an engine or of a cluster."""

    @property
    def host(self) -> str:
        """Where other parts reach it."""

    @property
    def cpus(self) -> float:
        """Its CPU quota in cores; 0 without one."""

    def port(self, inside: int, /) -> int:
        """Return the port of this machine at which a port of it can be reached."""

    def peer(self, name: str, inside: int, *, token: str = "", answer_seconds: float = ANSWER_SECONDS) -> Peer:
        """Return its HTTP side at a port of it."""

    def variable(self, name: str, /) -> str:
        """Return a variable of its environment, empty without one."""

    def said(self, *command: str) -> tuple[int, str]:
        """Run a command in it. Return its exit code and its output."""
