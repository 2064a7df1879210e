"""Predictions: what each transport should measure. One function a transport; docs/theory.md derives them.

Two kinds: from `closed_arrivals`, for the nominal rate, to be read with `sampling_deviation`; and from `Recorded`,
given this schedule.
"""

import math
from collections.abc import Callable, Iterator
from itertools import takewhile
from statistics import stdev
from typing import Any

import msgspec

from wirerace.analysis import conditions
from wirerace.analysis.closed_forms import Arrivals, Periodic, Poisson
from wirerace.analysis.delays import Way
from wirerace.analysis.made import Recorded
from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.record.trial import QUANTITIES, Condition
from wirerace.streams import stream
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.transport import TransportOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Schedule, Source, due_times


class Prediction(msgspec.Struct, frozen=True):
    """Means that theory expects. None: does not apply, or no closed form is known.

    `updates_per_response` counts answers that hold any; a WebSocket's response is a frame. `conditions` are those under
    which the means hold, with the values that they have here.
    """

    latency_seconds: float | None = None
    age_seconds: float | None = None
    empty_fraction: float | None = None
    updates_per_response: float | None = None
    responses_per_client_second: float | None = None
    conditions: tuple[Condition, ...] = ()


def polling(arrivals: Arrivals, way: Way, options: PollingOptions) -> Prediction:
    """Return what clients find that ask at a fixed rate, each with a random phase."""
    interval_seconds = options.interval_seconds
    empty = arrivals.empty_fraction(interval_seconds)
    return Prediction(
        latency_seconds=interval_seconds / 2 + way.delay_seconds,
        age_seconds=arrivals.age_seconds(way.delay_seconds, interval_seconds),
        empty_fraction=empty,
        updates_per_response=arrivals.updates_per_poll(interval_seconds) / (1 - empty) if empty < 1 else None,
        responses_per_client_second=1 / interval_seconds,
        conditions=conditions.polling(way, options),
    )


def longpolling(arrivals: Arrivals, way: Way, options: LongPollingOptions) -> Prediction:
    """Return what clients find that are held, and away for a re-poll gap after each answer."""
    if not way.repoll_seconds:
        return Prediction()
    polls = arrivals.long_polled(way.repoll_seconds, options.hold_seconds, way.push_seconds)
    if polls is None:
        return Prediction()
    return Prediction(
        latency_seconds=None if polls.wait_seconds is None else polls.wait_seconds + way.push_seconds,
        age_seconds=polls.age_seconds,
        empty_fraction=polls.empty_fraction,
        updates_per_response=polls.updates_per_response,
        responses_per_client_second=polls.responses_per_second,
        conditions=conditions.longpolling(arrivals.rate_per_second, way),
    )


def websocket(arrivals: Arrivals, way: Way, options: WebSocketOptions) -> Prediction:  # noqa: ARG001 -- as its neighbours
    """Return what clients find that listen."""
    return Prediction(
        latency_seconds=way.push_seconds,
        age_seconds=arrivals.age_seconds(way.push_seconds),
        updates_per_response=1.0,
        responses_per_client_second=arrivals.rate_per_second,
        conditions=conditions.websocket(arrivals.rate_per_second, way),
    )


Predict = Callable[[Arrivals, Way, Any], Prediction]
"""The last argument is the transport's own options."""

PREDICTIONS: dict[str, Predict] = {"polling": polling, "longpolling": longpolling, "websocket": websocket}


def closed_arrivals(source: Source) -> Arrivals | None:
    """Return the arrivals of a source for which there are closed forms, else None: bursts and traces have none."""
    match source.arrivals:
        case "poisson":
            return Poisson(source.rate_per_second)
        case "periodic":
            return Periodic(source.rate_per_second)
        case _:
            return None


LEAST_SCHEDULES, MOST_SCHEDULES = 20, 200
MOST_STEPS = 60_000  # updates and answers simulated in all, unless they are too few for the fewest schedules
ENOUGH_UPDATES = 1_000
ENOUGH_PAUSES = 5


def sampling_deviation(
    transport: str, source: Source, way: Way, options: TransportOptions, window_seconds: float
) -> Prediction | None:
    """Return by how much predictions given a schedule vary from one window of this length to another.

    The standard deviation of each quantity over schedules of the producer's own generator, which share nothing with the
    trial's but the source; their windows begin at a random phase. None where there is no closed form to vary about.

    A window of more than 1,000 updates is simulated by a shorter one, of at least five client pauses: variances go
    with the inverse of the length as soon as it is long against everything that the process remembers.
    """
    arrivals = closed_arrivals(source)
    if arrivals is None:
        return None
    predict, rate, pause_seconds = PREDICTIONS[transport], source.rate_per_second, options.pause_seconds
    simulated_seconds = min(window_seconds, max(ENOUGH_UPDATES / rate, ENOUGH_PAUSES * pause_seconds))
    lead_seconds = max(ENOUGH_PAUSES * pause_seconds + way.push_seconds, 10 / rate)
    answers_per_second = predict(arrivals, way, options).responses_per_client_second or 0.0
    steps = (simulated_seconds + lead_seconds) * (rate + answers_per_second)
    schedules = max(LEAST_SCHEDULES, min(MOST_SCHEDULES, int(MOST_STEPS / steps)))
    found = [
        predict(made, way, options) for made in _other_schedules(source, schedules, lead_seconds, simulated_seconds)
    ]
    scale = math.sqrt(simulated_seconds / window_seconds)
    return msgspec.structs.replace(Prediction(), **{name: _deviation(found, name, scale) for name in QUANTITIES})


def _other_schedules(source: Source, count: int, lead_seconds: float, window_seconds: float) -> Iterator[Recorded]:
    """Yield records that the producer might have made: a priming update, the lead, the window."""
    phases = stream(1, "window phases")
    for seed in range(2**50, 2**50 + count):  # far from what an experiment names
        schedule = Schedule(rate_per_second=source.rate_per_second, arrivals=source.arrivals, seed=seed)
        from_ns = to_ns(lead_seconds + phases.random() / source.rate_per_second)
        window = Window(from_ns, from_ns + to_ns(window_seconds))
        made_ns = [0, *takewhile(window.to_ns.__gt__, due_times(schedule, 0))]
        yield Recorded(window, made_ns, replayed=MOST_STEPS // count)


def _deviation(found: list[Prediction], name: str, scale: float) -> float | None:
    values = [value for prediction in found if (value := getattr(prediction, name)) is not None]
    return stdev(values) * scale if len(values) > 1 else None
