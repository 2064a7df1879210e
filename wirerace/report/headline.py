"""The headline of a result: the answer in a few sentences, which claim no more than what was seen or is shown."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.analysis.aggregate import has_visitors, summarised
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.standing import Standing, standing_of
from wirerace.record.result import Result
from wirerace.report.capacity import sentences_of
from wirerace.report.comparison import words_of
from wirerace.report.phrases import Tense, capital, names_of, poll_interval_of, tense_of
from wirerace.report.spelling import spell, spell_range
from wirerace.report.sweep_headline import sweep_sentences
from wirerace.report.troubles import troubles_of, usable_of

HALF_INTERVAL = 0.1
"""A latency is half a poll interval if it lies within this part of it."""


class Subject(NamedTuple):
    """The words for a figure of time: of several contestants, of one, and in the past."""

    several: str
    one: str
    past: str


SUBJECTS = {
    "latency.mean": Subject("deliver", "delivers", "delivered"),
    "messages.relayed": Subject(
        "bring a message to all clients", "brings a message to all clients", "brought a message to all clients"
    ),
    "visit.first_update": Subject("bring the first update", "brings the first update", "brought the first update"),
}
COSTS = {"server.cpu_per_delivery": "Server CPU for a delivery", "visit.server_cpu": "Server CPU for a visit"}


def headline(result: Result) -> list[str]:
    """Return the sentences of a result, the most important first: what forbids to use it, then what it says."""
    if result.is_search:
        return sentences_of(result)
    troubles = troubles_of(result)
    if len(result.points) > 1:
        return [*troubles, *sweep_sentences(result)]
    usable = usable_of(result)
    return [*troubles, *(claims_of(result, usable) if usable else [])]


def claims_of(result: Result, usable: Sequence[str], points: int = 1) -> list[str]:
    """Return what a result at one setting says of the contestants whose trials can be used."""
    summary, tense = summarised(result, points), tense_of(result)
    times, costs = (
        standing_of(result, summary, BY_ID[figure], usable, points) for figure in main_figures(result, usable)
    )
    unknown = [one for one in usable if times.means and one not in times.means]
    silent = [f"No {times.figure.label} of {names_of(result, unknown)} is known."] if unknown else []
    return [time_sentence(result, times, tense), *silent, cost_sentence(result, costs)]


def main_figures(result: Result, ids: Sequence[str]) -> tuple[str, str]:
    """Return the ids of the figures that answer how soon, and at what cost."""
    if has_visitors(result):
        return "visit.first_update", "visit.server_cpu"
    trials = [trial for trial in result.counted if trial.contestant in ids]
    is_relayed = trials and all(BY_ID["messages.relayed"].of(trial) is not None for trial in trials)
    return "messages.relayed" if is_relayed else "latency.mean", "server.cpu_per_delivery"


def time_sentence(result: Result, standing: Standing, tense: Tense) -> str:
    """Return the sentence about how soon: who is first, and by how much the others come later."""
    subject, groups = SUBJECTS[standing.figure.id], standing.groups
    if not groups:
        return f"{tense.opening or 'Here '}no contestant has a {standing.figure.label} that is known."
    first, *middle = groups
    verb = tense.pick(subject.one if len(first) == 1 else subject.several, subject.past)
    said = f"{tense.opening}{names_of(result, first)} {verb} in {_range(standing, first)}"
    if not middle:
        if len(first) == 1:
            return capital(f"{said}.")
        return capital(f"{said}, {tense.pick('not told apart', 'too close to tell apart')}.")
    *middle, last = middle
    said += "".join(f", {names_of(result, group)} in {_range(standing, group)}" for group in middle)
    said += f"; {names_of(result, last)} in {_range(standing, last)}"
    if (ratio := standing.ratio(last, first)) is not None:
        said += f", {words_of(ratio, standing.figure.words)}"
    return capital(f"{said}{_half_its_interval(result, standing, last)}.")


def _half_its_interval(result: Result, standing: Standing, group: Sequence[str]) -> str:
    """Return that a latency is half the poll interval, where that explains it."""
    if len(group) != 1 or standing.figure.id != "latency.mean":
        return ""
    (one,) = group
    transport = next((each.transport for each in result.contestants if each.id == one), "")
    interval = poll_interval_of(result.experiment, one, transport)
    if not interval or abs(standing.means[one] / interval - 0.5) > HALF_INTERVAL / 2:
        return ""
    return f", half its interval of {spell(interval, 'seconds')}"


def cost_sentence(result: Result, standing: Standing) -> str:
    """Return the sentence about the server's CPU time: cheapest first."""
    subject, groups = COSTS[standing.figure.id], standing.groups
    if not groups:
        return f"{subject} is not known."
    if len(groups) == 1:
        apart = "" if len(groups[0]) == 1 else ", not told apart"
        return f"{subject}: {_range(standing, groups[0])}{apart}."
    said = ", ".join(f"{_range(standing, group)} with {names_of(result, group)}" for group in groups)
    ratio = standing.ratio(groups[-1], groups[0])
    return f"{subject}: {said}" + (f", {words_of(ratio, standing.figure.words)}." if ratio else ".")


def _range(standing: Standing, group: Sequence[str]) -> str:
    return spell_range([standing.means[one] for one in group], standing.figure.unit)
