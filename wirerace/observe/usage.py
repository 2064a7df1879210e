"""What the machine has done to a process so far: how long it waited for a core, how long its quota was used up.

Every figure is None if the platform does not report it.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
US, NS = 1e-6, 1e-9

Number = TypeVar("Number", int, float)


class Usage(NamedTuple):
    """Seconds since a process started.

    `waited_seconds` is how long its main thread was ready to run and had no core (proc(5), schedstat),
    `throttled_seconds` how long its control group had used up its CPU quota.
    """

    waited_seconds: float | None = None
    throttled_seconds: float | None = None


def difference(after: Number | None, before: Number | None) -> Number | None:
    """Return the growth of a counter between two readings, None when either is unknown."""
    return None if after is None or before is None else after - before


def waited_between(before: float | None, after: float | None) -> float | None:
    """Return how long processes waited for a core between two readings, None when that is not known.

    They waited less at the second one if a process among them has ended: the kernel keeps its CPU time, but not this.
    """
    waited = difference(after, before)
    return None if waited is None or waited < 0 else waited


def usage() -> Usage:
    """Return the usage of this process."""
    return Usage(_waited_seconds(), _throttled_seconds())


def retransmitted_segments() -> int | None:
    """Return how many TCP segments this network namespace has sent again so far."""
    try:
        lines = (PROC / "self/net/snmp").read_text().splitlines()
    except OSError:
        return None
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


def cpu_quota_cores() -> float | None:
    """Return how many cores' worth of time the control group of this process may use; None without a quota.

    It is the lowest of its own quota and those of the groups around it, as far as they are visible.
    """
    quotas = [quota for group in _groups() if (quota := _quota_of(group)) is not None]
    return min(quotas, default=None)


def _quota_of(group: Path) -> float | None:
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()  # version 2
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    except OSError:
        return None
    return None if quota == "max" or int(quota) < 0 else int(quota) / int(period)


def waited_seconds_of(pid: int) -> float | None:
    """Return how long the main thread of another process was ready to run and had no core."""
    return _waited_seconds(str(pid))


def _waited_seconds(process: str = "self") -> float | None:
    try:
        fields = (PROC / process / "schedstat").read_text().split()
    except OSError:
        return None
    # A kernel that does not count this reports 0 for the time spent running, too.
    return int(fields[1]) * NS if int(fields[0]) else None


def _throttled_seconds() -> float | None:
    """Return how long a quota of the process's own group, or of one around it, was used up; 0 without a quota."""
    groups = _groups()
    return sum(_throttled_in(group) for group in groups) if groups else None


def _throttled_in(group: Path) -> float:
    try:
        counters = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    except OSError:
        return 0.0
    for key, unit in (("throttled_usec", US), ("throttled_time", NS)):  # version 2, version 1
        if key in counters:
            return int(counters[key]) * unit
    return 0.0


def _groups() -> list[Path]:
    """Return the control groups that count this process's CPU time, its own first, of version 1 or 2.

    They are looked up each time: what starts the process may put it into another group a moment later.
    """
    try:
        return _groups_in((PROC / "self/cgroup").read_text())
    except OSError:
        return []


@cache
def _groups_in(cgroup: str) -> list[Path]:
    """Return the groups in the text of /proc/self/cgroup. A container sees its own as the root, whatever it says."""
    for _, controllers, path in (line.split(":", 2) for line in cgroup.splitlines()):
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in {controllers, "cpu", "cpu,cpuacct"} if controllers else ("", "unified"):
            for place in (CGROUPS / mount / path.lstrip("/"), CGROUPS / mount):
                if (place / "cpu.stat").exists():
                    return [place, *(group for group in place.parents if group.is_relative_to(CGROUPS))]
    return []
