"""Recovery: how long clients should be without an update made after a fault, from back-off, jitter and polls alone."""

import random
from collections.abc import Callable
from typing import NamedTuple

from wirerace.backoff import OF_CLIENTS, OF_FEED, Backoff
from wirerace.experiment.faults import Fault
from wirerace.streams import stream

DRAWS = 2000
"""The mean of a law without a closed form is that of this number of draws: exact to some 2 % of its deviation."""
Draw = Callable[[random.Random], float]


class After(NamedTuple):
    """What is known of a fault and its clients.

    The first update made after the fault was over came `made_seconds` after the fault happened. Clients ask every
    `period_seconds`; 0 for clients that need not ask. `exchange_seconds` is how long a new connection takes to its
    first answer. A part that was started again was up after `down_seconds`, None if that is not known.
    """

    made_seconds: float
    period_seconds: float
    exchange_seconds: float
    down_seconds: float | None = None


class Law(NamedTuple):
    """When clients are connected again after a fault: drawn from `back`, and `most` at the latest."""

    back: Draw
    most: float


NEVER_AWAY = Law(lambda _: -1.0, 0.0)
"""The law of a fault that breaks no connection."""


def mean_recovery(law: Law, after: After) -> float:
    """Return how long a client is without an update made after the fault, on average."""
    source = stream(0, "recovery")
    total = 0.0
    for _ in range(DRAWS):
        back = law.back(source)
        # One that is back later gets it with its first answer. One that is back sooner waits for it, or for its poll.
        waits = after.made_seconds + source.uniform(0, after.period_seconds)
        total += back if back >= after.made_seconds else waits
    return total / DRAWS


def most_recovery(law: Law, after: After) -> float:
    """Return the longest time that a client should be without an update made after the fault."""
    return max(law.most, after.made_seconds + after.period_seconds) + after.exchange_seconds


def law_of(fault: Fault, after: After) -> Law | None:
    """Return when clients are connected again after a fault; None if it is not known how long the part was down."""
    if fault.on == "broker":  # servers are away from their feed, and how long depends on two links
        return None
    exchange, period = after.exchange_seconds, after.period_seconds
    match fault.kind, fault.on:
        case "cut", "clients":
            jitter = fault.jitter_seconds
            return Law(lambda source: source.uniform(0, jitter) + exchange, jitter)
        case "cut", _ if not period:  # a poller opens another connection at its next poll, and was not away
            least = OF_CLIENTS.least_seconds
            return Law(lambda source: least * source.uniform(0.5, 1) + exchange, least)
        case "drop", _:
            # The server is away, for all clients alike. Pollers then wait for their next poll.
            lasts = fault.lasts_seconds
            most = lasts + pause_at(lasts, OF_FEED) + period
            return Law(lambda source: attempt_after(lasts, 0.0, OF_FEED, source) + source.uniform(0, period), most)
        case "kill" | "restart", _:
            return None if fault.on == "producer" else _law_of_death(after)
    return NEVER_AWAY


def _law_of_death(after: After) -> Law | None:
    """Return when clients are connected again to a part that was started again."""
    down, period = after.down_seconds, after.period_seconds
    if down is None:
        return None
    # A poller notices at its next poll, the others at once.
    return Law(
        lambda source: attempt_after(down, source.uniform(0, period), OF_CLIENTS, source) + after.exchange_seconds,
        down + max(pause_at(down, OF_CLIENTS), period + OF_CLIENTS.least_seconds),
    )


def attempt_after(down_seconds: float, from_seconds: float, backoff: Backoff, source: random.Random) -> float:
    """Return when the first attempt takes place that finds the other side up again, `down_seconds` after the fault.

    Attempts begin after a pause from `from_seconds` on. The pauses double, and jitter makes each up to half as short.
    """
    pause, at = backoff.least_seconds, from_seconds
    while at < down_seconds or at == from_seconds:
        at += pause * source.uniform(0.5, 1)
        pause = min(2 * pause, backoff.most_seconds)
    return at


def pause_at(down_seconds: float, backoff: Backoff) -> float:
    """Return the longest pause that may be under way `down_seconds` after the first one began.

    With the largest jitter the pauses before the k-th took half of (2^k − 1) times the least.
    """
    pause, begun = backoff.least_seconds, 0.0
    while (begun := begun + 0.5 * pause) < down_seconds and pause < backoff.most_seconds:
        pause = min(2 * pause, backoff.most_seconds)
    return pause
