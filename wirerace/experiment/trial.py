"""A trial's figures, computed from what was recorded: the producer's truth, the account, samples of costs."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from wirerace.account import AccountRecord, Subscription, Window
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Plan
from wirerace.experiment.record import (
    Age,
    Bytes,
    Connecting,
    Latency,
    LoadCost,
    ProducerQuality,
    Raw,
    Returning,
    ServerCost,
    Trial,
)
from wirerace.histogram import Latencies, LatenciesRecord, merged
from wirerace.schedule import Truth
from wirerace.wire import Cursor

LEAST_CLIENTS_FOR_MEMORY = 200
"""Under so many clients, what a process grows by anyway hides what a client takes."""


DRAIN_SECONDS = 1.0
"""For late deliveries, beyond the clients' own pause."""
EVERYTHING = Subscription(Cursor("", 0), None)


class ServerSample(NamedTuple):
    """The server's counters at one instant; None where they cannot be had."""

    cpu_seconds: float | None
    payload_bytes: int
    received_bytes: int
    sent_bytes: int
    heartbeat_bytes: int


class Measured(NamedTuple):
    """What was sampled around the window. `server` is None when it was restarted: its counters began anew.

    `load_cores` is how many cores the load's processes had between them.
    `user_bytes` is the server's memory with `clients_measured` clients.
    """

    server: tuple[ServerSample, ServerSample] | None
    load_cpu_seconds: float | None
    load_processes: int
    load_cores: int
    user_bytes_idle: int | None
    user_bytes: int | None
    clients_measured: int
    restarts: int


def figures(plan: Plan, raw: Raw, measured: Measured) -> Trial:
    """Return the trial.

    Raises TrialFailed when the record it is to be checked against is not whole.
    """
    window, account = raw.window, raw.account
    if not raw.truth.complete:
        raise TrialFailed("the producer's record does not reach back to the beginning of the window")
    grace_ns = to_ns(plan.options.pause_seconds + DRAIN_SECONDS)
    updates = _made(raw.truth, window, EVERYTHING, grace_ns)
    expected = account.subscribed * updates
    for subscription, clients_alike in Counter(account.partly).items():
        expected += clients_alike * _made(raw.truth, window, subscription, grace_ns)
    lost = expected - account.delivered
    if lost < 0:
        raise TrialFailed(f"clients hold {-lost} updates that the producer never made in this window")
    return Trial(
        transport=plan.transport.name,
        variant=plan.variant,
        repeat=plan.repeat,
        seed=plan.seed,
        clients=account.most_clients,
        client_seconds=account.client_ns / NS_PER_SECOND,
        window_seconds=(window.to_ns - window.from_ns) / NS_PER_SECOND,
        updates=updates,
        expected=expected,
        delivered=account.delivered,
        lost=lost,
        duplicated=account.duplicated,
        reordered=account.reordered,
        reach=account.delivered / expected if expected else None,
        arrived=account.arrived,
        latency_seconds=_latency(account),
        age_seconds=_age(account),
        requests=account.requests,
        responses=account.responses,
        late_polls=account.late_polls,
        connect_seconds=_connecting(account.connecting),
        connect_stages_seconds={stage: _connecting(record) for stage, record in account.stages.items()},
        failed_connects=account.failed_connects,
        connects=account.connects,
        cuts=account.cuts,
        return_seconds=_returning(account.returning),
        restarts=measured.restarts,
        bytes=_bytes(measured),
        server=_server(measured, account.arrived),
        load=_load(measured, window),
        producer=ProducerQuality(_late_p99(raw.truth, window)),
    )


def _made(truth: Truth, window: Window, subscription: Subscription, grace_ns: int) -> int:
    """Return how many updates of the window belong to a subscription.

    Of a client that left, those up to its last cursor, and in any case those that were a grace older than its leaving.
    """
    first, last, left_ns = subscription
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


def _latency(account: AccountRecord) -> Latency:
    latencies = merged([account.latencies])
    worst = sorted(worst_ns for of_epoch in account.updates.values() for _, worst_ns in of_epoch.values())
    p50, p90, p99, p999 = (_percentile(latencies, worst, percent) for percent in (50, 90, 99, 99.9))
    return Latency(_seconds(latencies.mean_ns()), p50, p90, p99, p999, _seconds(latencies.max_ns))


def _percentile(latencies: Latencies, worst: Sequence[int], percent: float) -> float | None:
    """Return a percentile, or None when no update has a delivery beyond it: then the sample is too small to tell."""
    value_ns = latencies.percentile_ns(percent)
    if value_ns is None or not worst or worst[-1] <= value_ns:
        return None
    return _seconds(value_ns)


def _age(account: AccountRecord) -> Age:
    mean = account.age_area / (account.age_ns / NS_PER_SECOND) if account.age_ns else None
    peak_mean = account.peak_ns / account.peaks / NS_PER_SECOND if account.peaks else None
    return Age(mean, peak_mean)


def _bytes(measured: Measured) -> Bytes:
    if measured.server is None:
        return Bytes(None, None, None, None)
    before, after = measured.server
    return Bytes(
        after.payload_bytes - before.payload_bytes,
        after.received_bytes - before.received_bytes,
        after.sent_bytes - before.sent_bytes,
        after.heartbeat_bytes - before.heartbeat_bytes,
    )


def _server(measured: Measured, arrived: int) -> ServerCost:
    cpu_seconds = None
    if measured.server is not None:
        before, after = (sample.cpu_seconds for sample in measured.server)
        cpu_seconds = after - before if after is not None and before is not None else None
    idle, full, clients = measured.user_bytes_idle, measured.user_bytes, measured.clients_measured
    known = idle is not None and full is not None and clients >= LEAST_CLIENTS_FOR_MEMORY
    return ServerCost(
        cpu_seconds,
        cpu_seconds * 1e6 / arrived if cpu_seconds is not None and arrived else None,
        idle,
        full,
        (full - idle) / clients if known and idle is not None and full is not None else None,
    )


def _load(measured: Measured, window: Window) -> LoadCost:
    cpu_seconds, processes = measured.load_cpu_seconds, measured.load_processes
    window_seconds = (window.to_ns - window.from_ns) / NS_PER_SECOND
    cores = min(processes, measured.load_cores)
    utilisation = None if cpu_seconds is None else cpu_seconds / window_seconds / cores
    return LoadCost(cpu_seconds, utilisation, processes)


def _late_p99(truth: Truth, window: Window) -> float | None:
    late = Latencies()
    for epoch in truth.epochs:
        for ts, late_ns in zip(epoch.ts, epoch.late_ns, strict=True):
            if window.has(ts):
                late.record(late_ns)
    return _seconds(late.percentile_ns(99))


def _seconds(duration_ns: float | None) -> float | None:
    return None if duration_ns is None else duration_ns / NS_PER_SECOND
