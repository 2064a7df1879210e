"""What a process exports about itself: the metrics of prometheus_client's collector, without a walk over its files."""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PROC = Path("/proc")
OWN_FILES = PROC / "self/fd"
_VIRTUAL, _RESIDENT, _STARTED, _USER, _SYSTEM = 20, 21, 19, 11, 12
"""Fields of /proc/self/stat behind the process's name (proc(5))."""


class ProcessMetrics(Collector):
    """Memory, CPU time, start and open files of this process; nothing where there is no /proc.

    prometheus_client lists the open files to count them. With 10,000 connections that takes 8 ms, in which an event
    loop does nothing else.
    """

    def __init__(self) -> None:
        self._ticks = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._page_bytes = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._booted = _boot_seconds()

    def collect(self) -> Iterator[Metric]:
        """Yield the current values."""
        try:
            fields = (PROC / "self/stat").read_text().rpartition(")")[2].split()
            open_files = open_file_count()
        except OSError:
            return
        started = self._booted + int(fields[_STARTED]) / self._ticks
        cpu_seconds = (int(fields[_USER]) + int(fields[_SYSTEM])) / self._ticks
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", value=cpu_seconds
        )
        for name, help_text, value in (
            ("virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[_VIRTUAL])),
            ("resident_memory_bytes", "Resident memory size in bytes.", int(fields[_RESIDENT]) * self._page_bytes),
            ("start_time_seconds", "Start time of the process since unix epoch in seconds.", started),
            ("open_fds", "Number of open file descriptors.", open_files),
            ("max_fds", "Maximum number of open file descriptors.", _most_files()),
        ):
            yield GaugeMetricFamily(f"process_{name}", help_text, value=value)


def open_file_count() -> int:
    """Return how many files this process has open. Linux counts them since 6.2; an older one has to list them."""
    return _counted_files() or sum(1 for _ in OWN_FILES.iterdir())


def _counted_files() -> int:
    return OWN_FILES.stat().st_size


def _most_files() -> float:
    import resource  # noqa: PLC0415 -- there is none on Windows

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float(most)


def _boot_seconds() -> float:
    """Return when the machine was started, Unix time; 0 if it is not known."""
    try:
        lines = (PROC / "stat").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)
