"""Reading the machine: CPU time, the kernel's memory, pressure, and whether the clock was set."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from wirerace.clock import now_ns
from wirerace.record.samples import MachineSample

MEMORY_PRESSURE = Path("/proc/pressure/memory")
MEMINFO, SLABINFO = Path("/proc/meminfo"), Path("/proc/slabinfo")
SOCKSTAT = Path("/proc/net/sockstat")
SOCKET = "TCP"
SOCKET_KINDS = (
    *(SOCKET, "TCPv6", "sock_inode_cache", "dentry", "filp", "eventpoll_epi", "eventpoll_pwq"),
    *("lsm_inode_cache", "lsm_file_cache"),
)
"""The kernel's objects for a socket that is polled, without those of a firewall that tracks its connection."""
PAGE_BYTES, KIB = 4096, 1024
US = 1e-6


def machine_sample(own_seconds: Callable[[], float | None]) -> MachineSample:
    """Return the machine's counters now; `own_seconds` returns the CPU time of the experiment's processes."""
    began_ns, own = now_ns(), own_seconds()
    times = psutil.cpu_times()
    stolen_seconds = getattr(times, "steal", None)
    # guest time is in user time already
    idle = {"idle", "iowait", "steal", "guest", "guest_nice"}
    busy_seconds = sum(seconds for name, seconds in times._asdict().items() if name not in idle)
    return MachineSample(
        began_ns=began_ns,
        offset_ns=clock_offset_ns(),
        busy_seconds=busy_seconds,
        stolen_seconds=stolen_seconds,
        own_seconds=own,
        memory_stalled_seconds=_memory_stalled(),
        ended_ns=now_ns(),
    )


def all_cores() -> int:
    """Return the cores of this machine."""
    return psutil.cpu_count() or 1


def clock_offset_ns() -> int:
    """Return wall time minus monotonic time, which changes only when the clock is set."""
    # The three readings that are closest together: an attempt that was interrupted between two of them is left out.
    readings = []
    for _ in range(5):
        before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


def socket_bytes() -> int | None:
    """Return the kernel's memory for the buffers of all TCP sockets of the machine; None if it is not available."""
    try:
        lines = SOCKSTAT.read_text().splitlines()
    except OSError:
        return None
    fields = next(line.split() for line in lines if line.startswith("TCP:"))
    return int(fields[fields.index("mem") + 1]) * PAGE_BYTES


def slab_bytes() -> int | None:
    """Return the kernel's memory for objects such as sockets, of the whole machine; None if it is not available.

    Four of them make an idle TCP socket: tcp_sock, inode, dentry and file. No process and no `sockstat` shows them.
    Root can read each kind. Other users can read only the sum of all kinds, which includes half a megabyte for each
    process.
    """
    objects = _lines_of(SLABINFO)
    kinds = {name: int(active) * int(size) for name, active, _, size, *_ in (line.split() for line in objects[2:])}
    if SOCKET in kinds:  # else the kernel has merged it with others, or has another name for it
        return sum(kinds.get(name, 0) for name in SOCKET_KINDS)
    pages = (line.split() for line in _lines_of(MEMINFO) if line.startswith("Slab:"))
    return next((int(kib) * KIB for _, kib, *_ in pages), None)


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _memory_stalled() -> float | None:
    """Return how long processes have waited for memory so far (PSI, some); None if the kernel does not count it."""
    try:
        some = MEMORY_PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return int(some.rpartition("total=")[2]) * US


def total_seconds(parts: Sequence[float | None]) -> float | None:
    """Return the sum, None when a part is unknown."""
    known = [seconds for seconds in parts if seconds is not None]
    return sum(known) if len(known) == len(parts) else None
