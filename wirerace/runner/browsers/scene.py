"""A scene: the tabs of one browser at one server, which can be closed one by one. It is no trial, and has no ledger."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wirerace.experiment.plans import Plan, schedule_of
from wirerace.experiment.settings import Study
from wirerace.runner.browsers.order import CloseTab, TabsState, TabState
from wirerace.runner.playground import start_services
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.local import Local
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole
from wirerace.workload.schedule import Schedule

OPEN_SECONDS = 90.0  # for the browser and its tabs, on a busy machine
PATIENCE_SECONDS = 20.0  # for what is expected to happen, and does not

States = list[TabState]


class SceneTabs:
    """The tabs of a scene."""

    def __init__(self, target: Local, browser: Child) -> None:
        self._target = target
        self._browser = browser

    def states(self) -> States:
        """Return what each tab has received so far."""
        return self._browser.peer.get("/state", TabsState).tabs

    def close(self, index: int) -> None:
        """Close one tab."""
        self._browser.peer.send("POST", "/close", CloseTab(index), TabsState)

    def wait_until_asked(self, count: int) -> None:
        """Return when all tabs have been opened and have asked for updates, whether they are answered or not.

        Raises TrialFailed when that takes too long.
        """
        deadline = time.monotonic() + OPEN_SECONDS
        while not (self._browser.peer.is_open() and len(self.states()) == count):
            if time.monotonic() > deadline:
                raise self._browser.part.failure(f"has not opened {count} tabs in time")
            self._pause()

    def states_when(self, condition: Callable[[States], bool]) -> States:
        """Return the states when a condition holds, or those at the end of all patience."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition(states := self.states()) and time.monotonic() < deadline:
            self._pause()
        return states

    def _pause(self) -> None:
        self._target.watch()
        time.sleep(TICK_SECONDS)


@contextmanager
def scene(study: Study, plan: Plan, directory: Path, *, one_profile: bool) -> Iterator[SceneTabs]:
    """Yield the tabs of a plan, all of which have asked for updates, while a producer makes them.

    With `one_profile` they are the tabs of one person's browser. Otherwise each has a profile of its own.

    Raises TrialFailed when a part does not start, BadInput when there is no Chromium.
    """
    target, experiment = Local(study, directory), plan.experiment
    try:
        producer, (server,) = start_services(target, [plan])
        producer.peer.send("PUT", "/schedule", schedule_of(experiment, plan.seed, None), Schedule)
        browser = target.start_tabs(plan, server.peer.port, one_profile=one_profile)
        tabs = SceneTabs(target, browser)
        tabs.wait_until_asked(experiment.clients.browsers)
        yield tabs
    finally:
        with whole():
            target.close()
