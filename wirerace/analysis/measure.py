"""A trial's figures, computed from its raw record: the producer's truth, the account, samples of costs."""

from msgspec.structs import replace

from wirerace.analysis.broker_figures import broker_cost, from_broker_seconds
from wirerace.analysis.browsers import browsers_of
from wirerace.analysis.clocks import clocks_of
from wirerace.analysis.costs import bytes_of, load_cost, machine_of, proxy_quality, publisher_quality, server_cost
from wirerace.analysis.expected import expected_of, grace_seconds
from wirerace.analysis.messages import messages_of
from wirerace.analysis.outages import availability_of, outcomes_of
from wirerace.analysis.reverse_costs import reverse_cost
from wirerace.analysis.times import connecting_of, handshakes_of, returning_of, seconds_of, times_of
from wirerace.analysis.visits import unknown_of_visits, visits_of
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.observe.account import AccountRecord
from wirerace.observe.histogram import Latencies, merged
from wirerace.observe.usage import difference
from wirerace.record.parts import ProducerQuality
from wirerace.record.result import Raw
from wirerace.record.samples import do_span
from wirerace.record.trial import Age, Latency, LatencyParts, Repolls, Trial

US = 1e-6
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}


def figures(plan: Plan, raw: Raw) -> Trial:
    """Return the trial.

    Raises TrialFailed when the producer's record, against which it is checked, is not whole.
    """
    raw = _related(raw)
    window, account, measured = raw.window, raw.account, raw.measured
    if not raw.truth.complete:
        raise TrialFailed("the producer's record does not reach back to the beginning of the window")
    updates, expected, superseded = expected_of(plan, raw)
    lost = expected - account.delivered
    made_at = raw.truth.made_at
    unknown = sum(key not in made_at for key in account.spread_of)
    unknown += unknown_of_visits(raw)
    if unknown or lost < 0:
        raise TrialFailed(f"clients hold {max(unknown, -lost)} updates that the producer never made in this window")
    return Trial(
        contestant=plan.contestant.id,
        transport=plan.transport.name,
        point=plan.setting.number,
        repeat=plan.repeat,
        seed=plan.seed,
        clients=account.most_clients,
        client_seconds=account.client_ns / NS_PER_SECOND,
        window_seconds=window.seconds,
        updates=updates,
        expected=expected,
        delivered=account.delivered,
        lost=lost,
        superseded=superseded,
        duplicated=account.duplicated,
        reordered=account.reordered,
        reach=account.delivered / expected if expected else None,
        arrived=account.arrived,
        clock="user" if account.unstamped and not account.reading.recorded else "kernel",
        upper_bounds=account.upper_bounds,
        latency_seconds=_latency(account),
        latency_parts_seconds=_parts(raw),
        reader_lag_seconds=times_of(account.reading),
        age_seconds=_age(account),
        requests=account.requests,
        responses=account.responses,
        request_seconds=times_of(account.answering),
        repoll_seconds=_repolls(plan, raw),
        late_polls=account.late_polls,
        connect_seconds=connecting_of(account.connecting),
        connect_stages_seconds={stage: connecting_of(record) for stage, record in account.stages.items()},
        failed_connects=account.failed_connects,
        connects=account.connects,
        cuts=account.cuts,
        breaks=account.breaks,
        repeated_requests=account.repeated_requests,
        partial_responses=account.partial_responses,
        return_seconds=returning_of(account.returning),
        handshakes=handshakes_of(account),
        restarts=measured.restarts,
        parts=measured.parts,
        bytes=bytes_of(measured, account.traffic, is_tls=raw.path.tls and not raw.path.has_reverse_proxy),
        server=server_cost(raw),
        load=load_cost(account, measured),
        proxy=proxy_quality(measured),
        reverse_proxy=reverse_cost(raw),
        publisher=publisher_quality(raw),
        broker=broker_cost(raw),
        producer=_producer(raw),
        machine=machine_of(measured),
        browsers=browsers_of(plan, raw),
        visits=visits_of(plan, raw, to_ns(grace_seconds(plan, raw))),
        messages=messages_of(plan, raw),
        availability=availability_of(plan, raw),
        faults=outcomes_of(plan, raw),
        clocks=clocks_of(raw),
    )


def _related(raw: Raw) -> Raw:
    """Return the record without samples of the server that belong to another interval than its window."""
    samples = raw.measured.server
    if samples is None or do_span(samples, raw.window):
        return raw
    return replace(raw, measured=replace(raw.measured, server=None))


def _repolls(plan: Plan, raw: Raw) -> Repolls:
    """Return the gaps as the server sees them: the client's gaps, plus a round trip.

    The client's kernel knows nothing of a proxied path, because its connection ends at the proxy. But a handshake of
    TLS goes through it, so a client's gap has the whole opening of its connection in it then.
    """
    gaps, traffic = merged([raw.account.repolling]), raw.account.traffic[1]
    trip_seconds = traffic.round_trip_us / traffic.connections * US if traffic.connections else 0.0
    trip_seconds += raw.path.round_trip_seconds
    trip_seconds += 0.0 if raw.path.tls else raw.path.opening_seconds(plan.options)
    mean, square, p99 = gaps.mean_ns(), gaps.square_mean_ns2(), gaps.percentile_ns(99)
    if mean is None or square is None or p99 is None:
        return Repolls(0, None, None, None)
    mean_seconds = mean / NS_PER_SECOND
    square_mean = square / NS_PER_SECOND**2 + 2 * mean_seconds * trip_seconds + trip_seconds**2
    square_mean += raw.path.jitter_seconds**2 / 6  # the variance of the two jitters of a round trip
    return Repolls(gaps.count, mean_seconds + trip_seconds, square_mean, p99 / NS_PER_SECOND + trip_seconds)


def _parts(raw: Raw) -> LatencyParts:
    """Return mean latency in its parts. The server's feed lag includes the lateness of the making."""
    producer, lag = _producer(raw).late_seconds_mean, _feed_lag(raw)
    feed = None if lag is None or producer is None else lag - producer
    after_broker = from_broker_seconds(raw)
    broker = None if after_broker is None or feed is None else feed - after_broker
    mean = merged([raw.account.latencies]).mean_ns()
    known = mean is not None and feed is not None and producer is not None
    delivery = mean / NS_PER_SECOND - feed - producer if known else None  # type: ignore[operator]
    reader = seconds_of(merged([raw.account.reading]).mean_ns())
    return LatencyParts(producer, feed if broker is None else after_broker, delivery, reader, broker)


def _feed_lag(raw: Raw) -> float | None:
    """Return the mean time from an update's intended making to the server, or until its publication to it had left.

    The answer to a publication is no end of it: nchan answers when it has sent the update to all clients.
    """
    report, samples = raw.measured.publisher, raw.measured.server
    if report is not None:
        return sum(report.sent_ns) / len(report.sent_ns) / NS_PER_SECOND if report.sent_ns else None
    if samples is None:
        return None
    updates = difference(samples[1].feed_updates, samples[0].feed_updates)
    seconds = difference(samples[1].feed_seconds, samples[0].feed_seconds)
    return seconds / updates if updates and seconds is not None else None


def _latency(account: AccountRecord) -> Latency:
    latencies = merged([account.latencies])
    worst = [spread.most_ns for spread in account.spread_of.values()]
    values = {name: latencies.percentile_ns(percent) for name, percent in PERCENTILES.items()}
    beyond = {name: sum(most > value for most in worst) for name, value in values.items() if value is not None}
    known = {name: seconds_of(value) if beyond.get(name) else None for name, value in values.items()}
    mean, least, most = (seconds_of(value) for value in (latencies.mean_ns(), latencies.min_ns, latencies.max_ns))
    return Latency(mean=mean, min=least, max=most, updates_beyond=beyond, **known)


def _age(account: AccountRecord) -> Age:
    mean = account.age_area / (account.age_ns / NS_PER_SECOND) if account.age_ns else None
    peak_mean = account.peak_ns / account.peaks / NS_PER_SECOND if account.peaks else None
    fresh = {
        f"{fresh_ns / NS_PER_SECOND:g}": 1 - older_ns / account.age_ns
        for fresh_ns, older_ns in sorted(account.older_ns.items())
        if account.age_ns
    }
    return Age(mean, peak_mean, fresh)


def _producer(raw: Raw) -> ProducerQuality:
    late = Latencies()
    for epoch in raw.truth.epochs:
        for ts, late_ns in zip(epoch.ts, epoch.late_ns, strict=True):
            if raw.window.has(ts):
                late.record(late_ns)
    return ProducerQuality(seconds_of(late.mean_ns()), seconds_of(late.percentile_ns(99)), seconds_of(late.max_ns))
