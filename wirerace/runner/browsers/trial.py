"""The tabs of one trial, as its steps need them: wait until they are open, and until they have everything."""

import time
from collections.abc import Callable

from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Window
from wirerace.record.browsers import BrowsersRecord
from wirerace.runner.browsers.ledgers import have_all, record_of
from wirerace.runner.browsers.order import TabLedgers, TabsState
from wirerace.runner.targets.target import Child
from wirerace.workload.truth import Counts, Truth

OPEN_SECONDS = 60.0  # for the browser, and beyond it for each tab on a busy machine
TAB_SECONDS = 3.0


class TrialTabs:
    """The tabs of a trial. Without any, there is nothing to wait for and no record."""

    def __init__(self, plan: Plan, child: Child | None) -> None:
        self._plan = plan
        self._child = child

    def wait_until_open(self, pause: Callable[[], None]) -> None:
        """Return when every tab is subscribed and its clock is known.

        Raises TrialFailed when that takes too long.
        """
        count = self._plan.experiment.clients.browsers
        deadline = time.monotonic() + OPEN_SECONDS + TAB_SECONDS * count
        while self._child is not None:
            state = self._child.peer.get("/state", TabsState) if self._child.peer.is_open() else None
            if state is not None and state.is_ready:
                return
            if time.monotonic() > deadline:
                opened = sum(tab.opened for tab in state.tabs) if state is not None else 0
                raise self._child.part.failure(f"has opened {opened} of {count} tabs in time")
            pause()

    def have_all(self, made: Callable[[], Counts]) -> bool:
        """Return whether every tab has everything that was made in the window."""
        if self._child is None:
            return True
        state = self._child.peer.get("/state", TabsState)
        try:
            return have_all([(tab.channel, tab.epoch, tab.seq) for tab in state.tabs], made())
        except TrialFailed:  # the producer does not answer now
            return False

    def finish(self) -> TabLedgers | None:
        """Return what the tabs have received. Ask before the producer: then its record has all of it."""
        return None if self._child is None else self._child.peer.send("POST", "/finish", None, TabLedgers)

    def record(self, ledgers: TabLedgers | None, window: Window, truth: Truth) -> BrowsersRecord | None:
        """Return the record of what the tabs have received.

        Raises TrialFailed when it contradicts the producer's record.
        """
        latest_only = self._plan.options.latest_only
        return None if ledgers is None else record_of(ledgers, window, truth, latest_only=latest_only)
