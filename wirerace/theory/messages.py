"""Messages: a frame leaves at once; a request waits for the answer to the one before it on its client's connection.

The wait of a request is that of a queue with one server and Poisson arrivals (M/G/1), by the formula of Pollaczek and
Khinchine: λE[S²] / (2(1 − ρ)), with ρ = λE[S]. S is the time from the sending of a request to its answer.
"""

from typing import NamedTuple

from wirerace.record.trial import Condition
from wirerace.theory.conditions import checked


class MessagePath(NamedTuple):
    """The way of a message, as it was measured apart from its latency.

    `rate_per_second` is that of one client. `late_seconds` is how late the load woke for a message, on average.
    `trip_seconds` is the round trip, with the opening of a connection where each request opens one. `answer_seconds`
    and `answer_square` are E[S] and E[S²] of requests; a frame waits for nothing, and has None. `relay_seconds` is the
    mean time from the server to the making of the update, None without fan-out.
    """

    rate_per_second: float
    late_seconds: float
    one_way_seconds: float
    trip_seconds: float
    answer_seconds: float | None
    answer_square: float
    relay_seconds: float | None


class MessageTimes(NamedTuple):
    """The means that theory expects, None if it says nothing, and the conditions under which they hold."""

    message_seconds: float | None
    acknowledge_seconds: float | None
    relayed_seconds: float | None
    conditions: tuple[Condition, ...] = ()


def predict(path: MessagePath, delivery_seconds: float | None) -> MessageTimes:
    """Return the means of messages; `delivery_seconds` is the predicted mean latency of updates."""
    wait_seconds: float | None = 0.0
    conditions: tuple[Condition, ...] = ()
    if path.answer_seconds is not None:
        load = path.rate_per_second * path.answer_seconds
        wait_seconds = path.rate_per_second * path.answer_square / (2 * (1 - load)) if load < 1 else None
        conditions = checked(message_load=load)
    message = None if wait_seconds is None else path.late_seconds + wait_seconds + path.one_way_seconds
    relayed = None
    if message is not None and path.relay_seconds is not None and delivery_seconds is not None:
        relayed = message + path.relay_seconds + delivery_seconds
    return MessageTimes(
        message_seconds=message,
        acknowledge_seconds=path.trip_seconds if path.relay_seconds is None else None,
        relayed_seconds=relayed,
        conditions=conditions,
    )
