"""The figures of an experiment over its repeats: means with intervals, and paired comparisons."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import FIGURES, PRIMARY
from wirerace.analysis.student import t_within
from wirerace.analysis.visit_figures import VISIT_FIGURES
from wirerace.record.result import Compared, Declared, Interval, Result, Summary

CONFIDENCE = 0.95
LEAST_REPEATS = 3
"""Two repeats say almost nothing about their spread: the interval would be 12.7 standard errors wide."""
OF_VISITORS_TOO = {
    "reach",
    "latency.mean",
    "latency.p99",
    "reader_lag.mean",
    "responses.empty",
    "traffic",
    "server.busy",
    "server.cpu_idle",
    "server.cpu_upkeep",
    "handshakes.count",
    "handshakes.resumed",
    "handshakes.mean",
    "handshakes.p99",
    "reverse_proxy.utilisation",
    "reverse_proxy.memory",
    "connections.broken",
    "return.mean",
    "return.p99",
    "lost",
    "duplicated",
    "reordered",
}
"""The figures of clients that stay that make sense with visitors; none of them is primary there."""
LARGEST = 1e150
"""The largest number that is squared."""


def summarised(result: Result, points: int = 1) -> Summary:
    """Return all figures over the repeats that count, and each contestant compared with the first one.

    The result is that of one point of a sweep; `points` is the number of points, each with its own comparisons.
    """
    ids = [contestant.id for contestant in result.present]
    others, figures = ids[1:], figures_of(result)
    comparisons = len(primary_of(result)) * len(others) * points
    pairs = [(one, ids[0], figure) for one in others for figure in figures if not figure.total]
    return Summary(
        repeats=len({trial.repeat for trial in result.counted}),
        confidence=CONFIDENCE,
        figures={one: {figure.id: over_repeats(result, one, figure) for figure in figures} for one in ids},
        compared=[compared for pair in pairs if (compared := _compared(result, *pair, comparisons)) is not None],
        declared={
            figure.id: Declared(figure.unit, figure.better, figure.label, figure.about, figure.primary)
            for figure in figures
        },
        primary_comparisons=comparisons,
        invalid_trials=sum(not trial.is_valid for trial in result.counted),
    )


def summarise(result: Result) -> None:
    """Set the summary of every point of a result."""
    for index, point in enumerate(result.points):
        point.summary = summarised(result.at(index), len(result.points))


def confidence_of(figure: Figure, comparisons: int) -> float:
    """Return the confidence of each comparison of a figure, if `comparisons` of primary figures are made in all.

    Primary figures share the 5 %: with Bonferroni's correction, all of their intervals together hold with 95 %, even if
    they depend on each other. An exploratory figure has a confidence of 95 % by itself.
    """
    return 1 - (1 - CONFIDENCE) / comparisons if figure.primary else CONFIDENCE


def figures_of(result: Result) -> list[Figure]:
    """Return the figures that are worth a row."""
    figures = possible_figures(result)
    return [figure for figure in figures if not figure.if_any or any(figure.of(trial) for trial in result.counted)]


def possible_figures(result: Result) -> Sequence[Figure]:
    """Return the figures that such clients can have: those that stay, or visitors."""
    if not has_visitors(result):
        return FIGURES
    return [*VISIT_FIGURES, *(figure._replace(primary=False) for figure in FIGURES if figure.id in OF_VISITORS_TOO)]


def primary_of(result: Result) -> Sequence[Figure]:
    """Return the primary figures of a result: those of clients that stay, or of visitors."""
    return tuple(figure for figure in VISIT_FIGURES if figure.primary) if has_visitors(result) else PRIMARY


def has_visitors(result: Result) -> bool:
    """Return whether a result is of visitors."""
    return any(trial.visits is not None for trial in result.counted)


def over_repeats(result: Result, contestant: str, figure: Figure) -> Interval:
    """Return a figure over a contestant's repeats: the sum of counts, or the mean; unknown if any value is."""
    values = [figure.of(trial) for trial in result.counted if trial.contestant == contestant]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return Interval(None, None, None)
    if figure.total:
        return Interval(sum(known), None, None)
    return interval(known)


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of values and its confidence interval.

    It uses Student's t, which is right for few repeats that vary about normally, with any spread. The ends are None
    below three repeats, and for numbers whose squares no float can hold, which only an edited result has.
    """
    if not max(map(abs, values)) < LARGEST:
        return Interval(None, None, None)
    mean = fmean(values)
    if len(values) < LEAST_REPEATS:
        return Interval(mean, None, None)
    half = t_within(confidence, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def _compared(result: Result, one: str, other: str, figure: Figure, comparisons: int) -> Compared | None:
    """Return a figure of one against another, from the repeats in which both have it, with one schedule and machine."""
    ones, twos = (_by_repeat(result, contestant, figure) for contestant in (one, other))
    pairs = [(a, b) for repeat, a in ones.items() if a is not None and (b := twos.get(repeat)) is not None]
    if not pairs:
        return None
    ratio, difference = compared_in_pairs(pairs, confidence := confidence_of(figure, comparisons))
    return Compared(figure.id, one, other, ratio, difference, figure.primary, confidence)


def compared_in_pairs(pairs: Sequence[tuple[float, float]], confidence: float) -> tuple[Interval | None, Interval]:
    """Return the ratio of pairs, None if a value is not above 0, and their difference.

    Ratios multiply, so their logarithms are averaged. These vary about normally.
    """
    ratio = None
    if all(a > 0 and b > 0 and a / b > 0 for a, b in pairs):  # no float is as small as some ratios
        logs = interval([math.log(a / b) for a, b in pairs], confidence)
        ratio = Interval(*map(_exponential, (logs.mean, logs.low, logs.high)))
    return ratio, interval([a - b for a, b in pairs], confidence)


def _exponential(logarithm: float | None) -> float | None:
    """Return a ratio from its logarithm; None when it is unknown, or too large for a float."""
    return math.exp(logarithm) if logarithm is not None and logarithm < math.log(LARGEST) else None


def _by_repeat(result: Result, contestant: str, figure: Figure) -> Mapping[int, float | None]:
    return {trial.repeat: figure.of(trial) for trial in result.counted if trial.contestant == contestant}
