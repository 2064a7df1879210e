"""Sampling at the ends of a window: the server (a process or a container), the proxy, and the machine."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from wirerace.clock import now_ns
from wirerace.errors import TrialFailed
from wirerace.host.cores import Cores
from wirerace.host.tcp_diag import Connections, behind_between, connections_of, open_of
from wirerace.observe.metrics import OUTCOMES
from wirerace.observe.publishing import PublisherReport
from wirerace.record.broker import BrokerSample
from wirerace.record.reverse import ReverseRecord, ReverseSample
from wirerace.record.samples import MachineSample, ProxyReport, ReplicaSample, Resting, ServerSample
from wirerace.runner.network.reverse.starting import ReverseChild
from wirerace.runner.parts.replicas import Replicas, each_of, peers_of
from wirerace.runner.targets.target import Child, LoadChild

CPU_SECONDS, CLIENTS = "wirerace_cpu_seconds_total", "wirerace_clients"

Report = TypeVar("Report", ProxyReport, PublisherReport)


class Samples(NamedTuple):
    """The samples at one end of a window: the server, the machine, and the proxy's work since the last sample.

    `reverse` is the reverse proxy's, `broker` the broker's, None without one. `publisher` is the same of what publishes
    to a foreign server.

    `connections` are those of server and proxy, as far as this process can read them. `resting` are the sockets that
    visitors have left in TIME_WAIT.
    """

    server: ServerSample | None
    proxy: ProxyReport | None
    publisher: PublisherReport | None
    machine: MachineSample
    connections: Connections | None
    resting: Resting | None = None
    reverse: ReverseSample | None = None
    broker: BrokerSample | None = None


def samples_of(
    server: Child, load: LoadChild, machine: Callable[[], MachineSample], publisher: Child | None = None, *, first: bool
) -> Samples:
    """Return the samples at one end of the window, the server's first.

    Raises TrialFailed when the server has no such counters.
    """
    sampled, reverse = _sample(server, first=first), _reverse_sample(load.reverse)
    reported, published = _reported(load.proxy, ProxyReport), _reported(publisher, PublisherReport)
    machine_now = machine()
    # A container's connections are in its own network namespace.
    seen = connections_of(ports_of(server), *load.ports) if server.part.shares_network else None
    return Samples(sampled, reported, published, machine_now, seen, reverse=reverse)


def _reverse_sample(reverse: ReverseChild | None) -> ReverseSample | None:
    if reverse is None:
        return None
    began_ns = now_ns()
    cpu_seconds = reverse.part.cpu_seconds()
    return ReverseSample(began_ns=began_ns, ended_ns=now_ns(), cpu_seconds=cpu_seconds)


class ReverseStart(NamedTuple):
    """What is read of a reverse proxy before the window: its memory, the server's connections, and its restarts."""

    full_bytes: int | None
    connections: int | None
    restarts: int


def reverse_start(server: Child, reverse: ReverseChild | None) -> ReverseStart | None:
    """Return what is read while the server's memory is read; None without a reverse proxy."""
    if reverse is None:
        return None
    return ReverseStart(
        reverse.part.memory().user_bytes,
        open_of(ports_of(server)) if server.part.shares_network else None,
        reverse.part.restarts,
    )


def reverse_record(
    server: Child, load: LoadChild, start: ReverseStart | None, ends: tuple[Samples, Samples], cores: Cores
) -> ReverseRecord | None:
    """Return what was sampled of the reverse proxy on the path, None without one."""
    reverse, (before, after) = load.reverse, ends
    if reverse is None or start is None or before.reverse is None or after.reverse is None:
        return None
    is_whole = reverse.part.restarts == start.restarts
    return ReverseRecord(
        program=reverse.path.proxy,
        settings=reverse.path.settings,
        version=reverse.version,
        core=next(iter(cores.reverse), None),
        shares_core=cores.reverse_is_shared,
        samples=(before.reverse, after.reverse) if is_whole else None,
        idle_bytes=reverse.idle.user_bytes,
        full_bytes=start.full_bytes,
        connections=start.connections,
        behind=behind_between(before.connections, after.connections, ports_of(server)),
        cpus=reverse.cpus,
    )


def ports_of(server: Child) -> list[int]:
    """Return the ports of a server, or of each of its replicas, at which those before it connect."""
    return [peer.client_port for peer in peers_of(server.peer)]


def _reported(part: Child | None, of_type: type[Report]) -> Report | None:
    """Return the work of a proxy or a publisher since its last report, None while it is being restarted."""
    if part is None:
        return None
    try:
        return part.peer.get("/report", of_type)
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
    if not server.peer.has_metrics:
        return foreign_sample(server, began_ns)
    try:
        metrics = server.peer.metrics()
    except TrialFailed:
        return None
    if first:
        cpu_seconds = server.part.own_cpu_seconds()
    if cpu_seconds is None:
        cpu_seconds = metrics.get(CPU_SECONDS)
    sample = server_sample(metrics, cpu_seconds, began_ns)
    return msgspec.structs.replace(sample, replicas=_replicas(server)) if isinstance(server.part, Replicas) else sample


def _replicas(server: Child) -> tuple[ReplicaSample, ...]:
    """Return what each replica of a server took, and has. A container's CPU time is that of its control group."""
    found = []
    for part, peer in zip(each_of(server.part), peers_of(server.peer), strict=True):
        seconds = part.own_cpu_seconds()
        try:
            clients = int(peer.metrics()[CLIENTS])
        except TrialFailed:
            clients = None
        found.append(ReplicaSample(part.cpu_seconds() if seconds is None else seconds, clients))
    return tuple(found)


def cpu_seconds_of(server: Child) -> float | None:
    """Return the CPU time of the server's process so far; None if it is not available."""
    own_seconds = server.part.own_cpu_seconds()
    if own_seconds is not None or not server.peer.has_metrics:
        return own_seconds
    return server.peer.metrics().get(CPU_SECONDS)


def span_of(before: ServerSample | None, after: ServerSample | None) -> tuple[ServerSample, ServerSample] | None:
    """Return two samples as a span, None when one is missing or the counters were reset in between.

    A container that its engine restarts is noticed only by its counters.
    """
    if before is None or after is None or after.began_anew_since(before):
        return None
    return before, after


def foreign_sample(server: Child, began_ns: int) -> ServerSample:
    """Return the sample of a server that counts nothing for us: its CPU time and its waiting, if these are known."""
    cpu_seconds, waited_seconds = server.part.own_cpu_seconds(), server.peer.waited_seconds()
    return ServerSample(began_ns=began_ns, ended_ns=now_ns(), cpu_seconds=cpu_seconds, waited_seconds=waited_seconds)


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
        responses=_responses_in(metrics),
        broker_seconds=metrics.get("wirerace_broker_lag_seconds_sum"),
        broker_updates=int(metrics.get("wirerace_broker_lag_seconds_count", 0)),
    )


def _responses_in(metrics: Mapping[str, float]) -> int | None:
    """Return how many answers a server has given, None if it does not count them."""
    counts = [metrics.get(f'wirerace_responses_total{{outcome="{outcome}"}}') for outcome in OUTCOMES]
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None
