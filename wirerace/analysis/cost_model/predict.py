"""What the model says of one server process: CPU time, bytes, requests, latency and age for clients at a rate.

The page of `wirerace advise --page` computes the same in JavaScript, and a test compares the two.
"""

import math
from typing import NamedTuple

from wirerace.analysis.cost_model.model import CostModel
from wirerace.analysis.cost_model.terms import cold_times
from wirerace.record.trial import Condition
from wirerace.theory import find_theory
from wirerace.theory.closed_forms import Poisson
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.transports import TRANSPORTS


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
    if operated.transport == "polling":
        options = type(options)(interval_seconds=operated.interval_seconds)  # type: ignore[call-arg]
    elif operated.transport == "longpolling":
        options = type(options)(hold_seconds=operated.hold_seconds)  # type: ignore[call-arg]
    path = _path_of(model, operated)
    return theory.predict(arrivals, path, options)


def _path_of(model: CostModel, operated: Operated) -> DeliveryPath:
    value = model.coefficients[operated.transport]
    delay = value["delay"].value + operated.round_trip_seconds / 2
    clients = math.ceil(operated.clients - 1e-9)
    if operated.transport == "polling":
        return DeliveryPath(delay, clients, cost_seconds=_poll_seconds(model, operated))
    each = _delivery_seconds(model, operated)
    if operated.transport == "longpolling":
        each = value["request"].value + value["answer"].value + operated.payload_bytes * value["payload"].value
    return DeliveryPath(
        delay, clients, send_seconds(model, operated), (gap_seconds(model, operated),), cost_seconds=each
    )


def _poll_seconds(model: CostModel, operated: Operated) -> float:
    """Return the mean CPU time of a poll, empty or not."""
    value, interval = model.coefficients[operated.transport], operated.interval_seconds
    empty = math.exp(-operated.updates_per_second * interval)
    cold = value["cold"].value / (1 + operated.clients / interval * value["cooling"].value)
    updates = operated.updates_per_second * interval * _delivery_seconds(model, operated)
    return value["request"].value + (1 - empty) * value["answer"].value + updates + cold


def _delivery_seconds(model: CostModel, operated: Operated) -> float:
    value = model.coefficients[operated.transport]
    if "delivery" not in value:
        return 0.0
    return value["delivery"].value + operated.payload_bytes * value["payload"].value


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
    return delay + operated.interval_seconds + fan_out + gap_seconds(model, operated)


def rates_of(operated: Operated, theory: Prediction) -> OperationRates:
    """Return how many requests, answers and deliveries a process has in a second."""
    deliveries = operated.clients * operated.updates_per_second
    if operated.transport not in {"polling", "longpolling"}:
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
