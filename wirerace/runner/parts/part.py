"""A part of a trial: what is started, stopped, killed, stalled and sampled, whatever it runs in."""

from collections.abc import Sequence
from typing import Protocol

from wirerace.errors import TrialFailed
from wirerace.record.samples import Memory

MOST_RESTARTS = 3
"""In one trial, beside those that its faults ask for; a part that dies again and again will not stop doing so."""


class Watched(Protocol):
    """One process, or one container: what a watch looks at."""

    restarts: int

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
    """How often it may have been started again before the trial fails."""
    shares_network: bool
    """Whether its connections are in the network namespace of this process, where the kernel can be asked."""

    def own_cpu_seconds(self) -> float | None:
        """Return the CPU time of its service alone, read from outside; None where only its metrics say it."""

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far of everything in it, None where it cannot be had."""

    def memory(self) -> Memory:
        """Return its memory, and the kernel's for sockets."""

    def kill(self) -> None:
        """Kill it at once (SIGKILL). Its target starts it again when it looks next."""

    def stall(self, seconds: float) -> None:
        """Let it stand still from now on for a time, and return at once."""

    def resume(self) -> None:
        """Let it go on at once, if it stands still."""

    def restart(self) -> None:
        """Start it again after it has ended."""
