"""A trial's figures, computed from its raw record: the producer's truth, the account, samples of costs."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from wirerace.account import AccountRecord, Subscription, Traffic, Window
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Plan
from wirerace.experiment.patience import SPARE_SECONDS, longest_seconds, return_seconds
from wirerace.experiment.record import Raw
from wirerace.experiment.samples import Measured, do_span, span_seconds
from wirerace.experiment.trial import (
    Age,
    Bytes,
    Connecting,
    Latency,
    LinkQuality,
    LoadCost,
    Machine,
    Parts,
    ProducerQuality,
    Repolls,
    Returning,
    ServerCost,
    Times,
    Trial,
)
from wirerace.histogram import Latencies, LatenciesRecord, merged
from wirerace.schedule import Truth
from wirerace.usage import difference
from wirerace.wire import Cursor

LEAST_CLIENTS_FOR_MEMORY = 200
"""Under so many clients, what a process grows by anyway hides what a client takes."""

EVERYTHING = Subscription(Cursor("", 0), None)
SEGMENT_HEADER_BYTES = 52  # IPv4 20, TCP 20, time stamp 12
SYN_OPTION_BYTES = 8  # a SYN has 20 bytes of options, not 12
US = 1e-6
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}


def figures(plan: Plan, raw: Raw) -> Trial:
    """Return the trial.

    Raises TrialFailed when the record it is to be checked against is not whole.
    """
    raw = _related(raw)
    window, account, measured = raw.window, raw.account, raw.measured
    if not raw.truth.complete:
        raise TrialFailed("the producer's record does not reach back to the beginning of the window")
    grace_ns = to_ns(_grace_seconds(plan, raw))
    updates = _made(raw.truth, window, EVERYTHING, grace_ns)
    expected = account.subscribed * updates
    for subscription, clients_alike in Counter(account.partly).items():
        expected += clients_alike * _made(raw.truth, window, subscription, grace_ns)
    lost = expected - account.delivered
    made_at = raw.truth.made_at
    unknown = sum((epoch, seq) not in made_at for epoch, of_epoch in account.updates.items() for seq in of_epoch)
    if unknown or lost < 0:
        raise TrialFailed(f"clients hold {max(unknown, -lost)} updates that the producer never made in this window")
    return Trial(
        transport=plan.transport.name,
        variant=plan.variant,
        repeat=plan.repeat,
        seed=plan.seed,
        clients=account.most_clients,
        client_seconds=account.client_ns / NS_PER_SECOND,
        window_seconds=window.seconds,
        updates=updates,
        expected=expected,
        delivered=account.delivered,
        lost=lost,
        duplicated=account.duplicated,
        reordered=account.reordered,
        reach=account.delivered / expected if expected else None,
        arrived=account.arrived,
        clock="user" if account.unstamped and not account.reading.recorded else "kernel",
        upper_bounds=account.upper_bounds,
        latency_seconds=_latency(account),
        latency_parts_seconds=_parts(raw),
        reader_lag_seconds=_times(account.reading),
        age_seconds=_age(account),
        requests=account.requests,
        responses=account.responses,
        request_seconds=_times(account.answering),
        repoll_seconds=_repolls(plan, raw),
        late_polls=account.late_polls,
        connect_seconds=_connecting(account.connecting),
        connect_stages_seconds={stage: _connecting(record) for stage, record in account.stages.items()},
        failed_connects=account.failed_connects,
        connects=account.connects,
        cuts=account.cuts,
        breaks=account.breaks,
        return_seconds=_returning(account.returning),
        restarts=measured.restarts,
        parts=measured.parts,
        bytes=_bytes(measured, account.traffic),
        server=_server(raw),
        load=_load(account, measured),
        link=_link(measured),
        producer=_producer(raw),
        machine=_machine(measured),
    )


def _related(raw: Raw) -> Raw:
    """Return the record without samples of the server that are of another interval than its window."""
    samples = raw.measured.server
    if samples is None or do_span(samples, raw.window):
        return raw
    return replace(raw, measured=replace(raw.measured, server=None))


def _grace_seconds(plan: Plan, raw: Raw) -> float:
    """Return how old an update must be for a client that leaves to have it, whatever its last cursor is."""
    grace_seconds = longest_seconds(raw.link, plan.options) + SPARE_SECONDS
    broke = raw.account.returning.recorded or any(part.restarts for part in raw.measured.parts.values())
    return grace_seconds + (return_seconds(raw.link) if broke else 0.0)


def _made(truth: Truth, window: Window, subscription: Subscription, grace_ns: int) -> int:
    """Return how many updates of the window belong to a subscription.

    Of a client that left, those up to its last cursor, and in any case those that were a grace older than its leaving.
    """
    first, last, left_ns = subscription.first, subscription.last, subscription.left_ns
    epochs = [epoch.epoch for epoch in truth.epochs]
    begin = epochs.index(first.epoch) if first.epoch in epochs else 0
    end = epochs.index(last.epoch) if last is not None and last.epoch in epochs else len(epochs)
    count = 0
    for index, epoch in enumerate(truth.epochs[begin:], begin):
        low = bisect_left(epoch.ts, window.from_ns)
        high = bisect_left(epoch.ts, window.to_ns)
        if epoch.epoch == first.epoch:
            low = max(low, bisect_right(epoch.seq, first.seq))
        if last is not None and left_ns is not None and index >= end:
            had = bisect_right(epoch.seq, last.seq) if index == end else 0
            high = min(high, max(had, bisect_left(epoch.ts, left_ns - grace_ns)))
        count += max(0, high - low)
    return count


def _connecting(record: LatenciesRecord) -> Connecting:
    latencies = merged([record])
    return Connecting(_seconds(latencies.mean_ns()), _seconds(latencies.percentile_ns(99)))


def _returning(record: LatenciesRecord) -> Returning:
    latencies = merged([record])
    mean, p99 = latencies.mean_ns(), latencies.percentile_ns(99)
    return Returning(latencies.count, _seconds(mean), _seconds(p99), _seconds(latencies.max_ns))


def _times(record: LatenciesRecord) -> Times:
    latencies = merged([record])
    mean, p50, p99 = latencies.mean_ns(), latencies.percentile_ns(50), latencies.percentile_ns(99)
    return Times(latencies.count, _seconds(mean), _seconds(p50), _seconds(p99), _seconds(latencies.max_ns))


def _repolls(plan: Plan, raw: Raw) -> Repolls:
    """Return the gaps as the server sees them: what the client saw, and a round trip.

    Of a link the client's kernel knows nothing, for its connection ends at the proxy.
    """
    gaps, traffic = merged([raw.account.repolling]), raw.account.traffic[1]
    trip_seconds = traffic.round_trip_us / traffic.connections * US if traffic.connections else 0.0
    trip_seconds += raw.link.round_trip_seconds + raw.link.opening_seconds(plan.options)
    mean, square, p99 = gaps.mean_ns(), gaps.square_mean_ns2(), gaps.percentile_ns(99)
    if mean is None or square is None or p99 is None:
        return Repolls(0, None, None, None)
    mean_seconds = mean / NS_PER_SECOND
    square_mean = square / NS_PER_SECOND**2 + 2 * mean_seconds * trip_seconds + trip_seconds**2
    return Repolls(gaps.count, mean_seconds + trip_seconds, square_mean, p99 / NS_PER_SECOND + trip_seconds)


def _parts(raw: Raw) -> Parts:
    """Return mean latency in its parts; what was late in the making is part of what the server calls the feed's lag."""
    producer = _producer(raw).late_seconds_mean
    feed = None
    if raw.measured.server is not None and producer is not None:
        before, after = raw.measured.server
        updates = after.feed_updates - before.feed_updates
        feed = (after.feed_seconds - before.feed_seconds) / updates - producer if updates else None
    mean = merged([raw.account.latencies]).mean_ns()
    known = mean is not None and feed is not None and producer is not None
    delivery = mean / NS_PER_SECOND - feed - producer if known else None  # type: ignore[operator]
    return Parts(producer, feed, delivery, _seconds(merged([raw.account.reading]).mean_ns()))


def _latency(account: AccountRecord) -> Latency:
    latencies = merged([account.latencies])
    worst = [spread.most_ns for spread in account.spreads]
    values = {name: latencies.percentile_ns(percent) for name, percent in PERCENTILES.items()}
    beyond = {name: sum(most > value for most in worst) for name, value in values.items() if value is not None}
    known = {name: _seconds(value) if beyond.get(name) else None for name, value in values.items()}
    mean, most = _seconds(latencies.mean_ns()), _seconds(latencies.max_ns)
    return Latency(mean=mean, max=most, updates_beyond=beyond, **known)


def _age(account: AccountRecord) -> Age:
    mean = account.age_area / (account.age_ns / NS_PER_SECOND) if account.age_ns else None
    peak_mean = account.peak_ns / account.peaks / NS_PER_SECOND if account.peaks else None
    return Age(mean, peak_mean)


def _bytes(measured: Measured, traffic: tuple[Traffic, Traffic]) -> Bytes:
    """Return the bytes of three layers. What clients sent is what came into the server."""
    ip_in = ip_out = segments_in = segments_out = resent = namespace_resent = None
    if traffic[1].connections:
        kernel = traffic[1].minus(traffic[0])
        segments_in, segments_out = kernel.segments_out, kernel.segments_in
        resent = kernel.retransmitted + (measured.resent.segments if measured.resent is not None else 0)
        options = SYN_OPTION_BYTES * kernel.connections
        ip_in = kernel.bytes_out + SEGMENT_HEADER_BYTES * segments_in + options
        ip_out = kernel.bytes_in + SEGMENT_HEADER_BYTES * segments_out + options
    counted = [None] * 4
    if measured.server is not None:
        before, after = measured.server
        names = ("payload_bytes", "received_bytes", "sent_bytes", "heartbeat_bytes")
        counted = [getattr(after, name) - getattr(before, name) for name in names]
        if before.retransmitted is not None and after.retransmitted is not None:
            namespace_resent = after.retransmitted - before.retransmitted
    payload, application_in, application_out, heartbeat = counted
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
    )


def _server(raw: Raw) -> ServerCost:
    measured, arrived = raw.measured, raw.account.arrived
    cpu = waited = throttled = together = None
    if measured.server is not None:
        before, after = measured.server
        cpu = difference(after.cpu_seconds, before.cpu_seconds)
        waited = difference(after.waited_seconds, before.waited_seconds)
        throttled = difference(after.throttled_seconds, before.throttled_seconds)
        together = max(0, after.feed_updates - before.feed_updates - (after.feed_reads - before.feed_reads))
    idle, full, clients = measured.idle, measured.full, measured.clients_measured
    return ServerCost(
        cpu_seconds=cpu,
        cpu_us_per_delivery=cpu / US / arrived if cpu is not None and arrived else None,
        idle_utilisation=measured.idle_utilisation,
        read_together=together,
        waited_seconds=waited,
        throttled_seconds=throttled,
        user_bytes_idle=idle.user_bytes,
        user_bytes=full.user_bytes,
        bytes_per_client=_per_client(idle.user_bytes, full.user_bytes, clients),
        socket_bytes_idle=idle.socket_bytes,
        socket_bytes=full.socket_bytes,
        socket_bytes_per_client=_per_client(idle.socket_bytes, full.socket_bytes, clients),
        slab_bytes_idle=idle.slab_bytes,
        slab_bytes=full.slab_bytes,
        slab_bytes_per_client=_per_client(idle.slab_bytes, full.slab_bytes, clients, _ends(raw)),
    )


def _per_client(idle: int | None, full: int | None, clients: int, ends: int = 1) -> float | None:
    growth = difference(full, idle)
    return None if growth is None or clients < LEAST_CLIENTS_FOR_MEMORY else growth / clients / ends


def _ends(raw: Raw) -> int:
    """Return how many sockets of each client are in the kernel's memory that was sampled.

    Of a container the server's own; of the machine the client's, too, and both of a link's proxy. All are alike.
    """
    if raw.measured.full.kernel_of == "container":
        return 1
    return 4 if raw.link.delay_seconds else 2


def _load(account: AccountRecord, measured: Measured) -> LoadCost:
    processes = account.processes
    if len(processes) < measured.load_processes:  # one was so late that the window's end had not been sampled
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


def _link(measured: Measured) -> LinkQuality | None:
    report = measured.proxy
    if report is None:
        return None
    seconds = (report.ended_ns - report.began_ns) / NS_PER_SECOND
    return LinkQuality(
        core=measured.proxy_core,
        shares_core=measured.proxy_shares_core,
        cpu_seconds=report.cpu_seconds,
        utilisation=report.cpu_seconds / seconds,
        late_seconds=_times(report.late),
    )


def _machine(measured: Measured) -> Machine:
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


def _producer(raw: Raw) -> ProducerQuality:
    late = Latencies()
    for epoch in raw.truth.epochs:
        for ts, late_ns in zip(epoch.ts, epoch.late_ns, strict=True):
            if raw.window.has(ts):
                late.record(late_ns)
    return ProducerQuality(_seconds(late.mean_ns()), _seconds(late.percentile_ns(99)), _seconds(late.max_ns))


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None


def _seconds(duration_ns: float | None) -> float | None:
    return None if duration_ns is None else duration_ns / NS_PER_SECOND
