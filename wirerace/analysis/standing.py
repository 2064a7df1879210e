"""Standing: which contestants are alike in a figure, and which are better, as far as the repeats show it."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from statistics import fmean, geometric_mean
from typing import NamedTuple

from wirerace.analysis.aggregate import CONFIDENCE, LEAST_REPEATS, compared_in_pairs, primary_of
from wirerace.analysis.figure import Figure
from wirerace.record.result import Interval, Result, Summary
from wirerace.record.trial import Trial


class Noise(NamedTuple):
    """The differences that one run cannot show: those below a factor, or below an amount in the figure's unit."""

    factor: float
    amount: float = 0.0


NOISE = {"seconds": Noise(1.5, 0.001), "microseconds": Noise(1.3), "bytes": Noise(1.1), "fraction": Noise(1.3, 0.001)}
"""What one run cannot show, by the unit of a figure.

Repeats of push differ by some tenths of a millisecond on a quiet machine, and by up to two milliseconds on a busy one,
where the trial is in doubt. Costs of the same server differ by a quarter at most.
"""
OTHER_NOISE = Noise(1.1, 0.01)
AGE_NOISE = Noise(1.1, 0.001)
"""All contestants receive the same updates, so ages vary less than latencies."""
IN_DOUBT = 2.0
"""Times and CPU times of a trial in doubt have this many times the amount of noise, and at least this factor."""
WAITING = ("seconds", "microseconds", "fraction")
"""The units of figures that vary with what else the machine does; bytes and requests do not."""
MATTERS = 1.1
"""With intervals, too: contestants that differ by less are alike for everybody who chooses one."""


class Pair(NamedTuple):
    """A figure of one contestant against another, and whether they differ; no ratio if a value is not above 0."""

    ratio: Interval | None
    differ: bool


class Standing(NamedTuple):
    """The contestants that have a figure, best first; those that are not told apart stand in one group."""

    figure: Figure
    means: dict[str, float]
    groups: list[list[str]]
    pairs: dict[tuple[str, str], Pair]

    @property
    def leaders(self) -> set[str]:
        """The best, and all that are not told apart from it."""
        best = next(iter(self.means), "")
        return {one for one in self.means if one == best or not self.pairs[one, best].differ}

    def ratio(self, ones: Iterable[str], others: Iterable[str]) -> Interval | None:
        """Return the ratio of one group to another: its ends include the intervals of all pairs."""
        return ratio_of([self.pairs[one, other] for one in ones for other in others])


def ratio_of(pairs: Sequence[Pair]) -> Interval | None:
    """Return the ratio of several pairs together; None if one is unknown, or if they do not all say the same.

    Its ends include the intervals of all pairs. Without intervals it has no ends, because a range over contestants
    would be read as one.
    """
    ratios = [pair.ratio for pair in pairs if pair.ratio is not None and pair.ratio.mean]
    if not ratios or len(ratios) < len(pairs):
        return None
    lows = [ratio.low for ratio in ratios if ratio.low is not None]
    highs = [ratio.high for ratio in ratios if ratio.high is not None]
    means = [ratio.mean for ratio in ratios if ratio.mean is not None]
    if min(means) < 1 < max(means):
        return None
    middle = geometric_mean(means)
    if not len(lows) == len(highs) == len(ratios):
        return Interval(middle, None, None)
    return Interval(middle, min(lows), max(highs))


def standing_of(result: Result, summary: Summary, figure: Figure, ids: Sequence[str], points: int = 1) -> Standing:
    """Return how some contestants stand in a figure, at the one setting of a result, which is one of `points`."""
    values = {one: _by_repeat(result, one, figure) for one in ids}
    means = {one: fmean(found.values()) for one, found in values.items() if found}
    means = dict(sorted(means.items(), key=lambda item: item[1] if figure.better == "less" else -item[1]))
    doubtful = {trial.contestant for trial in result.counted if has_doubts(trial)}
    is_shown = repeats_of(result) >= LEAST_REPEATS
    pairs: dict[tuple[str, str], Pair] = {}
    for one, other in combinations(means, 2):
        shared = [(value, values[other][repeat]) for repeat, value in values[one].items() if repeat in values[other]]
        confidence = confidence_of_pair(result, summary, figure, {one, other}, points)
        noise = None if is_shown else noise_of(figure, in_doubt=bool(doubtful & {one, other}))
        pairs[one, other] = pair_of(shared, confidence, noise)
        pairs[other, one] = pair_of([(b, a) for a, b in shared], confidence, noise)
    return Standing(figure, means, grouped(list(means), lambda one, other: not pairs[one, other].differ), pairs)


def repeats_of(result: Result) -> int:
    """Return how many repeats every contestant has: in an interrupted run some have one more than others."""
    repeats: dict[str, set[int]] = {}
    for trial in result.counted:
        repeats.setdefault(trial.contestant, set()).add(trial.repeat)
    return len(set.intersection(*repeats.values())) if repeats else 0


def confidence_of_pair(result: Result, summary: Summary, figure: Figure, pair: set[str], points: int) -> float:
    """Return the confidence of the interval of a pair.

    Comparisons of primary figures with the first contestant are those of the summary. All pairs of all others share
    another 5 %.
    """
    for compared in summary.compared:
        if compared.primary and compared.figure == figure.id and {compared.one, compared.other} == pair:
            return compared.confidence
    return 1 - (1 - CONFIDENCE) / max(1, len(primary_of(result)) * math.comb(len(result.present), 2) * points)


def pair_of(shared: Sequence[tuple[float, float]], confidence: float, noise: Noise | None) -> Pair:
    """Return a figure of one contestant against another, from the repeats in which both have it.

    They differ if an interval shows it. With `noise` they also need no interval, if the means differ by more than that.
    """
    if not shared:
        return Pair(None, differ=False)
    ratio, difference = compared_in_pairs(shared, confidence)
    if difference.mean is None:
        return Pair(None, differ=False)
    if noise is not None and difference.low is None:
        one, other = (fmean(values) for values in zip(*shared, strict=True))
        return Pair(ratio, differ=abs(one - other) >= noise.amount and _is_apart(one, other, noise.factor))
    if ratio is None or ratio.mean is None:
        return Pair(None, differ=_excludes(difference, 0) or _is_one_side_zero(shared))
    return Pair(ratio, differ=_excludes(ratio, 1) and _is_apart(ratio.mean, 1, MATTERS))


def _is_one_side_zero(shared: Sequence[tuple[float, float]]) -> bool:
    """Return whether one side never has any of what the other one has in each repeat, such as requests of a push."""
    ones, others = zip(*shared, strict=True)
    return (not any(ones) and all(others)) or (not any(others) and all(ones))


def noise_of(figure: Figure, *, in_doubt: bool) -> Noise:
    """Return what one run cannot show of a figure; a trial in doubt shows less of times."""
    noise = AGE_NOISE if figure.id == "age.mean" else NOISE.get(figure.unit, OTHER_NOISE)
    if not in_doubt or figure.unit not in WAITING:
        return noise
    return Noise(max(IN_DOUBT, noise.factor), IN_DOUBT * noise.amount)


def grouped(names: Sequence[str], are_alike: Callable[[str, str], bool]) -> list[list[str]]:
    """Return groups of names. Each differs from every name in another group, and is like some name in its own."""
    groups: list[list[str]] = []
    for name in names:
        alike = [group for group in groups if any(are_alike(name, other) for other in group)]
        groups = [group for group in groups if group not in alike]
        groups.append([*(member for group in alike for member in group), name])
    return sorted((sorted(group, key=names.index) for group in groups), key=lambda group: names.index(group[0]))


def has_doubts(trial: Trial) -> bool:
    """Return whether a trial has doubts, in a result of any version."""
    verdict = trial.verdict
    return verdict is not None and (bool(verdict.doubts) or any(one.weight == "doubt" for one in verdict.findings))


def _by_repeat(result: Result, contestant: str, figure: Figure) -> dict[int, float]:
    trials = [trial for trial in result.counted if trial.contestant == contestant]
    values = {trial.repeat: value for trial in trials if (value := figure.of(trial)) is not None}
    return values if len(values) == len(trials) else {}


def _excludes(found: Interval, value: float) -> bool:
    return found.low is not None and found.high is not None and not found.low <= value <= found.high


def _is_apart(one: float, other: float, factor: float) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return high >= factor * low and high > low
