"""The figures of an experiment over its repeats: means with intervals, and paired comparisons."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import FIGURES, PRIMARY
from wirerace.analysis.student import t_within
from wirerace.record.result import Compared, Declared, Interval, Result, Summary
from wirerace.transports import TRANSPORTS

CONFIDENCE = 0.95
LEAST_REPEATS = 3
LARGEST = 1e150
"""Of what can be squared."""
"""Two repeats tell next to nothing of their spread: the interval would be 12.7 standard errors wide."""


class Contestant(NamedTuple):
    """A transport at one setting: what is compared."""

    transport: str
    variant: str


def summarised(result: Result) -> Summary:
    """Return all figures over the repeats that count, and each contestant compared with the first one."""
    first, *others = contestants_of(result) or [Contestant("", "")]
    figures = figures_of(result)
    pairs = [(contestant, first, figure) for contestant in others for figure in figures if not figure.total]
    return Summary(
        repeats=len({trial.repeat for trial in result.counted}),
        confidence=CONFIDENCE,
        figures={
            key_of(contestant): {figure.id: over_repeats(result, contestant, figure) for figure in figures}
            for contestant in contestants_of(result)
        },
        compared=[compared for pair in pairs if (compared := _compared(result, *pair, len(others))) is not None],
        declared={
            figure.id: Declared(figure.unit, figure.better, figure.label, figure.about, figure.primary)
            for figure in figures
        },
        primary_comparisons=len(PRIMARY) * len(others),
        invalid_trials=sum(not trial.is_valid for trial in result.counted),
    )


def confidence_of(figure: Figure, others: int) -> float:
    """Return the confidence of each comparison of a figure, where `others` counts the contestants beside the first.

    Primary figures share the 5 %: with Bonferroni's correction all of their intervals together hold with 95 %,
    whatever depends on what. An exploratory figure has its 95 % for itself alone.
    """
    return 1 - (1 - CONFIDENCE) / (len(PRIMARY) * others) if figure.primary else CONFIDENCE


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


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of values and its confidence interval.

    Student's t: right for few repeats that vary about normally, whatever their spread. None under three of them. Of
    numbers whose squares no float can hold, which only an edited result has, nothing is known.
    """
    if not max(map(abs, values)) < LARGEST:
        return Interval(None, None, None)
    mean = fmean(values)
    if len(values) < LEAST_REPEATS:
        return Interval(mean, None, None)
    half = t_within(confidence, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def _compared(result: Result, one: Contestant, other: Contestant, figure: Figure, others: int) -> Compared | None:
    """Return a figure of one against another, from the repeats in which both have it: same schedule, same machine."""
    ones, twos = (_by_repeat(result, contestant, figure) for contestant in (one, other))
    pairs = [(a, b) for repeat, a in ones.items() if a is not None and (b := twos.get(repeat)) is not None]
    if not pairs:
        return None
    ratio, difference = compared_in_pairs(pairs, confidence := confidence_of(figure, others))
    return Compared(figure.id, key_of(one), key_of(other), ratio, difference, figure.primary, confidence)


def compared_in_pairs(pairs: Sequence[tuple[float, float]], confidence: float) -> tuple[Interval | None, Interval]:
    """Return the ratio of pairs, None where one is not above 0, and their difference.

    Ratios multiply: their logarithms are averaged, and vary about normally.
    """
    ratio = None
    if all(a > 0 and b > 0 for a, b in pairs):
        logs = interval([math.log(a / b) for a, b in pairs], confidence)
        ratio = Interval(*map(_exponential, (logs.mean, logs.low, logs.high)))
    return ratio, interval([a - b for a, b in pairs], confidence)


def _exponential(logarithm: float | None) -> float | None:
    """Return a ratio by its logarithm; None when it is unknown, or no float can hold it."""
    return math.exp(logarithm) if logarithm is not None and logarithm < math.log(LARGEST) else None


def _by_repeat(result: Result, contestant: Contestant, figure: Figure) -> Mapping[int, float | None]:
    return {
        trial.repeat: figure.of(trial) for trial in result.counted if (trial.transport, trial.variant) == contestant
    }
