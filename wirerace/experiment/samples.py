"""What is sampled around the window of a trial: the server's counters, the machine's, memory."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

from wirerace.clock import NS_PER_SECOND, now_ns

MEMORY_PRESSURE = Path("/proc/pressure/memory")
SOCKSTAT = Path("/proc/net/sockstat")
PAGE_BYTES = 4096
US = 1e-6


class ServerSample(NamedTuple):
    """The server's counters at one instant; None where they cannot be had.

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


def server_sample(metrics: Mapping[str, float], cpu_seconds: float | None) -> ServerSample:
    """Return the sample in a server's metrics."""
    retransmitted = metrics.get("wirerace_tcp_retransmitted_segments_total")
    return ServerSample(
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


class MachineSample(NamedTuple):
    """The machine at one instant.

    `offset_ns` is wall time minus monotonic time; `busy_seconds` and `stolen_seconds` add up all cores, `own_seconds`
    all processes of the experiment.
    """

    at_ns: int
    offset_ns: int
    busy_seconds: float
    stolen_seconds: float | None
    own_seconds: float | None
    memory_stalled_seconds: float | None


def machine_sample(own_seconds: float | None) -> MachineSample:
    """Return the machine as it is now."""
    times = psutil.cpu_times()
    stolen_seconds = getattr(times, "steal", None)
    # guest time is in user time already
    idle = {"idle", "iowait", "steal", "guest", "guest_nice"}
    busy_seconds = sum(seconds for name, seconds in times._asdict().items() if name not in idle)
    return MachineSample(now_ns(), clock_offset_ns(), busy_seconds, stolen_seconds, own_seconds, _memory_stalled())


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


def _memory_stalled() -> float | None:
    """Return for how long somebody has waited for memory so far (PSI, some), None where the kernel does not count."""
    try:
        some = MEMORY_PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return int(some.rpartition("total=")[2]) * US


class Memory(NamedTuple):
    """A server's memory: its own, and the kernel's for sockets; None where it cannot be had."""

    user_bytes: int | None
    socket_bytes: int | None


class Measured(NamedTuple):
    """What was sampled around the window. `server` is None when it was restarted: its counters began anew.

    `load_cores` is how many cores the load's processes had between them. `idle` is the server's memory without clients,
    `full` that with `clients_measured` of them; `idle_utilisation` the part of a core that it took without clients.
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

    @property
    def span_seconds(self) -> float:
        """How long lay between the samples of the machine."""
        before, after = self.machine
        return (after.at_ns - before.at_ns) / NS_PER_SECOND
