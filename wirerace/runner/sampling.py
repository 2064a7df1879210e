"""Sampling at the ends of a window: the server (a process or a container), the proxy, and the machine."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from wirerace.clock import now_ns
from wirerace.errors import TrialFailed
from wirerace.host.machine import machine_sample
from wirerace.host.tcp_diag import Connections, connections_of
from wirerace.record.samples import MachineSample, ProxyReport, Resting, ServerSample
from wirerace.runner.targets.target import Child, LoadChild

CPU_SECONDS = "wirerace_cpu_seconds_total"


class Samples(NamedTuple):
    """The samples at one end of a window: the server, the machine, and the proxy's work since the last sample.

    `connections` are those of server and proxy, as far as this process can read them. `resting` are the sockets that
    visitors have left in TIME_WAIT.
    """

    server: ServerSample | None
    proxy: ProxyReport | None
    machine: MachineSample
    connections: Connections | None
    resting: Resting | None = None


def samples_of(server: Child, load: LoadChild, own: Callable[[], float | None], *, first: bool) -> Samples:
    """Return the samples at one end of the window, the server's first; `own` returns the CPU time of all parts.

    Raises TrialFailed when the server has no such counters.
    """
    sampled, reported, machine = _sample(server, first=first), _reported(load.proxy), machine_sample(own)
    # A container's connections are in its own network namespace.
    seen = connections_of(server.peer.client_port, load.proxy_port) if server.part.shares_network else None
    return Samples(sampled, reported, machine, seen)


def _reported(proxy: Child | None) -> ProxyReport | None:
    """Return the proxy's work since its last report, None while it is being restarted."""
    if proxy is None:
        return None
    try:
        return proxy.peer.get("/report", ProxyReport)
    except TrialFailed:
        return None


def _sample(server: Child, *, first: bool) -> ServerSample | None:
    """Return the server's counters. The CPU time of reading them is outside the span of two samples.

    The CPU time of a container includes its health checks, so there the process's own metric is used. None while the
    server is being restarted; the trial continues without the sample.

    Raises TrialFailed when the server has no such counters.
    """
    began_ns = now_ns()
    cpu_seconds = None if first else server.part.own_cpu_seconds()
    try:
        metrics = server.peer.metrics()
    except TrialFailed:
        return None
    if first:
        cpu_seconds = server.part.own_cpu_seconds()
    if cpu_seconds is None:
        cpu_seconds = metrics.get(CPU_SECONDS)
    return server_sample(metrics, cpu_seconds, began_ns)


def cpu_seconds_of(server: Child) -> float | None:
    """Return the CPU time of the server's process so far; None if it is not available."""
    own_seconds = server.part.own_cpu_seconds()
    return server.peer.metrics().get(CPU_SECONDS) if own_seconds is None else own_seconds


def span_of(before: ServerSample | None, after: ServerSample | None) -> tuple[ServerSample, ServerSample] | None:
    """Return two samples as a span, None when one is missing or the counters were reset in between.

    A container that its engine restarts is noticed only by its counters.
    """
    if before is None or after is None or after.began_anew_since(before):
        return None
    return before, after


def server_sample(metrics: Mapping[str, float], cpu_seconds: float | None, began_ns: int) -> ServerSample:
    """Return the sample in a server's metrics, which were just read."""
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
        upkeep_cpu_seconds=metrics.get("wirerace_upkeep_cpu_seconds_total"),
    )
