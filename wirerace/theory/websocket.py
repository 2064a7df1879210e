"""WebSocket: an update waits for the sends to other clients, and for the end of its batch where there are batches."""

from msgspec.structs import replace

from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.carrying import carried
from wirerace.theory.closed_forms import Arrivals
from wirerace.theory.conditions import checked, server_load
from wirerace.theory.distribution import Distribution, distributed
from wirerace.theory.inputs import (
    alone_seconds,
    busy_seconds,
    clients_of,
    cost_seconds_of,
    first_seconds_of,
    link_to_pushed,
    seconds_to_clients,
    send_seconds_of,
    upkeep_seconds,
)
from wirerace.theory.link import LinkModel
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.visits import Visited, Visiting, closed_wait_seconds
from wirerace.theory.visits import pushed_to as visits_pushed_to
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source


def predict(arrivals: Arrivals, path: DeliveryPath, options: WebSocketOptions) -> Prediction:
    """Return the means of subscribed clients, with what batches add: unknown over a link with more than a delay."""
    pushed = pushed_to(arrivals, path)
    if not options.batch_seconds:
        return pushed
    batches = arrivals.batched(options.batch_seconds)
    if batches is None or not path.link.is_plain:
        return Prediction()
    age_seconds = batches.age_seconds + path.push_seconds
    if not options.latest_only:
        return replace(pushed, latency_seconds=batches.wait_seconds + path.push_seconds, age_seconds=age_seconds)
    return replace(
        pushed,
        latency_seconds=batches.latest_wait_seconds + path.push_seconds,
        age_seconds=age_seconds,
        responses_per_client_second=batches.batches_per_second,
        conditions=tuple(condition for condition in pushed.conditions if condition.name != "superseded"),
    )


def pushed_to(arrivals: Arrivals, path: DeliveryPath) -> Prediction:
    """Return the means of clients that are sent each update at once: theory knows of none that is behind."""
    added = carried(arrivals, path.link, path.push_seconds)
    age_seconds = arrivals.age_seconds(path.push_seconds)
    rate = arrivals.rate_per_second
    return Prediction(
        latency_seconds=None if added is None else path.push_seconds + added.wait_seconds,
        age_seconds=None if added is None or age_seconds is None else age_seconds + added.behind_seconds,
        updates_per_response=1.0,
        responses_per_client_second=rate if added is None or added.per_second is None else added.per_second,
        conditions=checked(
            server_load=server_load(rate, path),
            superseded=path.superseded_fraction or None,
            link_load=rate * path.link.update_seconds or None,
            filled_segment=path.link.filled(rate) or None,
        ),
    )


def latencies(arrivals: Arrivals, path: DeliveryPath, options: WebSocketOptions) -> Distribution | None:
    """Return how latency is distributed, with what batches add."""
    if not options.batch_seconds:
        return latencies_pushed(arrivals, path)
    if not path.link.is_plain:
        return None
    waits = arrivals.batch_waits(options.batch_seconds, latest_only=options.latest_only)
    return distributed(waits, path.delay_seconds, path.fan_out_seconds)


def latencies_pushed(arrivals: Arrivals, path: DeliveryPath) -> Distribution | None:
    """Return how latency is distributed over clients that are sent each update at once, one after the other."""
    added = carried(arrivals, path.link)
    return None if added is None else distributed(added.waits, path.delay_seconds, path.fan_out_seconds)


def visited(visiting: Visiting, options: WebSocketOptions) -> Visited | None:
    """Return what visits take on one connection; nothing is predicted of batches."""
    return None if options.batch_seconds else visits_pushed_to(visiting)


def visited_in_closed_form(source: Source, visiting: Visiting, options: WebSocketOptions) -> Visited | None:
    """Return the same for the nominal rate."""
    return None if options.batch_seconds else visits_in_closed_form(source, visiting)


def visits_in_closed_form(source: Source, visiting: Visiting) -> Visited | None:
    """Return what visits take on one connection, for the nominal rate."""
    seconds = closed_wait_seconds(source, visiting.updates - 1)
    return None if seconds is None else Visited(1.0, visiting.first_seconds + seconds)


def path_of(plan: Plan, raw: Raw, trial: Trial) -> DeliveryPath | None:
    """Return the measured path of subscribed clients, None when it is not known.

    Without the server's CPU time, the path is fitted to the latencies. The time of a send is, where clients send
    messages, because the server's CPU time is for these, too.
    """
    spreads, to_clients = list(raw.account.spread_of.values()), seconds_to_clients(raw, trial)
    if not spreads:
        return None
    link, cost_seconds = link_to_pushed(plan, raw, trial), cost_seconds_of(trial, trial.arrived)
    path = DeliveryPath(
        first_seconds_of(spreads) if to_clients is None else to_clients,
        clients_of(trial),
        spread_over(link, send_seconds_of(spreads, link.jitter_seconds), cost_seconds),
        cost_seconds=cost_seconds,
        channels=plan.experiment.producer.channels,
        superseded_fraction=trial.superseded / max(1, trial.expected + trial.superseded),
        link=LinkModel() if to_clients is None else link,  # what is fitted has it already
    )
    if to_clients is None:
        return path._replace(fitted_seconds=path.push_seconds)
    if plan.experiment.upstream.is_on:
        return path._replace(fitted_seconds=path.push_seconds - path.delay_seconds)
    sending_seconds = max(0.0, busy_seconds(trial) - alone_seconds(trial) - upkeep_seconds(trial))
    return path._replace(send_seconds=sending_seconds * trial.updates / max(1, trial.arrived))


def spread_over(link: LinkModel, seconds: float, cost_seconds: float | None) -> float:
    """Return the time of a send as arrivals are spread: a link spreads them more, but a send takes no more CPU time."""
    return seconds if link.is_plain or cost_seconds is None else min(seconds, cost_seconds)
