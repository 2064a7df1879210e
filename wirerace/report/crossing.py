"""Crossings in words: one sentence for each axis of cost."""

from collections.abc import Sequence

from rich.text import Text

from wirerace.analysis.aggregate import CONFIDENCE, LEAST_REPEATS
from wirerace.analysis.crossing import crossings_of
from wirerace.analysis.figures import BY_ID
from wirerace.errors import printable
from wirerace.experiment.settings import setting_title
from wirerace.record.result import Crossing, CrossingStep, Result


def crossing_of(result: Result) -> list[Text]:
    """Return a sentence for each axis: from how many updates of a visit on each pushing contestant costs less."""
    found = crossings_of(result)
    if not found:
        return []
    groups: dict[tuple[str, str], list[Crossing]] = {}
    for crossing in found:
        groups.setdefault((setting_title(crossing.setting), crossing.figure), []).append(crossing)
    sentences = [sentence_of(result, title, crossings) for (title, _), crossings in groups.items()]
    return [Text(f"From which K on does a push cost less? {_grounds(result)}"), *map(Text, sentences), Text()]


def sentence_of(result: Result, title: str, crossings: Sequence[Crossing]) -> str:
    """Return the sentence of one axis."""
    at = f" at {title}" if title else ""
    parts = []
    for one in dict.fromkeys(crossing.one for crossing in crossings):
        against = [
            f"{_when(crossing)} than {printable(result.title_of(crossing.other))}"
            for crossing in crossings
            if crossing.one == one
        ]
        parts.append(f"{printable(result.title_of(one))} costs {' and '.join(against)}")
    return f"{_capital(BY_ID[crossings[0].figure].label)}{printable(at)}: {'; '.join(parts)}."


def _when(crossing: Crossing) -> str:
    """Return from when on it costs less, and never more than the steps show."""
    steps, start = crossing.steps, crossing.from_updates
    unsure = [step for step in steps if step.costs in {"undecided", "unknown"}]
    doubt = f" (not told apart at K = {_listed(unsure)})" if unsure else ""
    if start == steps[0].updates:
        return f"less at every K from {start} on"
    if start is not None:
        return f"less from K = {start} on{doubt}"
    if all(step.costs == "more" for step in steps):
        return f"more at every K up to {steps[-1].updates}"
    less = [step for step in steps if step.costs == "less"]
    only = f" although less at K = {_listed(less)}" if less else ""
    return f"not surely less at the largest K, {steps[-1].updates}{only}{doubt},"


def _listed(steps: Sequence[CrossingStep]) -> str:
    return ", ".join(str(step.updates) for step in steps)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _grounds(result: Result) -> str:
    """Return what the sentences rest on."""
    repeats = len({trial.repeat for trial in result.counted})
    if repeats >= LEAST_REPEATS:
        return f"({100 * CONFIDENCE:g} % intervals over {repeats} repeats, in pairs, each by itself)"
    return f"({'one repeat' if repeats == 1 else f'{repeats} repeats'}, so without intervals)"
