"""The figures of an experiment, transports side by side: each trial's, and their mean over repeats."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wirerace.experiment.record import Result, Trial


class Figure(NamedTuple):
    """One comparable quantity of a trial; None where the trial has none. `total` figures add up over repeats."""

    name: str
    unit: str
    of: Callable[[Trial], float | None]
    total: bool = False


def _empty_fraction(trial: Trial) -> float | None:
    answered = trial.responses["data"] + trial.responses["empty"]
    return trial.responses["empty"] / answered if answered else None


def _bytes_per_delivery(trial: Trial) -> float | None:
    received, sent = trial.bytes.application_in, trial.bytes.application_out
    return (received + sent) / trial.arrived if received is not None and sent is not None and trial.arrived else None


FIGURES = (
    Figure("reach", "fraction", lambda trial: trial.reach),
    Figure("mean latency", "seconds", lambda trial: trial.latency_seconds.mean),
    Figure("p50 latency", "seconds", lambda trial: trial.latency_seconds.p50),
    Figure("p99 latency", "seconds", lambda trial: trial.latency_seconds.p99),
    Figure("mean age", "seconds", lambda trial: trial.age_seconds.mean),
    Figure("requests per delivery", "ratio", lambda trial: trial.requests / trial.arrived if trial.arrived else None),
    Figure("empty responses", "fraction", _empty_fraction),
    Figure("bytes per delivery", "bytes", _bytes_per_delivery),
    Figure("server CPU per delivery", "microseconds", lambda trial: trial.server.cpu_us_per_delivery),
    Figure("memory per client", "bytes", lambda trial: trial.server.bytes_per_client),
    Figure("lost", "count", lambda trial: trial.lost, total=True),
    Figure("duplicated", "count", lambda trial: trial.duplicated, total=True),
    Figure("reordered", "count", lambda trial: trial.reordered, total=True),
)


def of_transport(result: Result, transport: str, figure: Figure) -> float | None:
    """Return a figure over the repeats of one transport: the sum of counts, else the mean; None when any is unknown."""
    return _over([figure.of(trial) for trial in result.trials if trial.transport == transport], total=figure.total)


def _over(values: Sequence[float | None], *, total: bool) -> float | None:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return sum(known) if total else sum(known) / len(known)
