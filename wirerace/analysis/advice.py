"""What a checkup means: each figure, which value is good enough and why, and what to change if it is not."""

from collections.abc import Callable
from typing import NamedTuple

from wirerace.analysis.thresholds import (
    MEMORY_STALLED_FRACTION,
    OTHERS_FRACTION,
    PRODUCER_LATE_P99_SECONDS,
    STOLEN_FRACTION,
)
from wirerace.record.checkup import Checkup

READING_SECONDS = 1e-6
"""Every update, poll and message reads the clock several times. Above this limit, that is part of their cost."""
STEP_SECONDS = 10e-6
"""A tenth of a message's time on loopback. Above this limit, latencies are counted in steps."""
AT_REST_SECONDS = 1e-3
"""Push transports differ by less. At rest, a longer time is not caused by a transport."""
BUSIEST_PER_SECOND = 2_500
"""The rate that the busiest of experiments/ asks of one load process: 50 clients, 50 updates a second."""
OPEN_FILES = 1_200
"""Enough for 1,000 clients and the process's own files."""
CONNECTIONS_PER_SECOND = 1_000
"""The rate of 1,000 clients that poll once a second and keep no connection."""
WAITING_CONNECTIONS = 1_024
"""Clients that reconnect at once. A client that the queue refuses tries again a second later, by TCP's own timer."""
CORES = 2
"""One for the server, one for the load."""
SLACK = 0.01
"""A quota that is less than this below the number of cores is rounding."""


class CheckupFigure(NamedTuple):
    """A row: fields of a checkup and their labels, their meaning, and their advice, if any."""

    name: str
    fields: dict[str, str]
    meaning: str
    cure: Callable[[Checkup], str | None] = lambda _: None


def advice(checkup: Checkup) -> list[str]:
    """Return what to change on this machine before it is measured on, a sentence each."""
    return [sentence for figure in FIGURES if (sentence := figure.cure(checkup))]


def _above(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value > limit


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _others(checkup: Checkup) -> str | None:
    used, cores = checkup.others_cores, checkup.cores
    if used is None or not _above(used / cores, OTHERS_FRACTION.doubt):
        return None
    return f"Others use {used:.1f} of {cores} cores: close them, or wait; {OTHERS_FRACTION.why}."


def _stolen(checkup: Checkup) -> str | None:
    stolen = checkup.stolen_cores
    if stolen is None or not _above(stolen / checkup.cores, STOLEN_FRACTION.doubt):
        return None
    return f"The hypervisor took {stolen:.2f} cores: use a machine of your own, or one with dedicated cores."


def _cores(checkup: Checkup) -> str | None:
    if checkup.cores >= CORES:
        return None
    return "Server and load share the only core, and wait for each other: give Wirerace 2 or more."


def _quota(checkup: Checkup) -> str | None:
    if not _below(checkup.cpu_quota_cores, checkup.cores - SLACK):
        return None
    quota = f"{checkup.cpu_quota_cores:g} of {checkup.cores} cores' time"
    return f"The control group may use {quota}, and stands still after that: raise it (docker run --cpus, cpu.max)."


def _governor(checkup: Checkup) -> str | None:
    if checkup.cpu_governor in {None, "performance"}:
        return None
    saving = f"The governor {checkup.cpu_governor!r} lowers the cores' clock rate when there is little work"
    return f"{saving}, and costs rise: cpupower frequency-set --governor performance."


def _memory(checkup: Checkup) -> str | None:
    if not _above(checkup.memory_stalled_fraction, MEMORY_STALLED_FRACTION.doubt):
        return None
    return "Processes wait for memory, and swapping is in the latencies: close some."


def _clock(checkup: Checkup) -> str | None:
    slow, coarse = (
        _above(checkup.clock_reading_seconds, READING_SECONDS),
        _above(checkup.clock_step_seconds, STEP_SECONDS),
    )
    if not slow and not coarse:
        return None
    fault = "takes more than 1 µs to read" if slow else "moves in steps of more than 10 µs"
    source = f" ({checkup.clock_source})" if checkup.clock_source else ""
    return (
        f"The clock{source} {fault}: write tsc to /sys/devices/system/clocksource/clocksource0/current_clocksource, "
        "where available_clocksource has it."
    )


def _sleep(checkup: Checkup) -> str | None:
    if not _above(checkup.sleep_late_seconds_p99, AT_REST_SECONDS):
        return None
    return "Sleeping processes wake more than 1 ms late: close what else runs; switch power saving off."


def _producer(checkup: Checkup) -> str | None:
    if not _above(checkup.producer_late_seconds_p99, PRODUCER_LATE_P99_SECONDS.doubt):
        return None
    return f"The producer makes updates more than 10 ms late ({PRODUCER_LATE_P99_SECONDS.why}): close what else runs."


def _loopback(checkup: Checkup) -> str | None:
    if not _above(checkup.round_trip_seconds_p99, AT_REST_SECONDS):
        return None
    return "Loopback takes more than 1 ms: close what else runs, and check whether a firewall filters loopback."


def _stamps(checkup: Checkup) -> str | None:
    if checkup.kernel_stamps is not False:
        return None
    return "The kernel stamps no arrivals, so the reader's lag is in every latency: use Linux (SO_TIMESTAMPNS)."


def _lag(checkup: Checkup) -> str | None:
    if not _above(checkup.reader_lag_seconds_p99, AT_REST_SECONDS):
        return None
    return "A reader wakes more than 1 ms after arrivals: close what else runs; switch power saving off."


def _drives(name: str) -> Callable[[Checkup], str | None]:
    """Return the advice on a rate."""

    def cure(checkup: Checkup) -> str | None:
        rate: float | None = getattr(checkup, f"{name}_per_second")
        if not _below(rate, BUSIEST_PER_SECOND):
            return None
        more = f"set load.processes (up to {checkup.cores - 1})" if checkup.cores > CORES else "use fewer clients"
        return f"One load process drives {rate:.0f} {name}/s before it distorts results: {more}."

    return cure


def _files(checkup: Checkup) -> str | None:
    if not _below(checkup.open_files_hard, OPEN_FILES):
        return None
    limit = f"{checkup.open_files_hard} open files allow fewer than 1,000 clients"
    return f"{limit}: raise the hard limit, as root with ulimit -Hn {OPEN_FILES} or in /etc/security/limits.conf."


def _ports(checkup: Checkup) -> str | None:
    if checkup.shared_ports:
        shared = f"{checkup.shared_ports} ports go to servers and to outgoing connections"
        return f'{shared}, which may take each other\'s: sysctl -w net.ipv4.ip_local_port_range="32768 65535".'
    if not _below(checkup.connections_per_second, CONNECTIONS_PER_SECOND):
        return None
    rate = f"Ports last for {checkup.connections_per_second:.0f} new connections/s (keep_alive = false)"
    cure = "sysctl -w net.ipv4.tcp_tw_reuse=2" if _above(checkup.port_reuse_seconds, 1) else "widen the range"
    return f'{rate}: {cure}; sysctl -w net.ipv4.ip_local_port_range="32768 65535".'


def _backlog(checkup: Checkup) -> str | None:
    if not _below(checkup.listen_backlog, WAITING_CONNECTIONS):
        return None
    return f"Only {checkup.listen_backlog} connections may wait to be accepted: sysctl -w net.core.somaxconn=4096."


def _percentiles(name: str) -> dict[str, str]:
    return {"p50": f"{name}_seconds_p50", "p99": f"{name}_seconds_p99"}


def _rate(plural: str, singular: str) -> dict[str, str]:
    return {"": f"{plural}_per_second", "each": f"load_seconds_per_{singular}"}


MEMORY = {"free": "memory_available_bytes", "swap used": "swap_used_bytes"}
CLOCK = {"": "clock_source", "step": "clock_step_seconds", "reading": "clock_reading_seconds"}
SLEEP = _percentiles("sleep_late") | {"slack": "timer_slack_seconds"}
PORTS = {"": "ephemeral_ports", "rest": "port_reuse_seconds", "new/s": "connections_per_second"}
PRODUCER_LATE = {"mean": "producer_late_seconds_mean", "p99": "producer_late_seconds_p99"}
FIGURES = (
    CheckupFigure("cores", {"": "cores"}, "one for server, one for load", _cores),
    CheckupFigure(
        "others use, cores",
        {"": "others_cores", "load average": "load_average"},
        "is in everything measured",
        _others,
    ),
    CheckupFigure("hypervisor takes, cores", {"": "stolen_cores"}, "is in everything measured", _stolen),
    CheckupFigure("CPU quota, cores", {"": "cpu_quota_cores"}, "of the control group; none is best", _quota),
    CheckupFigure("CPU governor", {"": "cpu_governor"}, "performance is best", _governor),
    CheckupFigure("waiting for memory", {"": "memory_stalled_fraction"}, "part of the time", _memory),
    CheckupFigure("memory", MEMORY, "for processes and sockets"),
    CheckupFigure("wall clock", CLOCK, "finest difference, and its price", _clock),
    CheckupFigure("sleep of 1 ms, late by", SLEEP, "waking a process, slack included", _sleep),
    CheckupFigure("loopback round trip", _percentiles("round_trip"), "half of it is in every latency", _loopback),
    CheckupFigure("kernel stamps arrivals", {"": "kernel_stamps"}, "if not, Python's reading counts", _stamps),
    CheckupFigure("reader lag at rest", _percentiles("reader_lag"), "from arrival to reading", _lag),
    CheckupFigure("producer makes late", PRODUCER_LATE, "is in every latency", _producer),
    CheckupFigure("polls/s", _rate("polls", "poll"), "at least, by one load process", _drives("polls")),
    CheckupFigure("messages/s", _rate("messages", "message"), "at least, by one load process", _drives("messages")),
    CheckupFigure(
        "open files", {"soft": "open_files_soft", "hard": "open_files_hard"}, "one a client, in each process", _files
    ),
    CheckupFigure("outgoing ports", PORTS, "without keep-alive, to one server", _ports),
    CheckupFigure("idle TCP socket, slab", {"": "socket_slab_bytes"}, "kernel memory that no process shows"),
    CheckupFigure("listen backlog", {"": "listen_backlog"}, "clients that may come at once", _backlog),
)
"""In the order in which they are printed."""
