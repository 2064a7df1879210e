"""The figures of an experiment, transports side by side: each trial's, and their mean over repeats."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wirerace.experiment.record import Result
from wirerace.experiment.trial import Trial
from wirerace.transports import TRANSPORTS


class Figure(NamedTuple):
    """One comparable quantity of a trial; None where the trial has none.

    `total` figures add up over repeats; `if_any` figures are worth a row only where some trial has one that is not 0.
    """

    name: str
    unit: str
    of: Callable[[Trial], float | None]
    total: bool = False
    if_any: bool = False


class Contestant(NamedTuple):
    """A transport at one setting: what is compared."""

    transport: str
    variant: str


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
    Figure("connections cut or broken", "count", lambda trial: trial.return_seconds.count, total=True, if_any=True),
    Figure("until they were back, mean", "seconds", lambda trial: trial.return_seconds.mean, if_any=True),
    Figure("until they were back, p99", "seconds", lambda trial: trial.return_seconds.p99, if_any=True),
    Figure("lost", "count", lambda trial: trial.lost, total=True),
    Figure("duplicated", "count", lambda trial: trial.duplicated, total=True),
    Figure("reordered", "count", lambda trial: trial.reordered, total=True),
)


def contestants_of(result: Result) -> list[Contestant]:
    """Return what was compared, in the order in which the experiment names it."""
    found = dict.fromkeys(Contestant(trial.transport, trial.variant) for trial in result.counted)
    transports = [*result.experiment.get("transports", ()), *TRANSPORTS]
    variants = ["", *result.experiment.get("variants", ()), *(one.variant for one in found)]
    return sorted(found, key=lambda one: (transports.index(one.transport), variants.index(one.variant)))


def figures_of(result: Result) -> list[Figure]:
    """Return the figures that are worth a row."""
    return [figure for figure in FIGURES if not figure.if_any or any(figure.of(trial) for trial in result.trials)]


def over_repeats(result: Result, contestant: Contestant, figure: Figure) -> float | None:
    """Return a figure over a contestant's repeats: the sum of counts, else the mean; None when any is unknown."""
    trials = [trial for trial in result.trials if (trial.transport, trial.variant) == contestant]
    return _over([figure.of(trial) for trial in trials], total=figure.total)


def _over(values: Sequence[float | None], *, total: bool) -> float | None:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return sum(known) if total else sum(known) / len(known)
