"""How long a run takes: a trial, and all trials that a result still lacks."""

from collections.abc import Iterator
from statistics import fmean
from typing import Literal, NamedTuple

from wirerace.analysis.capacity.foreseen import rest_of
from wirerace.analysis.capacity.found import Step, Tried, tried_by
from wirerace.experiment.capacity import WHOLE
from wirerace.experiment.holding import holding_of
from wirerace.experiment.model import Experiment
from wirerace.experiment.patience import longest_seconds
from wirerace.experiment.plans import Plan, contestants_of, plans_of
from wirerace.experiment.settings import Study
from wirerace.record.result import Result

Place = Literal["local", "compose", "kubernetes"]

PRIMING_SECONDS = 0.5  # for the priming update, beyond the clients' own pause
MOST_IDLE_SECONDS = 2.0  # in which a server's cost without clients is measured, or half of a short window
LOAD_SECONDS = 1.5  # until the load's processes are ready
PLACE_SECONDS: dict[Place, float] = {"local": 0.0, "compose": 5.0, "kubernetes": 7.0}
"""What a place adds to a trial: the stack restarts a container, and its engine takes a second to say what one uses; a
cluster makes a pod."""
PASSING_SECONDS: dict[Place, float] = {"local": 0.0, "compose": 2.5, "kubernetes": 4.0}
"""For each container of a path, which is made for the trial."""
LEAST, MOST = (0.25, True), (0.75, False)
"""A short search and a long one: where in the range the capacity lies, and whether trials near it agree."""


class Remaining(NamedTuple):
    """What a run still takes: trials and seconds, at least and at most. The two differ for a search."""

    trials: tuple[int, int]
    seconds: tuple[float, float]

    @property
    def typical_trials(self) -> int:
        """The number of trials in the middle."""
        return round(fmean(self.trials))

    @property
    def typical_seconds(self) -> float:
        """The time in the middle, in seconds."""
        return fmean(self.seconds)


class Forecast:
    """What a study takes at a place, if every trial can be completed and every repeat is valid."""

    def __init__(self, study: Study, place: Place = "local") -> None:
        self._study, self._place = study, place
        settings = study.settings if study.most is None else study.settings[:1]
        self._plans = {plan.contestant.id: plan for plan in plans_of(settings[0], 1)}
        self._each = fmean(expected_seconds(plan, place) for setting in settings for plan in plans_of(setting, 1))

    def left(self, result: Result | None = None) -> Remaining:
        """Return what a result still lacks; without one, everything."""
        if self._study.most is not None:
            return self._of_search(result)
        return self.after(0 if result is None else len(result.counted) + len(result.counted_failures))

    def after(self, done: int) -> Remaining:
        """Return what is left after some trials that count, of anything but a search."""
        experiment = self._study.first
        repeats = experiment.valid_repeats or experiment.repeats
        left = max(0, repeats * len(self._study.settings) * len(contestants_of(experiment)) - done)
        return Remaining((left, left), (left * self._each, left * self._each))

    def _of_search(self, result: Result | None) -> Remaining:
        ends = [list(self._rest(result, part, agree=agree)) for part, agree in (LEAST, MOST)]
        short, long = sorted((len(end), sum(end)) for end in ends)
        return Remaining((short[0], long[0]), (min(short[1], long[1]), max(short[1], long[1])))

    def _rest(self, result: Result | None, part: float, *, agree: bool) -> Iterator[float]:
        """Yield the seconds of every trial that the searches of all contestants still take."""
        options = self._study.first.capacity
        start = self._study.settings[0].values[options.knob]
        for contestant, plan in self._plans.items():
            tried = Tried({}, {}) if result is None else tried_by(result, contestant)
            for step in rest_of(tried, start, options, part, agree=agree):
                yield seconds_of_step(plan, step, self._place)


def seconds_of_step(plan: Plan, step: Step, place: Place) -> float:
    """Return about how long a trial of a search takes; `plan` is one of its contestant at the file's own value."""
    experiment = plan.experiment
    seconds = expected_seconds(plan, place)
    if experiment.capacity.knob == WHOLE:
        seconds += (step.value - experiment.clients.count) / experiment.clients.spawn_per_second
    return seconds if step.after is None else seconds + _overload_seconds(plan, step.after)


def _overload_seconds(plan: Plan, value: float) -> float:
    """Return about how long a server is driven at a value before a trial."""
    experiment = plan.experiment
    count = value if experiment.capacity.knob == WHOLE else experiment.clients.count
    coming = LOAD_SECONDS + count / experiment.clients.spawn_per_second + longest_seconds(plan.path, plan.options)
    return coming + PRIMING_SECONDS + experiment.window.warmup_seconds + experiment.window.measure_seconds


def idle_seconds(experiment: Experiment) -> float:
    """Return how long a server's cost without clients is measured; a search for capacity has no use for it."""
    if experiment.kind == "capacity":
        return 0.0
    return min(MOST_IDLE_SECONDS, experiment.window.measure_seconds / 2)


def expected_seconds(plan: Plan, place: Place = "local") -> float:
    """Return about how long a trial takes."""
    experiment = plan.experiment
    clients, window = experiment.clients, experiment.window
    longest, held_back = longest_seconds(plan.path, plan.options), holding_of(plan) / 2
    starting = 1.0 + LOAD_SECONDS + idle_seconds(experiment) + (1.5 if experiment.load.processes > 1 else 0)
    starting += 0.0 if experiment.population.is_visit else clients.count / clients.spawn_per_second
    starting += PLACE_SECONDS[place] + PASSING_SECONDS[place] * (plan.path.has_proxy + plan.path.has_reverse_proxy)
    return starting + 2 * longest + held_back + PRIMING_SECONDS + window.warmup_seconds + window.measure_seconds + 1.0
