"""The harness at rest, measured: clock, timer, loopback, reader, limits, and what else the machine does."""

import itertools
import math
import os
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import psutil

from wirerace.clock import NS_PER_SECOND, now_ns, process_cpu_seconds, to_ns
from wirerace.host import limits
from wirerace.host.binding import bound_to
from wirerace.host.cores import split_cores, usable_cores
from wirerace.host.loopback import measure_loopback
from wirerace.host.machine import machine_sample, total_seconds
from wirerace.host.ports import PORTS
from wirerace.host.sockets import measure_socket_slab
from wirerace.observe.usage import cpu_quota_cores
from wirerace.record.checkup import Checkup
from wirerace.record.samples import MachineSample, span_seconds

READINGS = 20_000
SLEEPS, SLEEP_SECONDS = 500, 0.001


def quick_checkup() -> Checkup:
    """Measure clock, timer, loopback, reader lag and limits in about a second, and return the figures.

    It is meant for the beginning of a run, before anything else is started: all work of the machine meanwhile counts as
    that of others. This thread is bound to the load's core, and a child process to the server's, as in a trial;
    afterwards the thread may run on its earlier cores again. Nothing is raised: a figure that cannot be measured is
    None, and so are the figures that only `wirerace.runner.capacity` measures.
    """
    started = time.monotonic()
    server_cores, load_cores = split_cores()
    with bound_to(load_cores[:1]):
        before = machine_sample(process_cpu_seconds)
        step, reading = measure_clock()
        late = measure_sleeps()
        loopback = measure_loopback(server_cores)
        after = machine_sample(lambda: total_seconds([process_cpu_seconds(), loopback.cpu_seconds]))
    return Checkup(
        took_seconds=time.monotonic() - started,
        **_machine(before, after),
        clock_source=limits.clock_source(),
        clock_step_seconds=step,
        clock_reading_seconds=reading,
        timer_slack_seconds=limits.timer_slack_seconds(),
        sleep_late_seconds_p50=percentile(late, 50) or 0.0,
        sleep_late_seconds_p99=percentile(late, 99) or 0.0,
        round_trip_seconds_p50=percentile(loopback.round_trips_seconds, 50),
        round_trip_seconds_p99=percentile(loopback.round_trips_seconds, 99),
        kernel_stamps=loopback.kernel_stamps,
        reader_lag_seconds_p50=percentile(loopback.lags_seconds, 50),
        reader_lag_seconds_p99=percentile(loopback.lags_seconds, 99),
        socket_slab_bytes=measure_socket_slab(),
        **_limits(),
    )


def measure_clock() -> tuple[float | None, float]:
    """Return the smallest observed step of the wall clock, and the time that one reading takes, in seconds."""
    began = time.perf_counter_ns()
    readings = [now_ns() for _ in range(READINGS)]
    took_ns = time.perf_counter_ns() - began
    steps = [step for step in _differences(readings) if step > 0]
    return min(steps) / NS_PER_SECOND if steps else None, took_ns / READINGS / NS_PER_SECOND


def measure_sleeps() -> list[float]:
    """Return how late this process woke after each of many short sleeps, in seconds."""
    late = []
    for _ in range(SLEEPS):
        began = time.perf_counter_ns()
        time.sleep(SLEEP_SECONDS)
        late.append((time.perf_counter_ns() - began - to_ns(SLEEP_SECONDS)) / NS_PER_SECOND)
    return late


def percentile(values: Collection[float], percent: float) -> float | None:
    """Return the least value that `percent` of all values do not exceed; None without values."""
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1] if values else None


def _machine(before: MachineSample, after: MachineSample) -> dict[str, Any]:
    """Return the figures of the machine's other work between two samples, and of its memory now."""
    seconds = span_seconds((before, after))
    own, stolen, stalled = (
        None if late is None or early is None else (late - early) / seconds
        for early, late in (
            (before.own_seconds, after.own_seconds),
            (before.stolen_seconds, after.stolen_seconds),
            (before.memory_stalled_seconds, after.memory_stalled_seconds),
        )
    )
    busy = (after.busy_seconds - before.busy_seconds) / seconds
    cores = usable_cores()
    return {
        "cores": len(cores),
        "cpu_quota_cores": cpu_quota_cores(),
        "cpu_governor": limits.cpu_governor(cores[0]),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "others_cores": None if own is None else max(0.0, busy - own),
        "stolen_cores": stolen,
        "memory_stalled_fraction": stalled,
        "memory_available_bytes": psutil.virtual_memory().available,
        "swap_used_bytes": psutil.swap_memory().used,
    }


def _limits() -> dict[str, Any]:
    """Return the figures of what the system allows."""
    soft, hard = limits.open_files()
    ports, reuse_seconds = limits.ephemeral_ports(), limits.port_reuse_seconds()
    shared = None if ports is None else range(max(ports.start, PORTS.start), min(ports.stop, PORTS.stop))
    return {
        "open_files_soft": soft,
        "open_files_hard": hard,
        "ephemeral_ports": None if ports is None else len(ports),
        "shared_ports": None if shared is None else len(shared),
        "port_reuse_seconds": reuse_seconds,
        "connections_per_second": None if ports is None or reuse_seconds is None else len(ports) / reuse_seconds,
        "listen_backlog": limits.listen_backlog(),
    }


def _differences(values: Sequence[int]) -> Iterator[int]:
    return (later - earlier for earlier, later in itertools.pairwise(values))
