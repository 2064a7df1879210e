"""Polling: an update waits for the next poll of each client, half an interval on average."""

import math
from bisect import bisect_left, bisect_right
from statistics import fmean

from wirerace.clock import to_ns
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Condition, Trial
from wirerace.theory.cache import Polls, SharedCache
from wirerace.theory.caching import cached
from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.conditions import checked
from wirerace.theory.distribution import Distribution, Piece, distributed
from wirerace.theory.inputs import (
    answer_sizes_of,
    clients_of,
    cost_seconds_of,
    failed_fraction_of,
    link_to_asking,
    made_ns_of,
    seconds_to_open,
    seconds_to_server,
)
from wirerace.theory.mixture import Mixture
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting, closed_polls, replayed
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source

MOST_COUNTED = 500
"""The updates of a channel whose answers are counted: a mean over every other one is near enough."""


def predict(arrivals: Arrivals, path: DeliveryPath, options: PollingOptions) -> Prediction:
    """Return the means of clients that ask at a fixed rate, each with a random phase.

    A client of the latest only gets one update in each answer that has any: the newest, which has waited least.
    """
    if path.cache.seconds:
        return _through_cache(arrivals, path, options)
    interval_seconds = options.interval_seconds
    empty = arrivals.empty_fraction(interval_seconds)
    latest_only = options.latest_only
    wait_seconds = arrivals.latest_wait_seconds(interval_seconds) if latest_only else interval_seconds / 2
    uneven_seconds = uneven(path, options)
    updates_per_poll = 1 - empty if latest_only else arrivals.updates_per_poll(interval_seconds)
    return Prediction(
        latency_seconds=None if wait_seconds is None else wait_seconds + uneven_seconds + path.delay_seconds,
        age_seconds=arrivals.age_seconds(path.delay_seconds - path.sooner_seconds + uneven_seconds, interval_seconds),
        empty_fraction=empty,
        updates_per_response=updates_per_poll / (1 - empty) if empty < 1 else None,
        responses_per_client_second=1 / interval_seconds,
        conditions=_conditions(path, options),
    )


def _through_cache(arrivals: Arrivals, path: DeliveryPath, options: PollingOptions) -> Prediction:
    """Return the means of clients whose polls a shared cache answers, those of each channel apart.

    Over a link with more than a delay only their own requests are predicted: polls that change their order find other
    answers.
    """
    found = cached(arrivals, path.cache, _polls(path, options), path.delay_seconds) if path.link.is_plain else None
    each, conditions = 1 / options.interval_seconds, _conditions(path, options)
    if found is None:
        return Prediction(responses_per_client_second=each, conditions=conditions)
    return Prediction(
        latency_seconds=None if found.wait_seconds is None else found.wait_seconds + path.delay_seconds,
        age_seconds=found.age_seconds,
        empty_fraction=found.empty_fraction,
        updates_per_response=found.updates_per_response,
        responses_per_client_second=each,
        server_requests_per_second=found.asked_per_second * (1 if isinstance(arrivals, Mixture) else path.channels),
        conditions=(*conditions, *checked(cache_start=found.spread)),
    )


def _polls(path: DeliveryPath, options: PollingOptions) -> Polls:
    return Polls(options.interval_seconds, round(path.clients / path.channels), options.latest_only)


def _conditions(path: DeliveryPath, options: PollingOptions) -> tuple[Condition, ...]:
    interval_seconds = options.interval_seconds
    return checked(
        poll_load=None if path.cost_seconds is None else path.clients * path.cost_seconds / interval_seconds,
        phase_step=1 / max(1, path.clients),
        late_polls=path.late_fraction,
        poll_jitter=path.link.jitter_seconds / interval_seconds or None,
        failed_requests=path.failed_fraction,
    )


def latencies(arrivals: Arrivals, path: DeliveryPath, options: PollingOptions) -> Distribution | None:
    """Return how latency is distributed: a poll comes at a uniform time after an update."""
    if path.cache.seconds:
        found = cached(arrivals, path.cache, _polls(path, options), path.delay_seconds) if path.link.is_plain else None
        return None if found is None else distributed(found.waits, path.delay_seconds)
    every = options.interval_seconds
    waits = arrivals.latest_waits(every) if options.latest_only else [Piece(0.0, every, 1.0)]
    jitter_seconds = path.link.jitter_seconds
    return distributed(waits, path.delay_seconds + uneven(path, options) - jitter_seconds / 2, jitter_seconds)


def uneven(path: DeliveryPath, options: PollingOptions) -> float:
    """Return what an update waits longer because the jitter makes the times between polls uneven, J²/(12T).

    Polls reach the server T + U' − U apart, with jitters U of variance J²/12. An update falls into a long gap more
    often than into a short one: it waits E[gap²]/(2T).
    """
    return path.link.jitter_seconds**2 / 12 / options.interval_seconds


def visited(visiting: Visiting, options: PollingOptions) -> Visited | None:
    """Return what visits take that ask at their arrival and then at the interval."""
    interval_seconds = options.interval_seconds

    def one(arrival: float, known: int, last: int) -> Visited:
        if last == known:
            return Visited(1.0, visiting.first_seconds)
        # A poll sees what is known to a client by the time of its answer.
        wait = visiting.made[last - 1] + visiting.delay_seconds - visiting.trip_seconds - arrival
        polls = max(1, math.ceil(wait / interval_seconds))
        return Visited(1.0 + polls, polls * interval_seconds + visiting.trip_seconds)

    return replayed(visiting, one)


def visited_in_closed_form(source: Source, visiting: Visiting, options: PollingOptions) -> Visited | None:
    """Return the same for the nominal rate."""
    polls = closed_polls(source, visiting, options.interval_seconds)
    if polls is None:
        return None
    further = (polls - 1) * options.interval_seconds + visiting.trip_seconds
    return Visited(polls, visiting.first_seconds if visiting.updates == 1 else further)


def path_of(plan: Plan, raw: Raw, trial: Trial) -> DeliveryPath | None:
    """Return a poller's measured path, None when it is not known.

    The server has the update since the feed brought it, and the answer takes half of a request's time, beside the time
    that bytes take to leave. If each request opens a connection, the handshake comes before that.
    """
    at_server, requests = seconds_to_server(trial), trial.request_seconds.mean
    if at_server is None or requests is None:
        return None
    link, sizes = link_to_asking(raw), answer_sizes_of(raw, trial)
    sending_seconds = link.sending_seconds(sizes.request + sizes.answer)
    opening_seconds = seconds_to_open(plan, raw, trial)
    if 0 < raw.path.idle_timeout_seconds < plan.options.period_seconds - raw.path.round_trip_seconds:
        opening_seconds = raw.path.connecting_seconds  # the link closes each connection before the next poll
    # An answer comes when all of it has come, and most updates come in the larger ones.
    together, for_ages = together_of(plan, raw) if link.bits_per_second else (0.0, 0.0)
    answer_seconds = link.sending_seconds(sizes.head + together * sizes.update)
    channels, first_ns = plan.experiment.producer.channels, min(raw.account.first_ns, default=0)
    return DeliveryPath(
        at_server + (requests - opening_seconds - sending_seconds) / 2 + answer_seconds,
        clients_of(trial),
        cost_seconds=cost_seconds_of(trial, trial.requests),
        late_fraction=trial.late_polls / trial.requests if trial.requests else 0.0,
        failed_fraction=failed_fraction_of(trial),
        link=link,
        channels=channels,
        cache=SharedCache(raw.path.cache_seconds, at_server, first_ns if channels == 1 else 0),
        sooner_seconds=link.sending_seconds((together - for_ages) * sizes.update),
    )


def together_of(plan: Plan, raw: Raw) -> tuple[float, float]:
    """Return how many updates the answer has that brings an update of the window: its mean over updates, and for ages.

    Another update is in the same answer if no poll came between them: with the probability 1 − gap/T. At its arrival an
    update lowers the age by the gap before it, so for ages each counts with that gap.
    """
    if plan.options.latest_only:
        return 1.0, 1.0
    interval_ns = to_ns(plan.options.period_seconds)
    found: list[tuple[float, int]] = []
    for channel in plan.experiment.producer.channel_names:
        made_ns = made_ns_of(raw.truth, channel)
        own = [place for place, ts in enumerate(made_ns) if place and raw.window.has(ts)]
        for place in own[:: len(own) // MOST_COUNTED + 1]:
            ts = made_ns[place]
            near = made_ns[bisect_right(made_ns, ts - interval_ns) : bisect_left(made_ns, ts + interval_ns)]
            together = sum(1 - abs(other - ts) / interval_ns for other in near)
            found.append((together, ts - made_ns[place - 1]))
    gaps = sum(gap for _, gap in found)
    if not gaps:
        return 1.0, 1.0
    return fmean(together for together, _ in found), sum(together * gap for together, gap in found) / gaps
