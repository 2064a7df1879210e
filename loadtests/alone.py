"""The load of one process, as an experiment asks for it; that of several answers the same questions."""

from typing import Protocol

from locust.env import Environment

from loadtests import garbage
from loadtests.keeping import HostPlace
from loadtests.load import LOADS, Load
from wirerace.errors import TrialFailed
from wirerace.observe.account import AccountRecord, LoadState, Window
from wirerace.observe.outages import OutageOrder
from wirerace.workload.population import WHOLE, Share


class LoadProcesses(Protocol):
    """The load, in one process or several. Every method raises TrialFailed when a part of it is gone."""

    def count(self) -> int:
        """Return how many processes there are."""

    def state(self) -> LoadState:
        """Return its state."""

    def set_window(self, window: Window) -> None:
        """Set the window of its accounts."""

    def cut(self, jitter_seconds: float) -> int:
        """Cut all connections and return their number."""

    def note_outages(self, order: OutageOrder) -> None:
        """Note from now on what faults do to clients."""

    def finish(self) -> AccountRecord:
        """Close all ledgers and return the account of all."""


class Alone:
    """The load of this process."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @property
    def _load(self) -> Load | None:
        return LOADS.get(self._environment)

    def count(self) -> int:
        """Return 1: there are no others."""
        return 1

    def state(self) -> LoadState:
        """Return its state; an empty one before the test has started."""
        return self._load.state() if self._load is not None else LoadState()

    def set_window(self, window: Window, share: Share = WHOLE) -> None:
        """Set the window of its accounts, and its share of the visitors.

        Raises TrialFailed before the test has started, because nothing would be counted.
        """
        if self._load is None:
            raise TrialFailed("no test has started")
        garbage.settle()
        self._load.set_window(window, share)

    def places(self) -> list[HostPlace]:
        """Return where it answers probes of its host's clock: nowhere if that is the producer's."""
        keeper = None if self._load is None else self._load.clock
        return [] if keeper is None else [keeper.place]

    def meet(self, others: list[HostPlace]) -> None:
        """Compare its host's clock with those of other load hosts."""
        if self._load is not None and self._load.clock is not None:
            self._load.clock.meet(others)

    def cut(self, jitter_seconds: float) -> int:
        """Cut all its connections."""
        return self._load.cut(jitter_seconds) if self._load is not None else 0

    def note_outages(self, order: OutageOrder) -> None:
        """Note what faults do to its clients."""
        if self._load is not None:
            self._load.note_outages(order)

    def finish(self) -> AccountRecord:
        """Close its ledgers."""
        return self._load.finish() if self._load is not None else AccountRecord()
