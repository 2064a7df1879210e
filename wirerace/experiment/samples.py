"""What is sampled around the window of a trial: the server's counters, the machine's, memory."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from wirerace.account import Window
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.experiment.parts import Part
from wirerace.experiment.tcp_diag import Resent
from wirerace.histogram import LatenciesRecord

MEMORY_PRESSURE = Path("/proc/pressure/memory")
MEMINFO, SLABINFO = Path("/proc/meminfo"), Path("/proc/slabinfo")
SOCKSTAT = Path("/proc/net/sockstat")
SOCKET = "TCP"
SOCKET_KINDS = (
    *(SOCKET, "TCPv6", "sock_inode_cache", "dentry", "filp", "eventpoll_epi", "eventpoll_pwq"),
    *("lsm_inode_cache", "lsm_file_cache"),
)
"""What the kernel keeps for a socket that is polled; not what a firewall tracks of its connection."""
PAGE_BYTES, KIB = 4096, 1024
US = 1e-6


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was read between two instants, Unix nanoseconds: when reading began, and when it had ended."""

    began_ns: int
    ended_ns: int

    def off_ns(self, at_ns: int) -> int:
        """Return by how much it may miss an instant: what it says may be of any time while it was read."""
        return max(abs(self.began_ns - at_ns), abs(self.ended_ns - at_ns))


class ServerSample(Sample, frozen=True, kw_only=True):
    """The server's counters; None where they cannot be had.

    `feed_seconds` is the sum over `feed_updates` of intended making to arrival at the server, which took `feed_reads`
    readings; `retransmitted` counts the segments that its network namespace has sent again.
    """

    cpu_seconds: float | None
    payload_bytes: int
    received_bytes: int
    sent_bytes: int
    heartbeat_bytes: int
    feed_seconds: float
    feed_updates: int
    feed_reads: int
    waited_seconds: float | None
    throttled_seconds: float | None
    retransmitted: int | None

    def began_anew_since(self, before: "ServerSample") -> bool:
        """Tell whether the counters are another process's than those before: what only grows is smaller."""
        counters = ("cpu_seconds", "payload_bytes", "received_bytes", "sent_bytes", "feed_updates", "feed_reads")
        pairs = ((getattr(before, name), getattr(self, name)) for name in counters)
        return any(early is not None and late is not None and late < early for early, late in pairs)


def server_sample(metrics: Mapping[str, float], cpu_seconds: float | None, began_ns: int) -> ServerSample:
    """Return the sample in a server's metrics, which have just come."""
    retransmitted = metrics.get("wirerace_tcp_retransmitted_segments_total")
    return ServerSample(
        began_ns=began_ns,
        ended_ns=now_ns(),
        cpu_seconds=cpu_seconds,
        payload_bytes=int(metrics["wirerace_payload_bytes_total"]),
        received_bytes=int(metrics["wirerace_received_bytes_total"]),
        sent_bytes=int(metrics["wirerace_sent_bytes_total"]),
        heartbeat_bytes=int(metrics["wirerace_heartbeat_bytes_total"]),
        feed_seconds=metrics["wirerace_feed_lag_seconds_sum"],
        feed_updates=int(metrics["wirerace_feed_lag_seconds_count"]),
        feed_reads=int(metrics["wirerace_feed_reads_total"]),
        waited_seconds=metrics.get("wirerace_waited_seconds_total"),
        throttled_seconds=metrics.get("wirerace_throttled_seconds_total"),
        retransmitted=None if retransmitted is None else int(retransmitted),
    )


class MachineSample(Sample, frozen=True, kw_only=True):
    """The machine's counters.

    `offset_ns` is wall time minus monotonic time; `busy_seconds` and `stolen_seconds` add up all cores, `own_seconds`
    all processes of the experiment.
    """

    offset_ns: int
    busy_seconds: float
    stolen_seconds: float | None
    own_seconds: float | None
    memory_stalled_seconds: float | None


def machine_sample(own_seconds: Callable[[], float | None]) -> MachineSample:
    """Return the machine as it is now; `own_seconds` tells what the experiment's processes have spent."""
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


def clock_offset_ns() -> int:
    """Return wall time minus monotonic time: it stays the same unless somebody sets the clock."""
    # The three readings that lie closest together: whoever was interrupted between two of them is not asked.
    readings = []
    for _ in range(5):
        before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


def socket_bytes() -> int | None:
    """Return the kernel's memory for the buffers of all TCP sockets of the machine, None where it cannot be had."""
    try:
        lines = SOCKSTAT.read_text().splitlines()
    except OSError:
        return None
    fields = next(line.split() for line in lines if line.startswith("TCP:"))
    return int(fields[fields.index("mem") + 1]) * PAGE_BYTES


def slab_bytes() -> int | None:
    """Return the kernel's memory for objects such as sockets, of the whole machine, None where it cannot be had.

    Four of them make an idle TCP socket: tcp_sock, inode, dentry and file. No process and no `sockstat` shows them.
    Root is told of each kind, others only of the pages of all kinds, half a megabyte of each process's own among them.
    """
    objects = _lines_of(SLABINFO)
    kinds = {name: int(active) * int(size) for name, active, _, size, *_ in (line.split() for line in objects[2:])}
    if SOCKET in kinds:  # else the kernel has merged it with others, or calls it by another name
        return sum(kinds.get(name, 0) for name in SOCKET_KINDS)
    pages = (line.split() for line in _lines_of(MEMINFO) if line.startswith("Slab:"))
    return next((int(kib) * KIB for _, kib, *_ in pages), None)


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _memory_stalled() -> float | None:
    """Return for how long somebody has waited for memory so far (PSI, some), None where the kernel does not count."""
    try:
        some = MEMORY_PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return int(some.rpartition("total=")[2]) * US


class LinkReport(Sample, frozen=True, kw_only=True):
    """What a link's proxy did between two instants: its CPU time, and how late it forwarded what it had received.

    Late is beyond the link's delay, which counts from the kernel's stamp of what arrives at the proxy.
    """

    cpu_seconds: float
    late: LatenciesRecord


class Memory(Sample, frozen=True, kw_only=True):
    """A server's memory: its own, and the kernel's for sockets; None where it cannot be had.

    `socket_bytes` is for buffers, `slab_bytes` for objects such as sockets, of the whole machine or of the server's
    container, as `kernel_of` says. Of a container, `socket_bytes` is everything of the kernel's, the slab included.
    """

    user_bytes: int | None
    socket_bytes: int | None
    slab_bytes: int | None = None
    kernel_of: Literal["machine", "container"] = "machine"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was sampled around the window. `server` is None when it was restarted: its counters began anew.

    `load_cores` is how many cores the load's processes had between them. `idle` is the server's memory without clients,
    `full` that with `clients_measured` of them; `idle_utilisation` the part of a core that it took without clients.
    `parts` is what was seen of every part of the trial. `proxy` is what the link's proxy did in the window, None where
    there is none or it did not answer; `proxy_core` is the core that it is bound to, which it may share with the load.
    `resent` is what the connections of server and proxy sent again, None where they cannot be asked.
    """

    server: tuple[ServerSample, ServerSample] | None
    machine: tuple[MachineSample, MachineSample]
    machine_cores: int
    load_processes: int
    load_cores: int
    idle_utilisation: float | None
    idle: Memory
    full: Memory
    clients_measured: int
    restarts: int
    parts: dict[str, Part] = {}
    proxy: LinkReport | None = None
    proxy_core: int | None = None
    proxy_shares_core: bool = False
    resent: Resent | None = None


SPAN_TOLERANCE = 0.05
"""Of the window: what two samples that are further off its ends say is of another interval, and is not used."""


def off_seconds(samples: tuple[Sample, Sample], window: Window) -> float:
    """Return by how much two samples may miss the ends of a window, both together."""
    before, after = samples
    return (before.off_ns(window.from_ns) + after.off_ns(window.to_ns)) / NS_PER_SECOND


def do_span(samples: tuple[Sample, Sample], window: Window) -> bool:
    """Tell whether two samples lie so near to the ends of a window that what came between them is of the window."""
    return off_seconds(samples, window) <= SPAN_TOLERANCE * window.seconds


def span_seconds(samples: tuple[Sample, Sample]) -> float:
    """Return how long lay between two samples: from the end of the first to the end of the second."""
    before, after = samples
    return (after.ended_ns - before.ended_ns) / NS_PER_SECOND
