"""What a search for capacity has found so far: the trials of each contestant, and its capacity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import msgspec

from wirerace.analysis.capacity.mark import Mark, mark_of, mark_of_failure
from wirerace.analysis.capacity.search import (
    Bracket,
    Marks,
    bracket_of,
    interval_of,
    needed,
    next_value,
    next_value_after,
)
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.naming import figure_named
from wirerace.experiment.capacity import CapacityOptions, Servers
from wirerace.experiment.objective import objectives_in
from wirerace.record.capacity import CapacityRecord, GaveOut
from wirerace.record.result import Result

AT = "capacity.objectives"
MOST_CPUS = 1.0
"""A server is one process with one thread: a quota beyond that is of no use to it."""
Tries = dict[float, list[Mark]]
"""What was tried at each value, in the order in which the trials ran."""


class Step(NamedTuple):
    """A value to try; with `after`, on a server that was driven at that value first."""

    value: float
    after: float | None = None


class Tried(NamedTuple):
    """All trials of a contestant: of fresh servers, and of servers that were driven at a higher value first."""

    climbing: Tries
    after: dict[float, Tries]

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return sum(map(len, self.climbing.values())) + sum(
            len(one) for of in self.after.values() for one in of.values()
        )


def options_of(result: Result) -> CapacityOptions:
    """Return the options of a result's search.

    Raises BadInput when another version wrote it, with an objective for a figure that this one does not know.
    """
    options = msgspec.convert(result.experiment["capacity"], CapacityOptions)
    for number, objective in enumerate(objectives_in(options.objectives, AT)):
        figure_named(objective.figure, f"{AT}[{number}]")
    return options


def cpus_of(servers: Servers) -> float:
    """Return how many cores the servers of a contestant may use: each of them one at most, and its quota."""
    return min(servers.cpus or MOST_CPUS, MOST_CPUS) * servers.replicas


def tried_by(result: Result, contestant: str) -> Tried:
    """Return what a contestant's trials say, value by value."""
    options, cpus = options_of(result), cpus_of(msgspec.convert(result.experiment.get("servers", {}), Servers))
    objectives = list(objectives_in(options.objectives, AT))
    found = Tried({}, {})
    marks = [
        *((one.point, mark_of(one, objectives, cpus)) for one in result.trials if one.contestant == contestant),
        *((one.point, mark_of_failure(one)) for one in result.failures if one.contestant == contestant),
    ]
    for index, mark in marks:
        point = result.points[index]
        into = found.after.setdefault(point.after[options.knob], {}) if point.after else found.climbing
        into.setdefault(point.setting[options.knob], []).append(mark)
    return found


def next_step(tried: Tried, start: float, options: CapacityOptions) -> Step | None:
    """Return what to try next, None when the search has ended.

    When the server has given out, lower values are tried again on servers that were overloaded: do they recover?
    """
    marks = marks_of(tried.climbing)
    if (value := next_value(marks, start, options)) is not None:
        return Step(value)
    missed = bracket_of(marks, options).missed
    if missed is None or _blamed(tried.climbing[missed], options)[0] != "server":
        return None
    value = next_value_after(marks_of(tried.after.get(missed, {})), marks, options)
    return None if value is None else Step(value, missed)


def capacities_of(result: Result) -> list[CapacityRecord]:
    """Return the capacity of each contestant, in the order of the file; empty unless the result is that of a search."""
    if not result.is_search:
        return []
    return [_capacity(result, contestant.id) for contestant in result.contestants]


def marks_of(marks: Tries) -> Marks:
    """Return the marks of marks."""
    return {value: [mark.says for mark in of_value] for value, of_value in marks.items()}


def _capacity(result: Result, contestant: str) -> CapacityRecord:
    options, tried = options_of(result), tried_by(result, contestant)
    marks = marks_of(tried.climbing)
    bracket, interval = bracket_of(marks, options), interval_of(marks, options)
    gave_out, why = _gave_out(tried.climbing, bracket, options)
    objective = next(objectives_in(options.objectives, AT))
    start = result.points[0].setting[options.knob]
    after = marks_of(tried.after.get(bracket.missed, {})) if bracket.missed is not None else {}
    return CapacityRecord(
        contestant=contestant,
        knob=options.knob,
        low=interval.carried,
        high=interval.missed,
        carried=bracket.carried,
        missed=bracket.missed,
        gave_out=gave_out,
        why=why,
        figure=objective.figure,
        value_carried=_value(tried.climbing, bracket.carried),
        value_missed=_value(tried.climbing, bracket.missed),
        unit=BY_ID[objective.figure].unit,
        cpus=result.experiment.get("servers", {}).get("cpus"),
        again=bracket_of(after, options).carried,
        tried_again=bool(after),
        trials=tried.trials,
        void=sum(
            one.says == "void"
            for tries in (tried.climbing, *tried.after.values())
            for of in tries.values()
            for one in of
        ),
        ended=next_step(tried, start, options) is None,
    )


def _gave_out(marks: Tries, bracket: Bracket, options: CapacityOptions) -> tuple[GaveOut, str]:
    return ("most", "") if bracket.missed is None else _blamed(marks[bracket.missed], options)


def _blamed(marks: Sequence[Mark], options: CapacityOptions) -> tuple[GaveOut, str]:
    """Return what most of the trials that decided about a value say gave out, and what the first of them saw."""
    is_missed = sum(one.says == "missed" for one in marks) >= needed(options)
    deciding = [one for one in marks if one.says == ("missed" if is_missed else "void") and one.by is not None]
    most = Counter(one.by for one in deciding).most_common(1)
    blamed = next(one for one in deciding if one.by == most[0][0])
    return blamed.by or "none", blamed.why


def _value(marks: Mapping[float, Sequence[Mark]], at: float | None) -> float | None:
    """Return the mean of the first objective's figure at a value, over the trials that count."""
    values = [] if at is None else [one.value for one in marks[at] if one.says != "void" and one.value is not None]
    return fmean(values) if values else None
