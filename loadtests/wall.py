"""The clock of a load process: its host's own, or, on another host than the producer, the producer's as it is known.

Everything in the load that reads the time or the kernel's stamps does it here, so that all its times are the
producer's. On one host nothing is corrected, and nothing costs more than a look into this module.
"""

import os
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from wirerace.clock import Clock

SHIFTED = "WIRERACE_SHIFTED_CLOCK"
"""For tests: seconds by which this process's clocks are shifted, and by which they drift each second, since when."""


class Corrected(Protocol):
    """A clock that follows another."""

    def now_ns(self) -> int:
        """Return the time by that other clock."""

    def of(self, host_ns: int) -> int:
        """Return what that other clock said at a time of our host's."""


class Shift(NamedTuple):
    """By how much a clock is wrong, on purpose."""

    by_ns: int = 0
    drift: float = 0.0
    since_ns: int = 0

    def of(self, true_ns: int) -> int:
        """Return what the wrong clock says."""
        return true_ns + self.by_ns + int((true_ns - self.since_ns) * self.drift)

    def now_ns(self) -> int:
        """Return the time by the wrong clock."""
        return self.of(time.time_ns())


class HostClocks(NamedTuple):
    """How the clock of this host is read, and what its kernel's stamps mean."""

    now_ns: Clock
    stamp: Callable[[int], int]


def host_clocks() -> HostClocks:
    """Return the clocks of this host; those that a test has shifted, if it has."""
    if not (spelled := os.environ.get(SHIFTED, "")):
        return HostClocks(time.time_ns, int)
    by_seconds, drift, since_ns = spelled.split(",")
    shift = Shift(round(float(by_seconds) * 1e9), float(drift), int(since_ns))
    return HostClocks(shift.now_ns, shift.of)


now_ns: Clock = time.time_ns
"""Returns the time."""
stamped: Callable[[int], int] | None = None
"""Returns the time of a stamp of the kernel; None if it is the stamp itself."""


def follow(clock: Corrected, host: HostClocks) -> None:
    """Read the time from a clock that follows another, from now on."""
    global now_ns, stamped  # noqa: PLW0603 -- one process has one clock
    now_ns = clock.now_ns
    stamped = clock.of if host.stamp is int else lambda stamp_ns: clock.of(host.stamp(stamp_ns))


def follow_none() -> None:
    """Read the time from the host's own clock."""
    global now_ns, stamped
    now_ns, stamped = time.time_ns, None
