"""Planners: each decides which trial runs next, from the results so far. None keeps a state of its own.

So an interrupted run continues where it stopped: trials that are in its result are not run again.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from wirerace.experiment.plans import Plan, plans_of
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

    def next(self, ran: Ran) -> Plan | None:
        """Return the next trial, None when everything has been run."""


class Repeats:
    """A fixed number of repeats at one setting, whether they are valid or not."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def next(self, ran: Ran) -> Plan | None:
        """Return the first trial of the first repeat that lacks one."""
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

    def next(self, ran: Ran) -> Plan | None:
        """Return the first trial that the first unfinished repeat lacks, while valid repeats are still missing."""
        valid = 0
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

    def next(self, ran: Ran) -> Plan | None:
        """Return the trial with the lowest repeat number; among equals, that of the first setting."""
        plans = [plan for planner in self._planners if (plan := planner.next(ran)) is not None]
        return min(plans, key=lambda plan: plan.repeat, default=None)


def planner_of(study: Study) -> Planner:
    """Return the planner that an experiment asks for."""
    kind = Repeats if study.first.valid_repeats is None else UntilValid
    planners = [kind(setting) for setting in study.settings]
    return planners[0] if len(planners) == 1 else Grid(planners)


def _missing(setting: Setting, repeat: int, ran: Ran) -> Iterator[Plan]:
    """Yield the trials of a repeat that have not been run."""
    plans = plans_of(setting, repeat)
    return (plan for plan in plans if (setting.number, repeat, plan.contestant.id) not in ran.done)
