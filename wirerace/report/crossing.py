"""Crossings in words: one sentence for each axis of cost."""

from collections.abc import Sequence

from rich.text import Text

from wirerace.analysis.aggregate import CONFIDENCE, LEAST_REPEATS
from wirerace.analysis.crossing import crossings_of
from wirerace.analysis.figures import BY_ID
from wirerace.errors import printable
from wirerace.record.result import Crossing, CrossingStep, Result
from wirerace.report.settings import setting_words


def crossing_of(result: Result) -> list[Text]:
    """Return a sentence for each axis: from how many updates of a visit on each pushing contestant costs less."""
    groups: dict[tuple[str, str], list[Crossing]] = {}
    for crossing in crossings_of(result):
        groups.setdefault((setting_words(crossing.setting), crossing.figure), []).append(crossing)
    if not groups:
        return []
    sentences = [Text(sentence_of(result, title, crossings)) for (title, _), crossings in groups.items()]
    return [Text(f"From which K on does a push cost less? {_grounds(result)}"), *sentences, Text()]


def sentence_of(result: Result, title: str, crossings: Sequence[Crossing]) -> str:
    """Return the sentence of one axis. Contestants of which the same is to be said stand together."""
    said: dict[str, dict[str, list[str]]] = {}
    for crossing in crossings:
        others = said.setdefault(crossing.one, {}).setdefault(_when(crossing), [])
        others.append(printable(result.title_of(crossing.other)))
    alike: dict[str, list[str]] = {}
    for one, by_words in said.items():
        words = " and ".join(when.format(_together(others)) for when, others in by_words.items())
        alike.setdefault(words, []).append(printable(result.title_of(one)))
    axis = _capital(BY_ID[crossings[0].figure].label) + (f" at {title}" if title else "")
    parts = (f"{_together(ones)} {'costs' if len(ones) == 1 else 'cost'} {words}" for words, ones in alike.items())
    return f"{axis}: {'; '.join(parts)}."


def _when(crossing: Crossing) -> str:
    """Return from when on it costs less than {}, and never more than the steps show."""
    steps, start = crossing.steps, crossing.from_updates
    if start == steps[0].updates:
        return f"less than {{}} at every K from {start} on"
    if start is not None:
        return f"less than {{}} from K = {start} on"
    if all(step.costs == "more" for step in steps):
        return f"more than {{}} at every K up to {steps[-1].updates}"
    less = [step for step in steps if step.costs == "less"]
    unsure = [step for step in steps if step.costs in {"undecided", "unknown"}]
    found = [f"less at K = {_listed(less)}"] * bool(less) + [f"not told apart at K = {_listed(unsure)}"] * bool(unsure)
    return f"not surely less than {{}} up to K = {steps[-1].updates} ({', '.join(found)})"


def _listed(steps: Sequence[CrossingStep]) -> str:
    return ", ".join(str(step.updates) for step in steps)


def _together(names: Sequence[str]) -> str:
    """Return names as a list in words."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _grounds(result: Result) -> str:
    """Return what the sentences rest on."""
    repeats = len({trial.repeat for trial in result.counted})
    invalid = sum(not trial.is_valid for trial in result.counted)
    beside = f"; {invalid} of {len(result.counted)} trials are invalid" if invalid else ""
    if repeats >= LEAST_REPEATS:
        return f"({100 * CONFIDENCE:g} % intervals over {repeats} repeats, in pairs, each by itself{beside})"
    return f"({'one repeat' if repeats == 1 else f'{repeats} repeats'}, so without intervals{beside})"
