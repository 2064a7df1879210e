"""The headline of a sweep: what changes from its first setting to its last, or the answer that it was made for."""

from collections.abc import Sequence

from wirerace.analysis.aggregate import CONFIDENCE, has_visitors, primary_of
from wirerace.analysis.crossing import AXES, crossings_of
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.sending import sending_of
from wirerace.analysis.standing import NOISE, Pair, grouped, has_doubts, noise_of, pair_of, ratio_of
from wirerace.errors import printable
from wirerace.experiment.settings import setting_title
from wirerace.experiment.toml import inline
from wirerace.record.result import Crossing, Result, SendingCost
from wirerace.report.comparison import words_of
from wirerace.report.crossing import sentence_of
from wirerace.report.phrases import Tense, capital, listed, name_of, names_of, tense_of
from wirerace.report.spelling import spell_range
from wirerace.report.troubles import usable_of

CHANGES = {
    "latency.mean": ("updates come {}", "updates came {}"),
    "visit.first_update": ("first updates come {}", "first updates came {}"),
    "server.cpu_per_delivery": ("a delivery costs the server {} CPU", "a delivery cost the server {} CPU"),
    "visit.server_cpu": ("a visit costs the server {} CPU", "a visit cost the server {} CPU"),
}
"""How a change of a figure is told: as shown, and as seen."""
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
        key = (-AXES.index(crossing.figure), setting_title(crossing.setting))
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
    at = f"At {printable(setting_title(last))} a message {tense.pick('costs', 'cost')}"
    return f"{at} {listed(said)}, of server CPU." if said else f"{at} what is not known."


def changes_of(result: Result) -> list[str]:
    """Return what changes from the first setting of a sweep to its last: one sentence for each main figure."""
    first, last = result.at(0), result.at(len(result.points) - 1)
    usable = [one for one in usable_of(first) if one in usable_of(last)]
    if not usable:
        return []
    tense = min(tense_of(first), tense_of(last))
    seen = tense.opening.strip()
    opening = f"{seen}, from {_from_to(result)}, " if seen else f"from {_from_to(result)}, "
    figures = VISIT_CHANGES if has_visitors(result) else STAY_CHANGES
    found = [_change(result, BY_ID[figure], usable, tense) for figure in figures]
    return [capital(f"{opening if not number else ''}{said}.") for number, said in enumerate(filter(None, found))]


def _from_to(result: Result) -> str:
    first, last = result.points[0].setting, result.points[-1].setting
    keys = [key for key in first if first[key] != last.get(key)] or list(first)
    return listed([printable(f"{key} = {_value(first[key])} to {_value(last.get(key))}") for key in keys])


def _value(value: object) -> str:
    return value if isinstance(value, str) else inline(value)


def _change(result: Result, figure: Figure, usable: Sequence[str], tense: Tense) -> str:
    """Return how a figure changes: for those for which it rises, for those for which it falls, and for the others."""
    pairs = {one: pair for one in usable if (pair := _pair(result, figure, one, usable, tense)) is not None}
    words = tense.pick(*CHANGES[figure.id])
    parts = []
    for is_more in (True, False):
        names = [one for one, pair in pairs.items() if pair.differ and _is_more(pair) is is_more]
        ratio = ratio_of([pairs[one] for one in names])
        if ratio is not None:
            parts.append(f"{words_of(ratio, figure.words)} with {names_of(result, names)}")
    same = [name_of(result, one) for one, pair in pairs.items() if not pair.differ]
    if not parts and same:
        of_whom = f" with {listed(same)}" if len(same) < len(pairs) else ""
        return f"no change of {figure.label} {tense.pick('is shown', 'was seen')}{of_whom}"
    if not parts:
        return ""
    said = words.format(parts[0]) if "CPU" not in words else _with_cpu(words, parts[0])
    said += "".join(f", {part}" for part in parts[1:])
    return said + (f", no change {tense.pick('shown', 'seen')} with {listed(same)}" if same else "")


def _with_cpu(words: str, part: str) -> str:
    """Return a change of CPU time: the ratio, CPU, then of whom."""
    ratio, _, names = part.partition(" with ")
    return f"{words.format(ratio)} with {names}"


def _is_more(pair: Pair) -> bool | None:
    return None if pair.ratio is None or pair.ratio.mean is None else pair.ratio.mean > 1


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
