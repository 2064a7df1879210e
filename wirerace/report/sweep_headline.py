"""The headline of a sweep: what changes from its first setting to its last, or the answer that it was made for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wirerace.analysis.aggregate import CONFIDENCE, has_visitors, primary_of
from wirerace.analysis.crossing import AXES, crossings_of
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.sending import sending_of
from wirerace.analysis.standing import NOISE, Pair, grouped, has_doubts, noise_of, pair_of
from wirerace.record.result import Crossing, Interval, Result, SendingCost
from wirerace.report.comparison import ends_of, is_in_times, words_of_several
from wirerace.report.crossing import sentence_of
from wirerace.report.phrases import Tense, capital, listed, names_of, tense_of
from wirerace.report.settings import from_to, setting_words
from wirerace.report.spelling import spell_range
from wirerace.report.troubles import usable_of


class Telling(NamedTuple):
    """How a change of a figure is worded, as shown and as seen: what comes before the ratio, and what after it."""

    shown: str
    seen: str
    after: str = ""


CHANGES = {
    "latency.mean": Telling("updates come", "updates came"),
    "visit.first_update": Telling("first updates come", "first updates came"),
    "server.cpu_per_delivery": Telling("a delivery costs the server", "a delivery cost the server", " CPU"),
    "visit.server_cpu": Telling("a visit costs the server", "a visit cost the server", " CPU"),
}
VISIT_CHANGES = ("visit.first_update", "visit.server_cpu")
STAY_CHANGES = ("latency.mean", "server.cpu_per_delivery")


def sweep_sentences(result: Result) -> list[str]:
    """Return what a sweep says: from when on a push costs less, what a message costs, or what the swept key changes."""
    if crossings := crossings_of(result):
        return _crossings(result, crossings)
    if costs := sending_of(result):
        return [_sending(result, costs)]
    return changes_of(result)


def _crossings(result: Result, crossings: Sequence[Crossing]) -> list[str]:
    """Return a sentence for each axis of cost, CPU time first, and for each other setting."""
    groups: dict[tuple[int, str], list[Crossing]] = {}
    for crossing in crossings:
        key = (-AXES.index(crossing.figure), setting_words(crossing.setting))
        groups.setdefault(key, []).append(crossing)
    return [sentence_of(result, title, groups[axis, title]) for axis, title in sorted(groups)]


def _sending(result: Result, costs: Sequence[SendingCost]) -> str:
    """Return what a message costs each contestant's server at the last rate; those not told apart stand together."""
    last = costs[-1].setting
    known = {cost.contestant: cost.cpu_us for cost in costs if cost.setting == last and cost.cpu_us.mean is not None}
    means = {one: cost.mean for one, cost in known.items() if cost.mean is not None}
    names = sorted(means, key=lambda one: means[one])

    def are_alike(one: str, other: str) -> bool:
        (low, high), (first, second) = sorted((means[one], means[other])), (known[one], known[other])
        if first.low is None or first.high is None or second.low is None or second.high is None:
            return low <= 0 or high < NOISE["microseconds"].factor * low
        return first.low <= second.high and second.low <= first.high

    said = [
        f"{spell_range([means[one] for one in group], 'microseconds')} with {names_of(result, group)}"
        for group in grouped(names, are_alike)
    ]
    tense = tense_of(result)
    at = f"At {setting_words(last)} a message {tense.pick('costs', 'cost')}"
    return f"{at} {listed(said)}, of server CPU." if said else f"{at} what is not known."


def changes_of(result: Result) -> list[str]:
    """Return what changes from the first setting of a sweep to its last: one sentence for each main figure."""
    first, last = result.at(0), result.at(len(result.points) - 1)
    usable = [one for one in usable_of(first) if one in usable_of(last)]
    if not usable:
        return []
    tense = min(tense_of(first), tense_of(last))
    seen = tense.opening.strip()
    ends = from_to(result.points[0].setting, result.points[-1].setting)
    opening = f"{seen}, from {ends}, " if seen else f"from {ends}, "
    figures = VISIT_CHANGES if has_visitors(result) else STAY_CHANGES
    found = [_change(result, BY_ID[figure], usable, tense) for figure in figures]
    return [capital(f"{opening if not number else ''}{said}.") for number, said in enumerate(filter(None, found))]


def _change(result: Result, figure: Figure, usable: Sequence[str], tense: Tense) -> str:
    """Return how a figure changes: for those for which it rises, for those for which it falls, and for the others."""
    pairs = {one: pair for one in usable if (pair := _pair(result, figure, one, usable, tense)) is not None}
    change = CHANGES[figure.id]
    ratios = {one: pair.ratio for one, pair in pairs.items() if pair.differ and pair.ratio is not None}
    parts = [_part(result, figure, group, change.after) for group in _alike(ratios)]
    same = [one for one, pair in pairs.items() if not pair.differ]
    verb = tense.pick("is shown", "was seen")
    if not parts and same:
        of_whom = f" with {names_of(result, same)}" if len(same) < len(pairs) else ""
        return f"no change of {figure.label} {verb}{of_whom}"
    if not parts:
        return ""
    said = f"{tense.pick(change.shown, change.seen)} {listed(parts)}"
    return said + (f"; with {names_of(result, same)} no change {verb}" if same else "")


def _alike(ratios: Mapping[str, Interval]) -> list[dict[str, Interval]]:
    """Return the ratios that can stand together: those in times and those in percent, rises before falls."""
    groups: dict[tuple[bool, bool], dict[str, Interval]] = {}
    known = [(ratio.mean, one) for one, ratio in ratios.items() if ratio.mean]
    for mean, one in sorted(known, key=lambda each: max(each[0], 1 / each[0])):
        groups.setdefault((mean < 1, not is_in_times(mean)), {})[one] = ratios[one]
    return [groups[key] for key in sorted(groups)]


def _part(result: Result, figure: Figure, group: Mapping[str, Interval], after: str) -> str:
    """Return the change of some contestants: the range of their ratios, and the ends of their intervals."""
    means = [ratio.mean for ratio in group.values() if ratio.mean]
    ends = ends_of(list(group.values()), in_times=is_in_times(means[0]))
    return f"{words_of_several(means, figure.words)}{after}{ends} with {names_of(result, list(group))}"


def _pair(result: Result, figure: Figure, contestant: str, usable: Sequence[str], tense: Tense) -> Pair | None:
    """Return a figure at the last setting against the first, repeat by repeat; None if it is not known at both."""
    values, in_doubt = [], False
    for index in (len(result.points) - 1, 0):
        trials = [trial for trial in result.at(index).counted if trial.contestant == contestant]
        values.append({trial.repeat: value for trial in trials if (value := figure.of(trial)) is not None})
        in_doubt = in_doubt or any(map(has_doubts, trials))
    last, first = values
    shared = [(last[repeat], first[repeat]) for repeat in sorted(last.keys() & first.keys())]
    confidence = 1 - (1 - CONFIDENCE) / (len(primary_of(result)) * len(usable))
    noise = None if tense.is_shown else noise_of(figure, in_doubt=in_doubt)
    return pair_of(shared, confidence, noise) if shared else None
