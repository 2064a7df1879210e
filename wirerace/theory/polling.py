"""Polling: an update waits for the next poll of each client, half an interval on average."""

import math

from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.conditions import checked
from wirerace.theory.distribution import Distribution, Piece, distributed
from wirerace.theory.inputs import clients_of, cost_seconds_of, failed_fraction_of, seconds_to_open, seconds_to_server
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting, closed_polls, replayed
from wirerace.transports.polling import PollingOptions
from wirerace.workload.schedule import Source


def predict(arrivals: Arrivals, path: DeliveryPath, options: PollingOptions) -> Prediction:
    """Return the means of clients that ask at a fixed rate, each with a random phase.

    A client of the latest only gets one update in each answer that has any: the newest, which has waited least.
    """
    interval_seconds = options.interval_seconds
    empty = arrivals.empty_fraction(interval_seconds)
    load = None if path.cost_seconds is None else path.clients * path.cost_seconds / interval_seconds
    latest_only = options.latest_only
    wait_seconds = arrivals.latest_wait_seconds(interval_seconds) if latest_only else interval_seconds / 2
    updates_per_poll = 1 - empty if latest_only else arrivals.updates_per_poll(interval_seconds)
    return Prediction(
        latency_seconds=None if wait_seconds is None else wait_seconds + path.delay_seconds,
        age_seconds=arrivals.age_seconds(path.delay_seconds, interval_seconds),
        empty_fraction=empty,
        updates_per_response=updates_per_poll / (1 - empty) if empty < 1 else None,
        responses_per_client_second=1 / interval_seconds,
        conditions=checked(
            poll_load=load,
            phase_step=1 / max(1, path.clients),
            late_polls=path.late_fraction,
            failed_requests=path.failed_fraction,
        ),
    )


def latencies(arrivals: Arrivals, path: DeliveryPath, options: PollingOptions) -> Distribution | None:
    """Return how latency is distributed: a poll comes at a uniform time after an update."""
    every = options.interval_seconds
    waits = arrivals.latest_waits(every) if options.latest_only else [Piece(0.0, every, 1.0)]
    return distributed(waits, path.delay_seconds)


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

    The server has the update since the feed brought it, and the answer takes half of a request's time. If each request
    opens a connection, the handshake comes before that.
    """
    at_server, requests = seconds_to_server(trial), trial.request_seconds.mean
    if at_server is None or requests is None:
        return None
    return DeliveryPath(
        at_server + (requests - seconds_to_open(plan, raw, trial)) / 2,
        clients_of(trial),
        cost_seconds=cost_seconds_of(trial, trial.requests),
        late_fraction=trial.late_polls / trial.requests if trial.requests else 0.0,
        failed_fraction=failed_fraction_of(trial),
    )
