"""The search: doubling from the start until a value is missed, then halving the interval, by what was tried so far.

Capacity trials vary, so a value near the limit is decided by a majority of repeats. On the way up one trial is enough:
the highest value that is carried is confirmed at the end. The search keeps no state of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from wirerace.experiment.capacity import CapacityOptions, highest_of, rounded

Says = Literal["met", "missed", "void"]
"""What a trial says of a value: the objectives are met or missed, or the trial does not count."""
State = Literal["carried", "missed", "open"]
Marks = Mapping[float, Sequence[Says]]
"""What was tried: the marks of each value, in the order in which the trials ran."""


class Bracket(NamedTuple):
    """The highest value that is carried, and the lowest one above it that is missed; None if there is none."""

    carried: float | None
    missed: float | None


def next_value(marks: Marks, start: float, options: CapacityOptions) -> float | None:
    """Return the value to try next, None when the search has ended."""
    carried, missed = bracket = bracket_of(marks, options)
    if (begun := _open(marks, bracket, options)) is not None:
        return begun
    if missed is None:
        if carried is None:
            return start
        if carried < (highest := highest_of(options)):
            return rounded(options.knob, min(2 * carried, highest))
    elif carried is None:
        return None
    elif missed - carried > options.precision * carried:
        middle = rounded(options.knob, (carried + missed) / 2)
        if carried < middle < missed:
            return middle
    return None if marks[carried].count("met") >= needed(options) else carried


def next_value_after(marks: Marks, climbed: Marks, options: CapacityOptions) -> float | None:
    """Return the value to try next on servers that were overloaded first, None when there is nothing left to try.

    It is the highest value that is carried by a fresh server, then lower ones, until one is carried.
    """
    highest = bracket_of(climbed, options).carried
    values = sorted((value for value in climbed if highest is not None and value <= highest), reverse=True)
    for value in values:
        state = state_of(marks.get(value, ()), options)
        if state != "missed":
            return None if state == "carried" else value
    return None


def bracket_of(marks: Marks, options: CapacityOptions) -> Bracket:
    """Return the values between which the limit lies, so far."""
    states = {value: state_of(of_value, options) for value, of_value in marks.items()}
    missed = min((value for value, state in states.items() if state == "missed"), default=None)
    below = (value for value, state in states.items() if state == "carried" and (missed is None or value < missed))
    return Bracket(max(below, default=None), missed)


def interval_of(marks: Marks, options: CapacityOptions) -> Bracket:
    """Return the values between which the limit lies for sure: below both of them, or above, no trial disagrees."""
    carried, missed = bracket_of(marks, options)
    values = sorted(marks)
    for value in values:
        if carried is not None and value <= carried and "missed" in marks[value]:
            carried = max((lower for lower in values if lower < value), default=None)
            break
    for value in reversed(values):
        if missed is not None and value >= missed and "met" in marks[value]:
            missed = min((higher for higher in values if higher > value), default=None)
            break
    return Bracket(carried, missed)


def state_of(marks: Sequence[Says], options: CapacityOptions) -> State:
    """Return what the trials at a value say together: what most of those that count say.

    It is missed by a majority only, and also when too many trials do not count before there is a majority.
    """
    met, missed, void = (marks.count(mark) for mark in ("met", "missed", "void"))
    if missed >= needed(options):
        return "missed"
    if met < needed(options) and void >= options.tries:
        return "missed"
    return "carried" if met > missed else "open"


def needed(options: CapacityOptions) -> int:
    """Return how many trials are a majority."""
    return options.repeats // 2 + 1


def _open(marks: Marks, bracket: Bracket, options: CapacityOptions) -> float | None:
    """Return the highest value within the bracket about which its trials do not decide yet."""
    low, high = bracket.carried or 0.0, bracket.missed or float("inf")
    within = (value for value in marks if low < value < high and state_of(marks[value], options) == "open")
    return max(within, default=None)
