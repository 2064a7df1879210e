"""Visits: visitors come at times fixed beforehand, take the newest update and K − 1 more, and leave."""

from collections.abc import Callable, Iterator
from typing import ClassVar, NoReturn, Protocol

import gevent
from gevent.event import AsyncResult, Event
from gevent.pool import Group

from loadtests import wall
from loadtests.connection import Stamp
from loadtests.speech import Speech
from loadtests.statistics import Statistics
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.observe.visit import Opening, VisitEnd, VisitEntry, VisitStage, VisitTally
from wirerace.transports.transport import Transport
from wirerace.wire.update import Cursor, Update
from wirerace.workload.population import Population, Share, visits_of

VISIT = "VISIT"
"""The name of visits in the column where Locust has GET."""
_FINISHED: VisitEnd = "finished"
_GAVE_UP: VisitEnd = "gave_up"
_UNFINISHED: VisitEnd = "unfinished"

Received = tuple[list[Update], Stamp]


class Visitor(Protocol):
    """What a visit needs of a client: a Locust user that Locust has not started."""

    transport: ClassVar[Transport]
    account: Account
    ledger: Ledger
    speech: Speech
    opening: Opening | None
    started_ns: int
    has_received: bool
    is_connected: bool
    requests: int

    def visit(self, due_ns: int) -> None:
        """Become a visitor that was to come at an instant: it starts with the newest update."""

    def deliveries(self) -> Iterator[Received]:
        """Yield what is received, until the connection breaks."""

    def receive(self, deliveries: Callable[[], Iterator[Received]]) -> None:
        """Receive to the end of `deliveries`; after a failure, wait and continue."""

    def position(self) -> Cursor | None:
        """Return the cursor up to which it has received everything, None when it has none yet."""

    def cut(self, pause_seconds: float) -> bool:
        """Cut its connection; it reconnects after a pause. Return False when it has none."""

    def take_leave(self) -> None:
        """Close the connection in order."""

    def hang_up(self) -> None:
        """Close the connection at once, if there is one."""


class Taking:
    """What one visitor takes: its deliveries, until it has enough of them."""

    def __init__(self, client: Visitor, updates: int) -> None:
        self.first_ns = 0  # when its first update had arrived
        self.first_age_ns = 0
        self._client = client
        self._updates = updates
        self._taken: set[tuple[str, int]] = set()

    @property
    def taken(self) -> int:
        """The number of updates that it has so far."""
        return len(self._taken)

    @property
    def reached(self) -> dict[VisitStage, int]:
        """The stages from an open connection to the first update that it has reached, and when."""
        opening = self._client.opening
        stages: dict[VisitStage, int] = {} if opening is None else opening.stages
        return stages | {"first_update": self.first_ns} if self.first_ns else stages

    def entry(self, due_ns: int, left_ns: int, end: VisitEnd) -> VisitEntry:
        """Return the visit as it is listed."""
        client, asked_ns = self._client, self.reached.get("request_sent", 0)
        return VisitEntry(due_ns, asked_ns, left_ns, end, client.requests, client.ledger.first, client.position())

    def deliveries(self) -> Iterator[Received]:
        """Yield what its client receives, without the first update, until it has enough."""
        for updates, stamp in self._client.deliveries():
            yield self._take(updates, stamp.arrival_ns), stamp
            if len(self._taken) >= self._updates:
                return

    def _take(self, updates: list[Update], arrival_ns: int) -> list[Update]:
        """Note what was received, and return the part that counts as ordinary deliveries."""
        self._taken.update((update.epoch, update.seq) for update in updates)
        if self.first_ns or not updates:
            return updates
        client, first = self._client, updates[0]
        self.first_ns, self.first_age_ns = arrival_ns, arrival_ns - first.ts
        client.has_received = True  # the stages of its connection have the first update, too
        client.account.stages["first_update"].record(arrival_ns - client.started_ns)
        client.ledger.begin(first, arrival_ns)
        return updates[1:]


class VisitHost:
    """The visits of one load process. Its Locust user is the host: each visitor is another user of its class."""

    def __init__(
        self,
        population: Population,
        seed: int,
        warmup_seconds: float,
        statistics: Statistics,
        leave: Callable[[Visitor], None],
    ) -> None:
        self.are_expected = population.is_visit
        self.hosts = 0
        self._population = population
        self._seed = seed
        self._warmup_ns = to_ns(warmup_seconds)
        self._statistics = statistics
        self._leave = leave
        self._due: AsyncResult = AsyncResult()
        self._window: Window
        self._visitors = Group()

    @property
    def now(self) -> int:
        """The number of visitors that are there."""
        return len(self._visitors)

    def begin(self, window: Window, share: Share) -> None:
        """Let this process's share of the visitors come, from the warm-up to the end of the window."""
        self._window = window
        self._due.set(visits_of(self._population, self._seed, window.from_ns - self._warmup_ns, window.to_ns, share))

    def stop(self) -> None:
        """End the visits that are left."""
        self._due.set(iter(()))
        self._visitors.kill()

    def host(self, account: Account, newcomer: Callable[[], Visitor]) -> NoReturn:
        """Start each visit when it is due, until this greenlet is killed; `newcomer` returns a new visitor."""
        tally = account.visits = account.visits or VisitTally()
        self.hosts += 1
        for due_ns in self._due.get():
            while (left_ns := due_ns - wall.now_ns()) > 0:
                gevent.sleep(left_ns / NS_PER_SECOND)
            self._visitors.spawn(self._visit, newcomer(), tally, due_ns)
        while True:
            Event().wait()

    def _visit(self, client: Visitor, tally: VisitTally, due_ns: int) -> None:
        """Make one visit, and note how it was."""
        began_ns, timeout_seconds = wall.now_ns(), self._population.timeout_seconds
        taking, end = Taking(client, self._population.updates), _UNFINISHED
        client.visit(due_ns)
        try:
            with gevent.Timeout(max(0.0, timeout_seconds - (began_ns - due_ns) / NS_PER_SECOND), exception=False):
                client.receive(taking.deliveries)
                client.take_leave()
                end = _FINISHED
            if end is not _FINISHED:
                end = _GAVE_UP
                what = f"gave up after {timeout_seconds:g} s with {taking.taken} of {self._population.updates} updates"
                self._statistics.fail(VISIT, client.transport.path, what)
        finally:
            client.hang_up()
            reached = taking.reached | {"started": began_ns}
            visit = taking.entry(due_ns, wall.now_ns(), end)
            if end is _FINISHED:
                reached["closed"] = visit.left_ns
                self._statistics.times_of(VISIT, client.transport.path).note(visit.left_ns - due_ns, 0)
            tally.enter(visit, reached, taking.first_age_ns, counts=self._window.has(due_ns))
            self._leave(client)
