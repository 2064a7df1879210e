"""The costs of a trial: bytes, CPU time and memory of server, load and proxy; and the machine's other work."""

from collections.abc import Iterable

from wirerace.analysis.times import times_of
from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import AccountRecord, Traffic
from wirerace.observe.histogram import Latencies, LatenciesRecord
from wirerace.observe.usage import difference, waited_between
from wirerace.record.parts import Bytes, LoadCost, Machine, ReplicaCost, ServerCost
from wirerace.record.publisher import PublisherQuality
from wirerace.record.result import Raw
from wirerace.record.samples import Measured, span_seconds
from wirerace.record.trial import ProxyQuality

LEAST_CLIENTS_FOR_MEMORY = 200
"""With fewer clients, the usual growth of a process hides the memory of a client."""

SEGMENT_HEADER_BYTES = 52  # IPv4 20, TCP 20, time stamp 12
SYN_OPTION_BYTES = 8  # a SYN has 20 bytes of options, not 12
US = 1e-6


def bytes_of(measured: Measured, traffic: tuple[Traffic, Traffic], *, is_tls: bool = False) -> Bytes:
    """Return the bytes of three layers. The bytes that clients sent are those into the server."""
    ip_in = ip_out = segments_in = segments_out = resent = namespace_resent = tls = None
    kernel = traffic[1].minus(traffic[0]) if traffic[1].connections else None
    if kernel is not None:
        segments_in, segments_out = kernel.segments_out, kernel.segments_in
        resent = kernel.retransmitted + (measured.resent.segments if measured.resent is not None else 0)
        options = SYN_OPTION_BYTES * kernel.connections
        ip_in = kernel.bytes_out + SEGMENT_HEADER_BYTES * segments_in + options
        ip_out = kernel.bytes_in + SEGMENT_HEADER_BYTES * segments_out + options
    counted: list[int | None] = [None] * 4
    if measured.server is not None:
        before, after = measured.server
        names = ("payload_bytes", "received_bytes", "sent_bytes", "heartbeat_bytes")
        counted = [difference(getattr(after, name), getattr(before, name)) for name in names]
        if before.retransmitted is not None and after.retransmitted is not None:
            namespace_resent = after.retransmitted - before.retransmitted
    payload, application_in, application_out, heartbeat = counted
    if measured.reverse_proxy is not None:  # the server counts what it exchanges with the proxy
        application_in = None if kernel is None else kernel.bytes_out
        application_out = None if kernel is None else kernel.bytes_in
    elif is_tls and kernel is not None and (known := [number for number in counted[1:] if number is not None]):
        tls = kernel.bytes_out + kernel.bytes_in - sum(known)
    return Bytes(
        payload=payload,
        application_in=application_in,
        application_out=application_out,
        heartbeat=heartbeat,
        ip_in=ip_in,
        ip_out=ip_out,
        segments_in=segments_in,
        segments_out=segments_out,
        retransmitted=resent,
        namespace_retransmitted=namespace_resent,
        tls=tls,
    )


def server_cost(raw: Raw) -> ServerCost:
    """Return what the server spent in the window, and its memory."""
    measured, arrived = raw.measured, raw.account.arrived
    cpu = waited = throttled = together = upkeep = None
    if measured.server is not None:
        before, after = measured.server
        cpu = difference(after.cpu_seconds, before.cpu_seconds)
        waited = waited_between(before.waited_seconds, after.waited_seconds)
        throttled = difference(after.throttled_seconds, before.throttled_seconds)
        upkeep = difference(after.upkeep_cpu_seconds, before.upkeep_cpu_seconds)
        updates = difference(after.feed_updates, before.feed_updates)
        reads = difference(after.feed_reads, before.feed_reads)
        together = None if updates is None or reads is None else max(0, updates - reads)
    idle, full, clients = measured.idle, measured.full, measured.clients_measured
    user_bytes_after = measured.after.user_bytes if measured.after is not None else None
    return ServerCost(
        cpu_seconds=cpu,
        cpu_us_per_delivery=cpu / US / arrived if cpu is not None and arrived else None,
        idle_utilisation=measured.idle_utilisation,
        read_together=together,
        waited_seconds=waited,
        throttled_seconds=throttled,
        user_bytes_idle=idle.user_bytes,
        user_bytes=full.user_bytes,
        bytes_per_client=per_client(idle.user_bytes, full.user_bytes, clients),
        socket_bytes_idle=idle.socket_bytes,
        socket_bytes=full.socket_bytes,
        socket_bytes_per_client=per_client(idle.socket_bytes, full.socket_bytes, clients),
        slab_bytes_idle=idle.slab_bytes,
        slab_bytes=full.slab_bytes,
        slab_bytes_per_client=per_client(idle.slab_bytes, full.slab_bytes, clients, _ends(raw)),
        user_bytes_after=user_bytes_after,
        bytes_per_client_after=per_client(idle.user_bytes, user_bytes_after, clients),
        upkeep_utilisation=None if upkeep is None else upkeep / raw.window.seconds,
        replicas=replica_costs(measured, raw.window.seconds),
    )


def replica_costs(measured: Measured, seconds: float) -> list[ReplicaCost]:
    """Return what each replica of the server took in a window of some seconds; empty with one server."""
    if measured.server is None:
        return []
    costs = []
    for before, after in zip(*(sample.replicas for sample in measured.server), strict=False):
        cpu = difference(after.cpu_seconds, before.cpu_seconds)
        costs.append(ReplicaCost(None if cpu is None else cpu / seconds, after.clients))
    return costs


def per_client(idle: int | None, full: int | None, clients: int, ends: float = 1) -> float | None:
    """Return the growth of memory for each of a number of clients, or of `ends`; None with too few clients."""
    growth = difference(full, idle)
    return None if growth is None or clients < LEAST_CLIENTS_FOR_MEMORY else growth / clients / ends


def _ends(raw: Raw) -> float:
    """Return how many sockets of each client are in the sampled memory of the kernel.

    A container's memory has the server's socket. The machine's memory has also the client's, both of a path's link, and
    both ends of the connections that a reverse proxy had open with the server. Over HTTP/2 clients share connections.
    All sockets take the same memory. Sockets of clients on other hosts are not in it.
    """
    if raw.measured.full.kernel_of == "container":
        return 1
    sockets = (4 if raw.path.has_proxy else 2) - raw.measured.other_hosts
    ends = sockets / raw.path.streams_per_connection
    clients, reverse = raw.measured.clients_measured, raw.measured.reverse_proxy
    if reverse is None:
        return ends
    return ends + 2 * ((reverse.connections or 0) / clients if clients else 1)


def load_cost(account: AccountRecord, measured: Measured) -> LoadCost:
    """Return what the load's processes spent in the window."""
    processes = account.processes
    if len(processes) < measured.load_processes:  # one was so late that it has no sample at the window's end
        return LoadCost(None, None, None, None, None, measured.load_processes)
    cores = min(measured.load_processes, measured.load_cores)
    used = [process.cpu_seconds / process.span_seconds for process in processes]
    return LoadCost(
        sum(process.cpu_seconds for process in processes),
        sum(used) / cores,
        max((process.cpu_seconds + (process.waited_seconds or 0.0)) / process.span_seconds for process in processes),
        _sum(process.waited_seconds for process in processes),
        _sum(process.throttled_seconds for process in processes),
        measured.load_processes,
    )


def proxy_quality(measured: Measured) -> ProxyQuality | None:
    """Return how well the proxy kept the delay; None without one, or without its report."""
    report = measured.proxy
    if report is None or report.ended_ns <= report.began_ns:
        return None
    seconds = (report.ended_ns - report.began_ns) / NS_PER_SECOND
    return ProxyQuality(
        core=measured.proxy_core,
        shares_core=measured.proxy_shares_core,
        cpu_seconds=report.cpu_seconds,
        utilisation=report.cpu_seconds / seconds,
        late_seconds=times_of(report.late),
    )


def publisher_quality(raw: Raw) -> PublisherQuality | None:
    """Return what it cost to publish updates to a foreign server; None for our own, or without a report."""
    measured = raw.measured
    report, memory = measured.publisher, measured.publisher_memory
    if report is None or report.ended_ns <= report.began_ns:
        return None
    return PublisherQuality(
        published=len(report.answered_ns),
        lost=report.lost,
        retried=report.retried,
        most_waiting=report.most_waiting,
        sent_seconds=times_of(_record_of(report.sent_ns)),
        answered_seconds=times_of(_record_of(report.answered_ns)),
        cpu_seconds=report.cpu_seconds,
        utilisation=report.cpu_seconds / ((report.ended_ns - report.began_ns) / NS_PER_SECOND),
        user_bytes=None if memory is None else memory.user_bytes,
        trouble=report.trouble,
    )


def _record_of(durations_ns: Iterable[int]) -> LatenciesRecord:
    latencies = Latencies()
    for duration_ns in durations_ns:
        latencies.record(duration_ns)
    return latencies.to_record()


def machine_of(measured: Measured) -> Machine:
    """Return the machine's other work between the samples."""
    before, after = measured.machine
    seconds = span_seconds(measured.machine)
    own = difference(after.own_seconds, before.own_seconds)
    stolen = difference(after.stolen_seconds, before.stolen_seconds)
    stalled = difference(after.memory_stalled_seconds, before.memory_stalled_seconds)
    return Machine(
        cores=measured.machine_cores,
        others_cores=None if own is None else max(0.0, after.busy_seconds - before.busy_seconds - own) / seconds,
        stolen_cores=None if stolen is None else stolen / seconds,
        memory_stalled_fraction=None if stalled is None else stalled / seconds,
        clock_stepped_seconds=(after.offset_ns - before.offset_ns) / NS_PER_SECOND,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None
