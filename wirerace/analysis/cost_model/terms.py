"""The terms of the model: which quantity of a trial is a sum of which coefficients. docs/advice.md has the formulas."""

from collections.abc import Callable
from typing import NamedTuple

from wirerace.analysis.cost_model.observations import Observation
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import Way


class CostTerm(NamedTuple):
    """A coefficient: its name and unit, what it is the cost of, and what a trial has it times."""

    name: str
    unit: str
    about: str
    times: Callable[[Observation], float]


class Regression(NamedTuple):
    """A quantity of a trial that is the sum of some terms. `limit` is the most that half of the trials may be off."""

    name: str
    title: str
    limit: float
    measured: Callable[[Observation], float]
    terms: tuple[CostTerm, ...]


ALONE = Regression(
    "alone",
    "CPU time without clients",
    1.0,  # a few milliseconds of a core: it decides nothing, so a poor fit does not matter
    lambda one: one.alone,
    (
        CostTerm("idle", "cores", "a server process without clients and updates", lambda _: 1.0),
        CostTerm("update", "s", "reading an update from the feed, once in each process", lambda one: one.updates),
    ),
)


def regressions_of(transport: str) -> tuple[Regression, ...]:
    """Return what is fitted by least squares for a transport, beside `ALONE`."""
    way = way_of(transport)
    if way == "pushed":
        return (_pushed_cpu(), *_pushed_bytes())
    return (_polled_cpu() if way == "polled" else _held_cpu(), *_asked_bytes())


def way_of(transport: str) -> Way:
    """Return how updates come with a transport: costs are of three kinds."""
    return TRANSPORTS[transport].way


def _polled_cpu() -> Regression:
    return _cpu(
        CostTerm("request", "s", "a poll, whatever its answer", lambda one: one.requests),
        CostTerm("answer", "s", "what a poll costs more if its answer has updates (200)", lambda one: one.answers),
        CostTerm("delivery", "s", "each update in an answer", lambda one: one.deliveries),
        CostTerm("payload", "s/B", "each byte of payload in an answer", lambda one: one.payload),
    )


def _held_cpu() -> Regression:
    return _cpu(
        CostTerm("fan_out", "s", "beginning to answer all held requests, for each update", lambda one: one.updates),
        CostTerm("request", "s", "a held request, its answer and the next request", lambda one: one.requests),
        CostTerm("answer", "s", "what that costs more if the answer has updates (200)", lambda one: one.answers),
        CostTerm("payload", "s/B", "each byte of payload in an answer", lambda one: one.payload),
    )


def _pushed_cpu() -> Regression:
    return _cpu(
        CostTerm("fan_out", "s", "encoding an update and waking up for it, once for all", lambda one: one.updates),
        CostTerm("delivery", "s", "each update that is sent", lambda one: one.deliveries),
        CostTerm("payload", "s/B", "each byte of payload that is sent", lambda one: one.payload),
    )


def _cpu(*terms: CostTerm) -> Regression:
    """Return the terms of CPU time beyond those without clients."""
    return Regression("cpu", "the server's CPU time", 0.2, lambda one: one.cpu, terms)


def _asked_bytes() -> tuple[Regression, ...]:
    return (
        _sum("bytes_in", lambda one: one.application_in, CostTerm(
            "request_bytes", "B", "a request with its head", lambda one: one.requests)),
        _sum("bytes_out", lambda one: one.application_out,
            CostTerm("empty_bytes", "B", "an empty answer", lambda one: one.empty),
            CostTerm("answer_bytes", "B", "the head of an answer with updates", lambda one: one.answers),
            CostTerm("envelope_bytes", "B", "an update in an answer, without its payload", lambda one: one.deliveries),
            CostTerm("payload_bytes", "B/B", "a byte of payload", lambda one: one.payload)),
        _sum("segments_in", lambda one: one.segments_in, CostTerm(
            "segments_in", "segments", "segments to the server for a request", lambda one: one.requests)),
        _sum("segments_out", lambda one: one.segments_out, CostTerm(
            "segments_out", "segments", "segments from the server for a request", lambda one: one.requests)),
    )  # fmt: skip


def _pushed_bytes() -> tuple[Regression, ...]:
    return (
        _sum("bytes_out", lambda one: one.application_out,
            CostTerm("envelope_bytes", "B", "each update without its payload", lambda one: one.deliveries),
            CostTerm("payload_bytes", "B/B", "a byte of payload", lambda one: one.payload)),
        _sum("segments_in", lambda one: one.segments_in, CostTerm(
            "segments_in", "segments", "segments to the server for each update", lambda one: one.deliveries)),
        _sum("segments_out", lambda one: one.segments_out, CostTerm(
            "segments_out", "segments", "segments from the server for each update", lambda one: one.deliveries)),
    )  # fmt: skip


def _sum(name: str, measured: Callable[[Observation], float], *terms: CostTerm) -> Regression:
    title = {"bytes_in": "bytes into the server", "bytes_out": "bytes out of the server"}.get(name, "TCP segments")
    return Regression(name, title, 0.1, measured, terms)


COLD = {
    "cold": "what a request or a delivery costs more at a server that has long been idle",
    "cooling": "how long a server takes to become cold",
}
"""Coefficients of a cold server, in seconds."""


def cold_times(transport: str, requests: float, deliveries: float, updates: float, cooling_seconds: float) -> float:
    """Return how many operations in a second find a cold server: of r that wake it w times in a second, r/(1 + wτ).

    Each poll wakes a server by itself. Fan-outs and answers to held requests wake it once for an update.
    """
    way = way_of(transport)
    if way == "polled":
        return requests / (1 + requests * cooling_seconds)
    operations = requests if way == "held" else deliveries
    return operations / (1 + updates * cooling_seconds)


MEMORY = {
    "base_memory": "memory of a server process without clients",
    "user_memory": "memory of the server's process for a client",
    "slab_memory": "objects of the kernel (socket, file, inode) for a client, at the server",
    "socket_memory": "buffers of the kernel for a client, when nothing is on its way",
}
"""Coefficients of memory, in bytes: medians over the trials with enough clients."""


def delays_of(transport: str) -> dict[str, str]:
    """Return the coefficients of latency, in seconds, and what they mean."""
    way = way_of(transport)
    if way == "polled":
        return {"delay": "from the making of an update to a client that asks at this moment"}
    pushed = {
        "delay": "from the making of an update to the first client",
        "send": "from one client to the next in a fan-out",
        "send_payload": "the same for each byte of payload",
    }
    if way == "pushed":
        return pushed
    return pushed | {
        "gap": "from an answer to the client's next request at the server",
        "gap_client": "the same for each client that is answered at the same time",
    }


def coefficients_of(transport: str) -> set[str]:
    """Return the names of all coefficients of a transport."""
    regressions = (ALONE, *regressions_of(transport))
    names = {term.name for regression in regressions for term in regression.terms}
    return {*names, *COLD, *MEMORY, *delays_of(transport)}
