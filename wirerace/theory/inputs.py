"""The inputs of predictions: the path between producer and clients, measured in the same trial."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.paths import SEGMENT_BYTES
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Window
from wirerace.observe.spread import Spread
from wirerace.record.result import Raw
from wirerace.record.trial import Trial
from wirerace.theory.link import LinkModel
from wirerace.wire.update import Update, encode_update
from wirerace.workload.truth import Truth

MOST_ALONE_SECONDS = 0.0003
"""The most that a server can spend on an update before the first send. More than that is due to timers and heartbeats.
With rare updates they are most of the work of a server without clients, and no update waits for them.
"""
US = 1e-6


def seconds_to_server(trial: Trial) -> float | None:
    """Return the mean time from making to the server, None when it is not known."""
    parts = trial.latency_parts_seconds
    if parts.producer is None or parts.feed is None:
        return None
    return parts.producer + (parts.broker or 0.0) + parts.feed


def seconds_to_open(plan: Plan, raw: Raw, trial: Trial) -> float:
    """Return how long a request takes to open its connection, 0 if connections are kept.

    With TLS it is the mean handshake, as clients measured it: it takes CPU time, too, and over a path with a link the
    round trip before it is part of it. Without TLS a connection on one machine is open at once.
    """
    if plan.options.opens_anew and trial.handshakes is not None and trial.handshakes.mean is not None:
        return trial.handshakes.mean
    return raw.path.opening_seconds(plan.options)


def seconds_to_clients(raw: Raw, trial: Trial) -> float | None:
    """Return the mean time from making to the first client, without using any latency; None when unknown.

    It is the sum of the time to the server, half of the server's time for an update without any client, half of the
    least round trip that the kernel saw, and the path's delay. How much of the server's time is before the first send
    is not known, so half of it is taken.
    """
    at_server, traffic = seconds_to_server(trial), raw.account.traffic[1]
    if at_server is None or trial.server.cpu_seconds is None or not trial.updates:
        return None
    trip_seconds = traffic.round_trip_us / traffic.connections * US if traffic.connections else 0.0
    before_seconds = min(alone_seconds(trial), MOST_ALONE_SECONDS)
    return at_server + before_seconds / 2 + trip_seconds / 2 + raw.path.delay_seconds


def link_to_pushed(plan: Plan, raw: Raw, trial: Trial) -> LinkModel:
    """Return the link of clients that listen. What the server sent tells how long an update is on the wire."""
    counted, path = trial.bytes, raw.path
    update_bytes = 0.0
    if counted.application_out is not None and trial.expected:  # what has arrived may have been sent before the window
        update_bytes = max(0, counted.application_out - (counted.heartbeat or 0)) / trial.expected
    return LinkModel(
        path.jitter_seconds,
        path.bandwidth_bits_per_second,
        path.held_back_bytes(plan.transport),
        update_bytes,
        path.held_back_seconds(plan.transport),
        SEGMENT_BYTES if raw.measured.full.kernel_of == "container" else 0,  # loopback has no segment that is filled
    )


def link_to_asking(raw: Raw) -> LinkModel:
    """Return the link of clients that ask."""
    return LinkModel(raw.path.jitter_seconds, raw.path.bandwidth_bits_per_second)


class AnswerSizes(NamedTuple):
    """Bytes on the wire of those that ask: a request, an answer on average, what is not an update in it, an update."""

    request: float
    answer: float
    head: float
    update: float


def answer_sizes_of(raw: Raw, trial: Trial) -> AnswerSizes:
    """Return what requests and answers have, by the server's counts; nothing where it does not count."""
    counted, epochs = trial.bytes, raw.truth.epochs
    if counted.application_in is None or counted.application_out is None or not trial.requests:
        return AnswerSizes(0.0, 0.0, 0.0, 0.0)
    update = (counted.payload or 0) / max(1, trial.arrived)
    if epochs and epochs[-1].seq and raw.path.compression == "off":
        last = epochs[-1]
        update += len(encode_update(Update(last.epoch, last.seq[-1], last.ts[-1], "", last.channel))) + 1
    answer = counted.application_out / trial.requests
    head = max(0.0, answer - update * trial.arrived / trial.requests)
    return AnswerSizes(counted.application_in / trial.requests, answer, head, update)


def busy_seconds(trial: Trial) -> float:
    """Return how long the server needs for an update: running, and waiting for a core."""
    return ((trial.server.cpu_seconds or 0.0) + (trial.server.waited_seconds or 0.0)) / trial.updates


def alone_seconds(trial: Trial) -> float:
    """Return how long it needs for an update without any client, including all its other work, for each update."""
    alone = (trial.server.idle_utilisation or 0.0) * trial.window_seconds / trial.updates
    return min(alone, busy_seconds(trial))


def upkeep_seconds(trial: Trial) -> float:
    """Return how long its upkeep of connections takes for each update, 0 when it is not known.

    No update waits for all of it: looks, heartbeats and pings have their own times.
    """
    return (trial.server.upkeep_utilisation or 0.0) * trial.window_seconds / trial.updates


def first_seconds_of(spreads: Sequence[Spread]) -> float:
    """Return the typical update's time from its making to its first arrival."""
    return median(spread.least_ns for spread in spreads) / NS_PER_SECOND


def send_seconds_of(spreads: Sequence[Spread], jitter_seconds: float = 0.0) -> float:
    """Return the typical update's time for one send, from its first arrival to its last.

    A jitter up to J spreads n arrivals over J(n − 1)/(n + 1) on average. What is left is the fan-out's.
    """
    sends = (
        (spread.most_ns - spread.least_ns) / max(1, spread.clients - 1) - to_ns(jitter_seconds) / (spread.clients + 1)
        for spread in spreads
    )
    return max(0.0, median(sends) / NS_PER_SECOND)


def clients_of(trial: Trial) -> int:
    """Return how many clients there were, on average over the window."""
    return round(trial.client_seconds / trial.window_seconds)


def cost_seconds_of(trial: Trial, count: int) -> float | None:
    """Return the server's CPU time for each of `count` deliveries or polls, None when it is not known."""
    cpu_seconds = trial.server.cpu_seconds
    return cpu_seconds / count if cpu_seconds is not None and count else None


def failed_fraction_of(trial: Trial) -> float:
    """Return the part of all requests that was answered with an error."""
    return trial.responses["error"] / trial.requests if trial.requests else 0.0


def made_ns_of(truth: Truth, channel: str = "") -> list[int]:
    """Return the making times of a channel in all epochs, in order."""
    return [ts for made in truth.epochs if made.channel == channel for ts in made.ts]


def read_together(made_ns: list[int], window: Window, count: int) -> list[int]:
    """Return making times as the server has read them: `count` updates of the window came with the previous one.

    These are assumed to be the updates that were made closest together. Waiting clients get them in one answer.
    """
    pairs = [index for index in range(1, len(made_ns)) if window.has(made_ns[index])]
    pairs.sort(key=lambda index: made_ns[index] - made_ns[index - 1])
    seen_ns = list(made_ns)
    for index in sorted(pairs[:count], reverse=True):
        seen_ns[index - 1] = seen_ns[index]
    return seen_ns
