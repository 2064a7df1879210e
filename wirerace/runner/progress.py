"""The progress of a run: which trial, which phase, how long it will take."""

import time
from collections.abc import Callable
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.experiment.plans import Plan
from wirerace.observe.account import LoadState
from wirerace.runner.forecast import Place, Remaining, expected_seconds

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

    def __init__(self, on_progress: OnProgress, plan: Plan, ran: int, left: Remaining, place: Place = "local") -> None:
        """`ran` trials have been run, and this trial and those after it are what is `left`."""
        self._on_progress = on_progress
        self._index = ran + 1
        self._total = max(self._index, ran + left.typical_trials)
        self._plan = plan
        self._clients = None if plan.experiment.population.is_visit else plan.experiment.clients.count
        self._trial_seconds = expected_seconds(plan, place)
        self._later_seconds = max(0.0, left.typical_seconds - self._trial_seconds)
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
        left = max(0.0, self._trial_seconds - (now - self._started)) + self._later_seconds
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
