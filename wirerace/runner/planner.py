"""Planners: each decides which trial runs next, from the result so far. None keeps a state of its own.

So an interrupted run continues where it stopped: trials that are in its result are not run again.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from wirerace.analysis.capacity.found import Step, next_step, tried_by
from wirerace.experiment.plans import Plan, contestants_of, plans_of
from wirerace.experiment.reading import setting_at
from wirerace.experiment.settings import Setting, Study
from wirerace.record.result import Result


class Ran(NamedTuple):
    """What has been run: point, repeat and contestant of each trial; point and repeat of each that does not count."""

    done: set[tuple[int, int, str]]
    discarded: set[tuple[int, int]]


def ran_in(result: Result) -> Ran:
    """Return what has been run, completed or not."""
    done = {(trial.point, trial.repeat, trial.contestant) for trial in result.trials}
    done |= {(failure.point, failure.repeat, failure.contestant) for failure in result.failures}
    return Ran(done, {(one.point, one.repeat) for one in result.discarded})


class Planner(Protocol):
    """Decides what to run."""

    def next(self, result: Result) -> Plan | None:
        """Return the next trial, None when everything has been run."""


class Repeats:
    """A fixed number of repeats at one setting, whether they are valid or not."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def next(self, result: Result) -> Plan | None:
        """Return the first trial of the first repeat that lacks one."""
        ran = ran_in(result)
        repeats = range(1, self._setting.experiment.repeats + 1)
        return next((plan for repeat in repeats for plan in _missing(self._setting, repeat, ran)), None)


class UntilValid:
    """Repeats at one setting until enough of them are valid, or the tries are used up.

    A repeat with an invalid trial is discarded as a whole, because contestants are compared in pairs. It is not run to
    its end.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._tries = setting.experiment.tries
        self._wanted = setting.experiment.valid_repeats or 0

    def next(self, result: Result) -> Plan | None:
        """Return the first trial that the first unfinished repeat lacks, while valid repeats are still missing."""
        ran, valid = ran_in(result), 0
        for repeat in range(1, self._tries + 1):
            if (self._setting.number, repeat) in ran.discarded:
                continue
            if (plan := next(_missing(self._setting, repeat, ran), None)) is not None:
                return plan
            valid += 1
            if valid == self._wanted:
                return None
        return None


class Grid:
    """Every setting of a sweep: the first repeat of all, then the second of all, and so on.

    So every repeat of a setting runs near those of all others in time, and an interrupted run has equally many of each.
    """

    def __init__(self, planners: Sequence[Planner]) -> None:
        self._planners = planners

    def next(self, result: Result) -> Plan | None:
        """Return the trial with the lowest repeat number; among equals, that of the first setting."""
        plans = [plan for planner in self._planners if (plan := planner.next(result)) is not None]
        return min(plans, key=lambda plan: plan.repeat, default=None)


class CapacitySearch:
    """For each contestant the search for the highest value that it carries, all of them side by side.

    The contestant with the fewest trials is next, so that a drift of the machine affects all of them.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._ids = [contestant.id for contestant in contestants_of(study.first)]

    def next(self, result: Result) -> Plan | None:
        """Return the next trial of the contestant with the fewest ones whose search has not ended."""
        start = self._study.settings[0].values[self._study.first.capacity.knob]
        found: list[tuple[int, str, Step]] = []
        for contestant in self._ids:
            tried = tried_by(result, contestant)
            if (step := next_step(tried, start, self._study.first.capacity)) is not None:
                found.append((tried.trials, contestant, step))
        if not found:
            return None
        _, contestant, step = min(found, key=lambda one: one[0])
        return self._plan(result, contestant, step)

    def _plan(self, result: Result, contestant: str, step: Step) -> Plan:
        """Return the next trial of a contestant at a value. A value that is new gets the next number of a point."""
        number = self._number(result, step.value, step.after)
        after = None
        if step.after is not None:
            after = setting_at(self._study, self._number(result, step.after, None), step.after)
        setting = setting_at(self._study, number, step.value, after)
        ran = [(one.contestant, one.point) for one in result.trials]
        ran += [(one.contestant, one.point) for one in result.failures]
        repeat = 1 + ran.count((contestant, number))
        return next(plan for plan in plans_of(setting, repeat) if plan.contestant.id == contestant)

    def _number(self, result: Result, value: float, after: float | None) -> int:
        """Return the number of the point of a value."""
        knob = self._study.first.capacity.knob
        places = [(one.setting, one.after) for one in result.points]
        wanted = ({knob: value}, {} if after is None else {knob: after})
        return places.index(wanted) if wanted in places else len(places)


def planner_of(study: Study) -> Planner:
    """Return the planner that an experiment asks for."""
    if study.most is not None:
        return CapacitySearch(study)
    kind = Repeats if study.first.valid_repeats is None else UntilValid
    planners = [kind(setting) for setting in study.settings]
    return planners[0] if len(planners) == 1 else Grid(planners)


def _missing(setting: Setting, repeat: int, ran: Ran) -> Iterator[Plan]:
    """Yield the trials of a repeat that have not been run."""
    plans = plans_of(setting, repeat)
    return (plan for plan in plans if (setting.number, repeat, plan.contestant.id) not in ran.done)
