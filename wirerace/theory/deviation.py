"""Sampling deviation: by how much predictions given a schedule vary between windows by chance."""

import math
from collections.abc import Callable, Iterator
from itertools import takewhile
from statistics import stdev
from typing import Any

import msgspec

from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.record.trial import QUANTITIES
from wirerace.streams import stream
from wirerace.theory.closed_forms import Arrivals, closed_arrivals
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.recorded import Recorded
from wirerace.transports.transport import TransportOptions
from wirerace.workload.schedule import Schedule, Source, due_times

Predict = Callable[[Arrivals, DeliveryPath, Any], Prediction]
"""The last argument is the transport's own options."""

LEAST_SCHEDULES, MOST_SCHEDULES = 20, 200
MOST_STEPS = 60_000  # updates and answers simulated in all, unless they are too few for the fewest schedules
ENOUGH_UPDATES = 1_000
ENOUGH_PAUSES = 5


def sampling_deviation(
    predict: Predict, source: Source, path: DeliveryPath, options: TransportOptions, window_seconds: float
) -> Prediction | None:
    """Return by how much predictions given a schedule vary from one window of this length to another.

    It is the standard deviation of each quantity over schedules from the producer's own generator. They have only the
    source in common with the trial's schedule, and their windows begin at a random phase. None if there is no closed
    form.

    A window of more than 1,000 updates is simulated by a shorter one, of at least five client pauses. The variance is
    proportional to the inverse of the length, if that is long compared with the process's memory.
    """
    arrivals = closed_arrivals(source)
    if arrivals is None:
        return None
    rate, pause_seconds = source.rate_per_second, options.pause_seconds
    simulated_seconds = min(window_seconds, max(ENOUGH_UPDATES / rate, ENOUGH_PAUSES * pause_seconds))
    lead_seconds = max(ENOUGH_PAUSES * pause_seconds + path.push_seconds, 10 / rate)
    answers_per_second = predict(arrivals, path, options).responses_per_client_second or 0.0
    steps = (simulated_seconds + lead_seconds) * (rate + answers_per_second)
    schedules = max(LEAST_SCHEDULES, min(MOST_SCHEDULES, int(MOST_STEPS / steps)))
    found = [
        predict(made, path, options) for made in _other_schedules(source, schedules, lead_seconds, simulated_seconds)
    ]
    independent = min(source.channels, max(1, path.clients))  # the schedules of several channels
    scale = math.sqrt(simulated_seconds / window_seconds / independent)
    return msgspec.structs.replace(Prediction(), **{name: _deviation(found, name, scale) for name in QUANTITIES})


def _other_schedules(source: Source, count: int, lead_seconds: float, window_seconds: float) -> Iterator[Recorded]:
    """Yield possible records of the producer: a priming update, the lead, the window."""
    phases = stream(1, "window phases")
    for seed in range(2**50, 2**50 + count):  # far from the seeds of experiments
        schedule = Schedule(rate_per_second=source.rate_per_second, arrivals=source.arrivals, seed=seed)
        from_ns = to_ns(lead_seconds + phases.random() / source.rate_per_second)
        window = Window(from_ns, from_ns + to_ns(window_seconds))
        made_ns = [0, *takewhile(window.to_ns.__gt__, due_times(schedule, 0))]
        yield Recorded(window, made_ns, replayed=MOST_STEPS // count)


def _deviation(found: list[Prediction], name: str, scale: float) -> float | None:
    values = [value for prediction in found if (value := getattr(prediction, name)) is not None]
    return stdev(values) * scale if len(values) > 1 else None
