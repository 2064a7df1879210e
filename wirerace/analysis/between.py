"""Two results compared: each primary figure of B as a ratio to that of A, with an interval and one word.

Contestants are matched by id and setting. Repeats are matched by seed if both runs had the same schedules.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, variance
from typing import Any, Literal, NamedTuple

import msgspec

from wirerace.analysis.aggregate import (
    CONFIDENCE,
    LEAST_REPEATS,
    compared_in_pairs,
    confidence_of,
    over_repeats,
    primary_of,
)
from wirerace.analysis.figure import Figure
from wirerace.analysis.machine import slowness, why_unlike
from wirerace.analysis.student import t_within
from wirerace.errors import BadInput
from wirerace.record.result import Interval, Result
from wirerace.record.trial import Trial

MARGIN = 0.05
"""The smallest difference that is called one. Repeats do not show what differs between two runs of one version, such as
the hour, other programs and where memory lies. docs/compare.md has the measurement."""
FINE_MARGIN = 0.01
"""The same for bytes and counts, which hardly depend on the machine."""
MOST_HIDDEN = 2.0
"""An interval that includes a ratio as large as this, or its inverse, shows nothing: repeats vary too much."""
OF_THE_MACHINE = {"seconds", "microseconds"}
"""Units of the figures that depend on what else the machine does; bytes and counts do not."""
OF_SCHEDULE = ("producer", "window")
"""The tables of an experiment from which, with the seed, the updates of a repeat follow."""

WIDE = f"repeats vary too much: even a ratio of {MOST_HIDDEN:g} might be hidden: run more of them"

Shown = Literal["less", "more", "no difference", "undecided"]
Values = Mapping[int, float]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of one contestant at one setting in two results: its means, and the ratio of B to A.

    `shown` is what the interval of the ratio shows: a difference only beyond the `margin`. `word` says it in the
    figure's own word. `why` is the reason for "undecided". `paired` tells whether repeats were matched by seed;
    `repeats` counts those of A and of B. `machine` is how many times as much CPU time the load took for a delivery.
    """

    contestant: str
    setting: dict[str, Any]
    figure: str
    unit: str
    a: float | None
    b: float | None
    ratio: Interval | None
    machine: float | None
    confidence: float
    margin: float
    paired: bool
    repeats: tuple[int, int]
    shown: Shown
    word: str
    why: str = ""


class Match(NamedTuple):
    """A contestant at a setting that both results have: each result at that setting, and whether they share seeds."""

    contestant: str
    setting: dict[str, Any]
    a: Result
    b: Result


class Options(NamedTuple):
    """How to compare: the smallest difference of times that is called one, and whether invalid trials may count."""

    margin: float = MARGIN
    allow_invalid: bool = False

    def margin_of(self, figure: Figure) -> float:
        """Return the smallest difference of a figure that is called one."""
        return self.margin if figure.unit in OF_THE_MACHINE else min(self.margin, FINE_MARGIN)


def matches_of(a: Result, b: Result) -> list[Match]:
    """Return what both results have: contestants by id, settings by their keys and values.

    Raises BadInput, naming what each has, when they have nothing in common.
    """
    found = [
        Match(contestant.id, point.setting, a.at(number), b.at(other))
        for number, point in enumerate(a.points)
        for other, same in enumerate(b.points)
        if point.setting == same.setting
        for contestant in a.contestants
        if any(contestant.id == one.id for one in b.contestants)
    ]
    if not found:
        has_a, has_b = (", ".join(one.id for one in result.contestants) or "none" for result in (a, b))
        raise BadInput(
            f"A and B have no contestant at the same setting in common: A has {has_a} at {_settings(a)}, B has {has_b} "
            f"at {_settings(b)}: compare two runs of one experiment"
        )
    return found


def _settings(result: Result) -> str:
    return "one setting" if len(result.points) == 1 else f"{len(result.points)} settings"


def changes_of(matches: Sequence[Match], options: Options) -> Iterator[Change]:
    """Yield every primary figure of every match. Their intervals share the risk of an error."""
    comparisons = sum(len(primary_of(match.a)) for match in matches)
    for match in matches:
        for figure in primary_of(match.a):
            yield change_of(match, figure, options, confidence_of(figure, comparisons))


def change_of(match: Match, figure: Figure, options: Options, confidence: float = CONFIDENCE) -> Change:
    """Return one figure of a match: its ratio, and what it shows."""
    ones, twos = (values_of(result, match.contestant, figure) for result in (match.a, match.b))
    common = sorted(ones.keys() & twos.keys()) if has_one_schedule(match) else []
    paired = len(common) >= LEAST_REPEATS
    why = why_undecided(match, figure, options)
    ratio = None
    if ones and twos and all(value > 0 for values in (ones, twos) for value in values.values()):
        if paired:
            ratio = compared_in_pairs([(twos[seed], ones[seed]) for seed in common], confidence)[0]
        else:
            ratio = welch_ratio(list(ones.values()), list(twos.values()), confidence)
    shown: Shown = "undecided" if why else shown_by(ratio, options.margin_of(figure))
    machine = slowness_for(match, figure)
    if shown == "no difference" and is_wide(ratio):
        shown, why = "undecided", WIDE
    elif shown in {"less", "more"} and shown_by(beyond(ratio, machine), options.margin_of(figure)) != shown:
        shown, why = "undecided", said_of(machine)
    return Change(
        contestant=match.contestant,
        setting=match.setting,
        figure=figure.id,
        unit=figure.unit,
        a=over_repeats(match.a, match.contestant, figure).mean,
        b=over_repeats(match.b, match.contestant, figure).mean,
        ratio=ratio,
        machine=machine,
        confidence=confidence,
        margin=options.margin_of(figure),
        paired=paired,
        repeats=(len(ones), len(twos)),
        shown=shown,
        word=word_for(shown, figure),
        why=why or ("the ratio is not known" if shown == "undecided" else ""),
    )


def has_one_schedule(match: Match) -> bool:
    """Return whether repeats of one seed got the same updates in both results."""
    return all(match.a.experiment.get(table) == match.b.experiment.get(table) for table in OF_SCHEDULE)


def values_of(result: Result, contestant: str, figure: Figure) -> Values:
    """Return the known values of a figure in the trials that count, by the seed of the trial."""
    values = {trial.seed: figure.of(trial) for trial in trials_of(result, contestant)}
    return {seed: value for seed, value in values.items() if value is not None}


def trials_of(result: Result, contestant: str) -> list[Trial]:
    """Return a contestant's trials that count."""
    return [trial for trial in result.counted if trial.contestant == contestant]


def why_undecided(match: Match, figure: Figure, options: Options) -> str:
    """Return why the figure of two results cannot be compared; empty if it can."""
    for name, result in (("A", match.a), ("B", match.b)):
        if why := why_unusable(name, result, match.contestant, figure, options):
            return why
        values = values_of(result, match.contestant, figure).values()
        if len(values) < LEAST_REPEATS:
            return f"{name} has too few repeats that count: {len(values)}, and it takes {LEAST_REPEATS}"
        if min(values) <= 0:
            return f"a value of {name} is not above 0, and so there is no ratio"
    if figure.unit in OF_THE_MACHINE and not options.allow_invalid:
        return why_unlike(trials_of(match.a, match.contestant), trials_of(match.b, match.contestant))
    return ""


def slowness_for(match: Match, figure: Figure) -> float | None:
    """Return how many times as slow the machine was in B; None if it is not known, or is nothing to the figure."""
    if figure.unit not in OF_THE_MACHINE:
        return None
    return slowness(trials_of(match.a, match.contestant), trials_of(match.b, match.contestant))


def beyond(ratio: Interval | None, machine: float | None) -> Interval | None:
    """Return a ratio over that of the machine: what is left of it if the machine explains its part."""
    if ratio is None or machine is None or ratio.mean is None or ratio.low is None or ratio.high is None:
        return ratio
    return Interval(ratio.mean / machine, ratio.low / machine, ratio.high / machine)


def said_of(machine: float | None) -> str:
    """Return what the machine did, as a reason."""
    return f"the load, whose work was the same, took {machine or 1:.2f} times the CPU time in B: it may be the machine"


def is_wide(ratio: Interval | None) -> bool:
    """Return whether an interval is so wide that a large difference might hide in it."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return True
    return ratio.low < 1 / MOST_HIDDEN or ratio.high > MOST_HIDDEN


def why_unusable(name: str, result: Result, contestant: str, figure: Figure, options: Options) -> str:
    """Return why the figure of one result says nothing: trials are missing or invalid; empty if it can be used."""
    trials = trials_of(result, contestant)
    invalid = sum(not trial.is_valid for trial in trials)
    unknown = sum(figure.of(trial) is None for trial in trials)
    if any(failure.contestant == contestant for failure in result.counted_failures):
        return f"a trial of {name} could not be completed"
    if not trials:
        return f"{name} has no trial that counts"
    if invalid and not options.allow_invalid:
        return f"{invalid} of {len(trials)} trials of {name} {'is' if invalid == 1 else 'are'} invalid"
    if unknown:
        return f"{unknown} of {len(trials)} trials of {name} {'has' if unknown == 1 else 'have'} no such figure"
    return ""


def shown_by(ratio: Interval | None, margin: float) -> Shown:
    """Return what an interval shows: a difference only if all of it lies beyond the smallest one that is called so."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return "undecided"
    if ratio.high * (1 + margin) < 1:
        return "less"
    return "more" if ratio.low > 1 + margin else "no difference"


def word_for(shown: Shown, figure: Figure) -> str:
    """Return the word for what is shown, in the figure's own words."""
    words = {"less": figure.words.fell, "more": figure.words.rose, "no difference": "no difference shown"}
    return words.get(shown, shown)


def welch_ratio(ones: Sequence[float], twos: Sequence[float], confidence: float) -> Interval:
    """Return the ratio of the geometric means of two samples, B to A, with Welch's interval.

    Degrees of freedom are rounded down, so the interval is not too narrow. The ends are None below three values.
    """
    logs_a, logs_b = ([math.log(value) for value in values] for values in (ones, twos))
    mean = fmean(logs_b) - fmean(logs_a)
    if min(len(ones), len(twos)) < LEAST_REPEATS:
        return Interval(math.exp(mean), None, None)
    parts = [variance(logs) / len(logs) for logs in (logs_a, logs_b)]
    spread = sum(parts)
    if spread == 0:
        return Interval(math.exp(mean), math.exp(mean), math.exp(mean))
    freedom = spread**2 / sum(part**2 / (len(logs) - 1) for part, logs in zip(parts, (logs_a, logs_b), strict=True))
    half = t_within(confidence, max(1, math.floor(freedom))) * math.sqrt(spread)
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))
