"""Long polling: an update waits only for clients that are away between an answer and the next request."""

import math
from collections.abc import Sequence
from itertools import pairwise

from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.plans import Plan
from wirerace.observe.histogram import merged
from wirerace.observe.spread import Spread
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.conditions import checked, server_load
from wirerace.theory.distribution import Distribution, distributed
from wirerace.theory.idle import breaks_per_second
from wirerace.theory.inputs import (
    answer_sizes_of,
    clients_of,
    cost_seconds_of,
    failed_fraction_of,
    first_seconds_of,
    link_to_asking,
    seconds_to_clients,
    send_seconds_of,
)
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting, replayed
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.workload.schedule import Source

REPOLL_SAMPLE = 100


def predict(arrivals: Arrivals, path: DeliveryPath, options: LongPollingOptions) -> Prediction:
    """Return the means of clients that are held, and away for a re-poll gap after each answer."""
    if not path.repoll_seconds:
        return Prediction()
    polls = arrivals.long_polled(path.repoll_seconds, options.hold_seconds, path.push_seconds)
    if polls is None:
        return Prediction()
    rate_per_second = arrivals.rate_per_second
    wait_seconds, updates = polls.wait_seconds, polls.updates_per_response
    if options.latest_only:
        wait_seconds, updates = polls.latest_wait_seconds, None if updates is None else 1.0
    # A client that returns asks once without being held, and nothing was made meanwhile.
    answers, breaks = polls.responses_per_second, path.breaks_per_second
    empty = polls.empty_fraction
    return Prediction(
        latency_seconds=None if wait_seconds is None else wait_seconds + path.push_seconds,
        age_seconds=polls.age_seconds,
        empty_fraction=(empty * answers + breaks) / (answers + breaks) if empty is not None and breaks else empty,
        updates_per_response=updates,
        responses_per_client_second=answers + breaks,
        conditions=checked(
            server_load=server_load(rate_per_second, path),
            gap_spread=rate_per_second * _deviation(path.repoll_seconds, path.link.jitter_seconds),
            failed_requests=path.failed_fraction,
        ),
    )


def latencies(arrivals: Arrivals, path: DeliveryPath, options: LongPollingOptions) -> Distribution | None:
    """Return how latency is distributed: some updates wait for clients that are away, all for a place in a fan-out."""
    if not path.repoll_seconds:
        return None
    waits = arrivals.long_poll_waits(path.repoll_seconds, options.hold_seconds, latest_only=options.latest_only)
    return distributed(waits, *path.answered)


def visited(visiting: Visiting, options: LongPollingOptions) -> Visited | None:
    """Return what visits take that ask again after each answer: everything new, or the next update."""

    def one(arrival: float, known: int, last: int) -> Visited:
        at, requests = arrival + visiting.first_seconds, 1.0
        while known < last:
            at += visiting.gap_seconds
            requests += 1
            if (newest := visiting.known(at)) == known:
                following = visiting.made[known] + visiting.delay_seconds
                requests += (following - at) // options.hold_seconds if options.hold_seconds else 0.0
                at, newest = following, known + 1
            known = newest
        return Visited(requests, at - arrival)

    return replayed(visiting, one) if options.hold_seconds else None


def visited_in_closed_form(
    source: Source,  # noqa: ARG001 -- as its neighbours
    visiting: Visiting,
    options: LongPollingOptions,  # noqa: ARG001
) -> Visited | None:
    """Return the same for the nominal rate: only one update is simple, because gaps may bring several at once."""
    return Visited(1.0, visiting.first_seconds) if visiting.updates == 1 else None


def path_of(plan: Plan, raw: Raw, trial: Trial) -> DeliveryPath | None:
    """Return the measured path of waiting clients, None when it is not known.

    The time of a send is fitted, because the server's CPU time contains more than the fan-out. Most of the CPU time for
    a delivery is spent on reading the next request.
    """
    spreads = awaited(raw, trial)
    if not spreads:
        return None
    to_clients, link, sizes = seconds_to_clients(raw, trial), link_to_asking(raw), answer_sizes_of(raw, trial)
    if to_clients is not None:
        to_clients += link.jitter_seconds / 2 + link.sending_seconds(sizes.answer)
    path = DeliveryPath(
        first_seconds_of(spreads) if to_clients is None else to_clients,
        clients_of(trial),
        sending_of(raw, trial, spreads),
        repolls_of(raw, trial, link.sending_seconds(sizes.request + sizes.answer)),
        cost_seconds=cost_seconds_of(trial, trial.arrived),
        failed_fraction=failed_fraction_of(trial),
        channels=plan.experiment.producer.channels,
        link=link,
        breaks_per_second=breaks_per_second(plan, raw, trial),
    )
    return path._replace(fitted_seconds=path.push_seconds - (to_clients or 0.0))


def sending_of(raw: Raw, trial: Trial, spreads: Sequence[Spread]) -> float:
    """Return the time of a send. Jitter, or updates that no client awaited, spread arrivals more than sends do.

    Then it is at most the server's CPU time for a delivery.
    """
    seconds = send_seconds_of(spreads, raw.path.jitter_seconds)
    if (cost_seconds := cost_seconds_of(trial, trial.arrived)) is None:
        return seconds
    return min(seconds, cost_seconds) if raw.path.jitter_seconds or not alone_in(raw, trial) else seconds


def awaited(raw: Raw, trial: Trial) -> list[Spread]:
    """Return the spreads of updates that certainly found all clients waiting; if there are none, those of all updates.

    A client that was away when the previous update was made is back two re-poll gaps later.
    """
    spread_of, alone = raw.account.spread_of, alone_in(raw, trial)
    found = [spread for key, spread in spread_of.items() if key in alone] or list(spread_of.values())
    return [spread for spread in found if spread.clients > 1] or found


def alone_in(raw: Raw, trial: Trial) -> set[tuple[str, int]]:
    """Return the keys of updates that certainly found all clients waiting."""
    away_ns = to_ns(2 * (trial.repoll_seconds.p99 or 0))
    alone: set[tuple[str, int]] = set()
    for made_in in raw.truth.by_channel().values():
        made = [(ts, made.sequence, seq) for made in made_in for seq, ts in zip(made.seq, made.ts, strict=True)]
        alone |= {
            (sequence, seq)
            for (before, *_), (ts, sequence, seq) in pairwise([(0, "", 0), *made])
            if ts - before > away_ns
        }
    return alone & raw.account.spread_of.keys()


def repolls_of(raw: Raw, trial: Trial, sending_seconds: float = 0.0) -> tuple[float, ...]:
    """Return a sample of re-poll gaps, seconds: quantiles of the measured gaps, including a round trip.

    Over a link, bytes take time to leave, and each round trip has two jitters: their sum is spread over the sample.
    """
    gaps, mean_seconds = merged([raw.account.repolling]), trial.repoll_seconds.mean
    own_mean_ns = gaps.mean_ns()
    if own_mean_ns is None or mean_seconds is None:
        return ()
    trip_seconds = mean_seconds - own_mean_ns / NS_PER_SECOND + sending_seconds
    places = [(index + 0.5) / REPOLL_SAMPLE for index in range(REPOLL_SAMPLE)]
    own = ((gaps.percentile_ns(place * 100) or 0) / NS_PER_SECOND for place in places)
    # 37 and 100 have no common factor, so gaps and jitters of all sizes meet.
    jitters = (_two_uniform(places[37 * index % REPOLL_SAMPLE]) for index in range(REPOLL_SAMPLE))
    return tuple(
        gap + trip_seconds + raw.path.jitter_seconds * jitter for gap, jitter in zip(own, jitters, strict=True)
    )


def _two_uniform(place: float) -> float:
    """Return the quantile of the sum of two times that are uniform from 0 to 1, less its mean."""
    half = math.sqrt(2 * min(place, 1 - place))
    return half - 1 if place < 0.5 else 1 - half


def _deviation(values: Sequence[float], jitter_seconds: float) -> float:
    """Return the standard deviation without that of a round trip's two jitters, which depend on no load."""
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return math.sqrt(max(0.0, variance - jitter_seconds**2 / 6))
