"""What the model says of one server process: CPU time, bytes, requests, latency and age for clients at a rate.

The page of `wirerace advise --page` computes the same in JavaScript, and a test compares the two.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from wirerace.analysis.cost_model.model import CostModel
from wirerace.analysis.cost_model.terms import cold_times, way_of
from wirerace.record.trial import Condition
from wirerace.theory import find_theory
from wirerace.theory.closed_forms import Poisson
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.transports import TRANSPORTS

MOST_BUSY = 0.5
"""The part of the time that a process may be busy. Up to there theory holds for polls (`poll_load`), and the rest is
for peaks.
"""
MOST_HELD_LOAD = 0.1
"""With long polling, updates meet earlier fan-outs above that, and no formula says how late they are: `server_load`."""


class Operated(NamedTuple):
    """How a server process is operated: updates a second to all of its clients, on average at random times."""

    transport: str
    clients: float
    updates_per_second: float
    payload_bytes: float
    interval_seconds: float = 0.0
    hold_seconds: float = 0.0
    round_trip_seconds: float = 0.0


class Predicted(NamedTuple):
    """The prediction for one process. `latest` is how late the last client gets an update at most, in seconds.

    `cpu` is in cores; bytes are at the IP layer, in a second.
    """

    latency: float
    age: float
    latest: float
    cpu: float
    ip_in: float
    ip_out: float
    requests: float
    deliveries: float
    conditions: tuple[Condition, ...] = ()


class OperationRates(NamedTuple):
    """Operations of a process in a second. `updates_per_answer` is the mean over answers that have any."""

    requests: float
    empty: float
    answers: float
    deliveries: float
    updates_per_answer: float


def predicted(model: CostModel, operated: Operated, segment_bytes: int | None = None) -> Predicted:
    """Return what a process does with its clients; segments are those of Ethernet unless their size is given."""
    theory = theory_of(model, operated)
    rates = rates_of(operated, theory)
    cpu = _cpu_of(model, operated, rates)
    ip_in, ip_out = _bytes_of(model, operated, rates, segment_bytes or model.segment_bytes)
    latency = theory.latency_seconds or 0.0
    return Predicted(
        latency=latency,
        age=theory.age_seconds or 0.0,
        latest=latest_of(model, operated),
        cpu=cpu,
        ip_in=ip_in,
        ip_out=ip_out,
        requests=rates.requests,
        deliveries=rates.deliveries,
        conditions=theory.conditions,
    )


def theory_of(model: CostModel, operated: Operated) -> Prediction:
    """Return what theory says of the process, with delays and costs from the model."""
    theory = find_theory(operated.transport)
    if theory is None:
        raise ValueError(f"there is no theory of {operated.transport}")
    arrivals = Poisson(operated.updates_per_second)
    options = TRANSPORTS[operated.transport].options()
    way = way_of(operated.transport)
    if way == "polled":
        options = type(options)(interval_seconds=operated.interval_seconds)  # type: ignore[call-arg]
    elif way == "held":
        options = type(options)(hold_seconds=operated.hold_seconds)  # type: ignore[call-arg]
    path = _path_of(model, operated)
    return theory.predict(arrivals, path, options)


def _path_of(model: CostModel, operated: Operated) -> DeliveryPath:
    delay = model.value(operated.transport, "delay") + operated.round_trip_seconds / 2
    clients = math.ceil(operated.clients - 1e-9)
    if way_of(operated.transport) == "polled":
        return DeliveryPath(delay, clients, cost_seconds=_poll_seconds(model, operated))
    return DeliveryPath(
        delay + queue_seconds(values_of(model, operated.transport), operated),
        clients,
        send_seconds(model, operated),
        (gap_seconds(model, operated),),
        cost_seconds=update_seconds(values_of(model, operated.transport), operated) / operated.clients,
    )


def values_of(model: CostModel, transport: str) -> dict[str, float]:
    """Return a transport's coefficients without their units."""
    return {name: one.value for name, one in model.coefficients[transport].items()}


def update_seconds(value: Mapping[str, float], operated: Operated) -> float:
    """Return the CPU time that an update takes for all clients of a process; 0 with polling, where polls do that."""
    way = way_of(operated.transport)
    if way == "polled":
        return 0.0
    each = operated.payload_bytes * value["payload"] + value["cold"] * cold_times(
        operated.transport, 1.0, 1.0, operated.updates_per_second, value["cooling"]
    )
    each += value["request"] + value["answer"] if way == "held" else value["delivery"]
    return value["update"] + value["fan_out"] + operated.clients * each


def queue_seconds(value: Mapping[str, float], operated: Operated) -> float:
    """Return how long an update waits on average for earlier ones: ρB/2(1 − ρ), the wait of M/D/1 at ρ = λB.

    From ρ = 1 on there is no mean; the wait at ρ = 0.99 stands for it. Only pushed updates wait so: with polling each
    poll is served by itself, and with long polling updates that come together are in one answer.
    """
    if way_of(operated.transport) != "pushed":
        return 0.0
    work_seconds = update_seconds(value, operated)
    load = min(0.99, operated.updates_per_second * work_seconds)
    return load * work_seconds / (2 * (1 - load))


def most_load(transport: str) -> float:
    """Return the largest part of the time with work up to which the latency of a transport is known."""
    return MOST_HELD_LOAD if way_of(transport) == "held" else MOST_BUSY


def has_latency(value: Mapping[str, float], operated: Operated) -> bool:
    """Return whether the latency of a process is known: it does not work on updates for too much of the time."""
    return operated.updates_per_second * update_seconds(value, operated) <= most_load(operated.transport)


def _poll_seconds(model: CostModel, operated: Operated) -> float:
    """Return the mean CPU time of a poll, empty or not."""
    value, interval = values_of(model, operated.transport), operated.interval_seconds
    some = 1 - math.exp(-operated.updates_per_second * interval)
    updates = operated.updates_per_second * interval * (value["delivery"] + operated.payload_bytes * value["payload"])
    cold = value["cold"] / (1 + operated.clients / interval * value["cooling"])
    return value["request"] + some * value["answer"] + updates + cold


def send_seconds(model: CostModel, operated: Operated) -> float:
    """Return the time from one client to the next in a fan-out; 0 with polling, where there is none."""
    value = model.coefficients[operated.transport]
    if "send" not in value:
        return 0.0
    return value["send"].value + operated.payload_bytes * value["send_payload"].value


def gap_seconds(model: CostModel, operated: Operated) -> float:
    """Return how long a client is away between an answer and its next request; 0 unless it is a long poll."""
    value = model.coefficients[operated.transport]
    if "gap" not in value:
        return 0.0
    return value["gap"].value + max(0.0, operated.clients - 1) * value["gap_client"].value + operated.round_trip_seconds


def latest_of(model: CostModel, operated: Operated) -> float:
    """Return how late the last client gets an update: after a poll interval, after all other clients, after a gap."""
    fan_out = max(0, math.ceil(operated.clients - 1e-9) - 1) * send_seconds(model, operated)
    delay = model.value(operated.transport, "delay") + operated.round_trip_seconds / 2
    queue = queue_seconds(values_of(model, operated.transport), operated)
    return delay + operated.interval_seconds + fan_out + gap_seconds(model, operated) + queue


def rates_of(operated: Operated, theory: Prediction) -> OperationRates:
    """Return how many requests, answers and deliveries a process has in a second."""
    deliveries = operated.clients * operated.updates_per_second
    if way_of(operated.transport) == "pushed":
        return OperationRates(0.0, 0.0, 0.0, deliveries, 1.0)
    requests = operated.clients * (theory.responses_per_client_second or 0.0)
    empty = requests * (theory.empty_fraction or 0.0)
    answers = requests - empty
    return OperationRates(requests, empty, answers, deliveries, deliveries / answers if answers else 0.0)


def _cpu_of(model: CostModel, operated: Operated, rates: OperationRates) -> float:
    """Return the cores that a process takes: without clients, for each update, and for each operation."""

    def value(name: str) -> float:
        found = model.coefficients[operated.transport].get(name)
        return 0.0 if found is None else found.value

    each_update = value("update") + value("fan_out")
    cold = value("cold") * cold_times(
        operated.transport, rates.requests, rates.deliveries, operated.updates_per_second, value("cooling")
    )
    return (
        value("idle")
        + operated.updates_per_second * each_update
        + rates.requests * value("request")
        + rates.answers * value("answer")
        + rates.deliveries * (value("delivery") + operated.payload_bytes * value("payload"))
        + cold
    )


def _bytes_of(model: CostModel, operated: Operated, rates: OperationRates, segment_bytes: int) -> tuple[float, float]:
    """Return the bytes at the IP layer, in and out: what is sent, and the headers of each segment.

    An answer that is larger than a segment takes more of them, and every second one of these is acknowledged.
    """
    value = {name: one.value for name, one in model.coefficients[operated.transport].items()}
    update = value["envelope_bytes"] + operated.payload_bytes * value["payload_bytes"]
    if "request_bytes" in value:
        operations = rates.requests
        size = value["answer_bytes"] + rates.updates_per_answer * update
        sent = rates.empty * value["empty_bytes"] + rates.answers * size
        received = rates.requests * value["request_bytes"]
        large = rates.answers
    else:
        operations = large = rates.deliveries
        size, sent, received = update, rates.deliveries * update, 0.0
    further = large * max(0, math.ceil(size / segment_bytes - 1e-9) - 1)
    segments_in = operations * value["segments_in"] + further / 2
    segments_out = operations * value["segments_out"] + further
    return received + model.header_bytes * segments_in, sent + model.header_bytes * segments_out
