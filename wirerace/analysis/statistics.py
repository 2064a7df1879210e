"""The figures of an experiment over its repeats: means with intervals, and paired comparisons."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from wirerace.analysis.student import t_within
from wirerace.experiment.record import Compared, Interval, Result, Summary
from wirerace.experiment.trial import Trial
from wirerace.transports import TRANSPORTS

CONFIDENCE = 0.95
LEAST_REPEATS = 3
"""Two repeats tell next to nothing of their spread: the interval would be 12.7 standard errors wide."""


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


def _per_delivery(amount: float | None, trial: Trial) -> float | None:
    return amount / trial.arrived if amount is not None and trial.arrived else None


def _application_bytes(trial: Trial) -> float | None:
    received, sent = trial.bytes.application_in, trial.bytes.application_out
    return _per_delivery(received + sent, trial) if received is not None and sent is not None else None


def _ip_bytes(trial: Trial) -> float | None:
    received, sent = trial.bytes.ip_in, trial.bytes.ip_out
    return _per_delivery(received + sent, trial) if received is not None and sent is not None else None


FIGURES = (
    Figure("reach", "fraction", lambda trial: trial.reach),
    Figure("mean latency", "seconds", lambda trial: trial.latency_seconds.mean),
    Figure("of it, made late", "seconds", lambda trial: trial.latency_parts_seconds.producer),
    Figure("of it, feed", "seconds", lambda trial: trial.latency_parts_seconds.feed),
    Figure("of it, delivery", "seconds", lambda trial: trial.latency_parts_seconds.delivery),
    Figure("p50 latency", "seconds", lambda trial: trial.latency_seconds.p50),
    Figure("p99 latency", "seconds", lambda trial: trial.latency_seconds.p99),
    Figure("reader lag, apart", "seconds", lambda trial: trial.latency_parts_seconds.reader),
    Figure("mean age", "seconds", lambda trial: trial.age_seconds.mean),
    Figure("requests per delivery", "ratio", lambda trial: _per_delivery(trial.requests, trial)),
    Figure("empty responses", "fraction", lambda trial: trial.empty_fraction),
    Figure("bytes per delivery", "bytes", _application_bytes),
    Figure("the same, IP layer", "bytes", _ip_bytes),
    Figure("server CPU per delivery", "microseconds", lambda trial: trial.server.cpu_us_per_delivery),
    Figure("server CPU, no clients", "fraction", lambda trial: trial.server.idle_utilisation),
    Figure("memory per client", "bytes", lambda trial: trial.server.bytes_per_client),
    Figure("connections cut or broken", "count", lambda trial: trial.return_seconds.count, total=True, if_any=True),
    Figure("until they were back, mean", "seconds", lambda trial: trial.return_seconds.mean, if_any=True),
    Figure("until they were back, p99", "seconds", lambda trial: trial.return_seconds.p99, if_any=True),
    Figure("lost", "count", lambda trial: trial.lost, total=True),
    Figure("duplicated", "count", lambda trial: trial.duplicated, total=True),
    Figure("reordered", "count", lambda trial: trial.reordered, total=True),
)


def summarised(result: Result) -> Summary:
    """Return all figures over the repeats that count, and each contestant compared with the first one."""
    first, *others = contestants_of(result) or [Contestant("", "")]
    figures = figures_of(result)
    return Summary(
        repeats=len({trial.repeat for trial in result.counted}),
        confidence=CONFIDENCE,
        figures={
            title: {figure.name: over_repeats(result, contestant, figure) for figure in figures}
            for title, contestant in ((key_of(contestant), contestant) for contestant in contestants_of(result))
        },
        compared=[
            compared
            for contestant in others
            for figure in figures
            if not figure.total and (compared := _compared(result, contestant, first, figure)) is not None
        ],
    )


def key_of(contestant: Contestant) -> str:
    """Return what a contestant is called in result.json."""
    return f"{contestant.transport}-{contestant.variant}" if contestant.variant else contestant.transport


def contestants_of(result: Result) -> list[Contestant]:
    """Return what was compared, in the order in which the experiment names it."""
    found = dict.fromkeys(Contestant(trial.transport, trial.variant) for trial in result.counted)
    transports = [*result.experiment.get("transports", ()), *TRANSPORTS]
    variants = ["", *result.experiment.get("variants", ()), *(one.variant for one in found)]
    return sorted(found, key=lambda one: (transports.index(one.transport), variants.index(one.variant)))


def figures_of(result: Result) -> list[Figure]:
    """Return the figures that are worth a row."""
    return [figure for figure in FIGURES if not figure.if_any or any(figure.of(trial) for trial in result.counted)]


def over_repeats(result: Result, contestant: Contestant, figure: Figure) -> Interval:
    """Return a figure over a contestant's repeats: the sum of counts, else the mean; unknown when any is."""
    values = [figure.of(trial) for trial in result.counted if (trial.transport, trial.variant) == contestant]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return Interval(None, None, None)
    if figure.total:
        return Interval(sum(known), None, None)
    return interval(known)


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values and its confidence interval.

    Student's t: right for few repeats that vary about normally, whatever their spread. None under three of them.
    """
    mean = fmean(values)
    if len(values) < LEAST_REPEATS:
        return Interval(mean, None, None)
    half = t_within(CONFIDENCE, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def _compared(result: Result, one: Contestant, other: Contestant, figure: Figure) -> Compared | None:
    """Return a figure of one against another, from the repeats in which both have it: same schedule, same machine."""
    ones, others = (_by_repeat(result, contestant, figure) for contestant in (one, other))
    pairs = [(a, b) for repeat, a in ones.items() if a is not None and (b := others.get(repeat)) is not None]
    if not pairs:
        return None
    ratio = None
    if all(a > 0 and b > 0 for a, b in pairs):
        # Ratios multiply: their logarithms are averaged, and vary about normally.
        logs = interval([math.log(a / b) for a, b in pairs])
        ratio = Interval(*(None if value is None else math.exp(value) for value in (logs.mean, logs.low, logs.high)))
    return Compared(figure.name, key_of(one), key_of(other), ratio, interval([a - b for a, b in pairs]))


def _by_repeat(result: Result, contestant: Contestant, figure: Figure) -> Mapping[int, float | None]:
    return {
        trial.repeat: figure.of(trial) for trial in result.counted if (trial.transport, trial.variant) == contestant
    }
