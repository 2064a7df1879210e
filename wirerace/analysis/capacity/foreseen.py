"""The rest of a search, foreseen: the trials that it still takes if its capacity lies at some place."""

from collections.abc import Iterator

from wirerace.analysis.capacity.found import Step, Tried, marks_of, next_step
from wirerace.analysis.capacity.mark import Mark
from wirerace.analysis.capacity.search import Says, bracket_of
from wirerace.experiment.capacity import CapacityOptions, highest_of

MET, MISSED = Mark("met", None, "", None), Mark("missed", "server", "", None)
MOST_STEPS = 1000
"""A search ends long before; a result that was edited may be none that a search could have found."""


def rest_of(tried: Tried, start: float, options: CapacityOptions, part: float, *, agree: bool) -> Iterator[Step]:
    """Yield the trials that a search still takes after those that it has tried.

    Its capacity is assumed to lie at a part of the interval that is open, in logarithms. If trials do not `agree`,
    those near the capacity say one and then the other, so that each value needs all its repeats.
    """
    found = Tried(
        {value: list(marks) for value, marks in tried.climbing.items()},
        {after: {value: list(marks) for value, marks in of.items()} for after, of in tried.after.items()},
    )
    capacity = _assumed(found, start, options, part)
    for _ in range(MOST_STEPS):
        if (step := next_step(found, start, options)) is None:
            return
        tries = found.climbing if step.after is None else found.after.setdefault(step.after, {})
        marks = tries.setdefault(step.value, [])
        marks.append(MET if _says(step.value, len(marks), capacity, options, agree=agree) == "met" else MISSED)
        yield step


def _assumed(tried: Tried, start: float, options: CapacityOptions, part: float) -> float:
    """Return a capacity within the interval that is open."""
    bracket = bracket_of(marks_of(tried.climbing), options)
    low, high = bracket.carried or start, bracket.missed or highest_of(options)
    return float(low * (max(low, high) / low) ** part)


def _says(value: float, before: int, capacity: float, options: CapacityOptions, *, agree: bool) -> Says:
    """Return what a trial at a value says, after some `before` it at the same value."""
    is_near = abs(value - capacity) <= options.precision * capacity
    if not agree and is_near and before < options.repeats - 1:
        return "missed" if before % 2 == 0 else "met"
    return "met" if value <= capacity else "missed"
