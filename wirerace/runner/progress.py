"""The progress of a run: which trial, which phase, how long it will take."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.capacity import knob_of
from wirerace.experiment.model import Experiment
from wirerace.experiment.patience import longest_seconds
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.settings import Study
from wirerace.observe.account import LoadState

PRIMING_SECONDS = 0.5  # for the priming update, beyond the clients' own pause
MOST_IDLE_SECONDS = 2.0  # in which a server's cost without clients is measured, or half of a short window
TICK_SECONDS = 0.05
REPORT_SECONDS = 1.0
MEASURING = "measuring"
"""The phase in which ages are told: what is reported after it lies milliseconds apart."""
NO_STATE = LoadState()


class Progress(NamedTuple):
    """The progress of a run. `clients` are the most at one time, None if they are visitors.

    `age_seconds` is the mean age of what clients have, since the last report; None before the window.
    """

    number: int
    total: int
    plan: Plan
    phase: str
    connected: int
    clients: int | None
    deliveries_per_second: float
    left_seconds: float
    age_seconds: float | None = None


OnProgress = Callable[[Progress], None]


class Reporter:
    """Reports the progress of a trial."""

    def __init__(self, on_progress: OnProgress, study: Study, ran: int, plan: Plan, extra: int = 0) -> None:
        """`ran` trials have been run, `extra` of them in repeats that do not count."""
        self._on_progress = on_progress
        self._index = ran + 1
        self._total = max(self._index, least_trials(study) + extra)
        self._plan = plan
        self._clients = None if plan.experiment.population.is_visit else plan.experiment.clients.count
        self._trial_seconds = expected_seconds(plan)
        self._started = time.monotonic()
        self._last = (self._started, 0)
        self._last_age = (0.0, 0)

    def is_due(self) -> bool:
        """Return whether the next report is due: each costs the load a little."""
        return time.monotonic() - self._last[0] >= REPORT_SECONDS

    def report(self, phase: str, state: LoadState | None) -> None:
        """Report a phase, and the load's state if there is one yet."""
        now, state = time.monotonic(), state or NO_STATE
        then, received = self._last
        self._last = (now, state.received)
        rate = max(0, state.received - received) / max(now - then, TICK_SECONDS)
        left = max(0.0, self._trial_seconds - (now - self._started))
        left += (self._total - self._index) * self._trial_seconds
        age = self._age(state) if phase == MEASURING else None
        there = state.subscribed if self._clients is not None else state.visitors
        self._on_progress(Progress(self._index, self._total, self._plan, phase, there, self._clients, rate, left, age))

    def _age(self, state: LoadState) -> float | None:
        """Return the mean age since the last report, None if no client has had any."""
        area, age_ns = state.age_area - self._last_age[0], state.age_ns - self._last_age[1]
        if age_ns <= 0:
            return None
        self._last_age = (state.age_area, state.age_ns)
        return area * NS_PER_SECOND / age_ns


def least_trials(study: Study) -> int:
    """Return how many trials a study has when every repeat is valid; of a search, about how many."""
    if study.most is not None:
        return trials_of_search(study.first) * len(contestants_of(study.first))
    repeats = study.first.valid_repeats or study.first.repeats
    return repeats * len(study.settings) * len(contestants_of(study.first))


def trials_of_search(experiment: Experiment) -> int:
    """Return about how many trials a contestant's search takes, if its capacity lies in the middle of the range."""
    options = experiment.capacity
    doublings = 1 + math.log2(options.most / knob_of(experiment)) / 2
    halvings = max(0.0, math.log2(1 / options.precision))
    each = (options.repeats // 2 + 1 + options.repeats) / 2
    return math.ceil(doublings + each * (1 + halvings) + 1)


def idle_seconds(experiment: Experiment) -> float:
    """Return how long a server's cost without clients is measured; a search for capacity has no use for it."""
    if experiment.kind == "capacity":
        return 0.0
    return min(MOST_IDLE_SECONDS, experiment.window.measure_seconds / 2)


def expected_seconds(plan: Plan) -> float:
    """Return about how long a trial takes."""
    experiment = plan.experiment
    clients, window = experiment.clients, experiment.window
    longest = longest_seconds(plan.path, plan.options)
    starting = 2.5 + idle_seconds(experiment) + (1.5 if experiment.load.processes > 1 else 0)
    starting += 0.0 if experiment.population.is_visit else clients.count / clients.spawn_per_second
    return starting + 2 * longest + PRIMING_SECONDS + window.warmup_seconds + window.measure_seconds + 1.0
