"""The clocks: wall time, which all processes of one host share, and the CPU time of a process.

Every time in Wirerace is Unix time in nanoseconds. Processes and containers on one host read the same kernel clock, so
the difference of two such times is a duration, even between two processes.
"""

import os
import sys
import time
from collections.abc import Callable

Clock = Callable[[], int]

NS_PER_SECOND = 1_000_000_000

now_ns: Clock = time.time_ns


def to_ns(seconds: float) -> int:
    """Return `seconds` as whole nanoseconds."""
    return round(seconds * NS_PER_SECOND)


def process_cpu_seconds(pid: int | None = None) -> float | None:
    """Return user + system CPU time of a process (this one by default), in seconds, to the nanosecond.

    For another process it reads that process's CPU clock, which Linux numbers `~pid << 3 | 2` (clock_getcpuclockid(3)),
    because /proc counts in ticks of 10 ms, which is too coarse for a short window. The result is None when the process
    has ended, and for another process on a platform without such a clock.
    """
    if pid is None or pid == os.getpid():
        return time.process_time()
    if sys.platform != "linux":
        return None
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


class StepWatch:
    """Notices when the wall clock is set, or the machine sleeps: then it moves differently from the monotonic clock."""

    def __init__(self, wall: Clock, steady: Clock = time.monotonic_ns) -> None:
        self._wall = wall
        self._steady = steady
        self._offset_ns = self._offset()

    def step_ns(self) -> int:
        """Return by how much the wall clock was set since the last look; positive means forwards."""
        before, self._offset_ns = self._offset_ns, self._offset()
        return self._offset_ns - before

    def _offset(self) -> int:
        while True:
            before_ns, wall_ns, after_ns = self._steady(), self._wall(), self._steady()
            if after_ns - before_ns < NS_PER_SECOND // 10:  # or the process was stopped between two readings
                return wall_ns - after_ns
