"""The load of one Locust process: its users' account, their options, and Locust's statistics."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Protocol

import gevent
from locust.env import Environment

from loadtests import wall
from loadtests.connection import Address
from loadtests.http2_pool import SharedConnections
from loadtests.keeping import keep_clock
from loadtests.options import UserOptions
from loadtests.sending import SendingHost
from loadtests.speech import OwnConnections, SharingConnections, Speech
from loadtests.statistics import Statistics
from loadtests.traffic import Counters
from loadtests.unpacking import Accepted
from loadtests.visits import VisitHost
from wirerace.clock import NS_PER_SECOND, process_cpu_seconds, to_ns
from wirerace.observe.account import NO_TRAFFIC, NO_WINDOW, AccountRecord, LoadState, ProcessUse, Traffic, Window, merge
from wirerace.observe.accounting import Account
from wirerace.observe.histogram import merged
from wirerace.observe.ledger import Ledger
from wirerace.observe.outages import OutageOrder
from wirerace.observe.usage import Usage, difference, usage
from wirerace.streams import stream
from wirerace.transports.transport import Transport
from wirerace.wire.dialect import Dialect
from wirerace.wire.update import Cursor
from wirerace.workload.population import WHOLE, Share
from wirerace.workload.schedule import channel_names

GOLDEN = (5**0.5 - 1) / 2


LOADS: "dict[Environment, Load]" = {}
"""The load of each Locust environment. A process has one environment."""


class LoadClient(Protocol):
    """What the load knows of a client."""

    transport: ClassVar[Transport]
    ledger: Ledger
    speech: Speech
    is_connected: bool

    def position(self) -> Cursor | None:
        """Return the cursor up to which it has received everything, None when it has none yet."""

    def cut(self, pause_seconds: float) -> bool:
        """Cut its connection; the client reconnects after a pause. Return False when it has none."""


class ProcessSample(NamedTuple):
    """What a load process has used up to one instant, and what the kernel has counted on its connections."""

    at_ns: int
    cpu_seconds: float
    usage: Usage
    traffic: dict[str, Traffic]


def channels_of(count: int, index: int, processes: int) -> list[str]:
    """Return the channels that a transport's clients of the `index`-th process take, again and again.

    Locust gives clients to the processes in turn, so those of all processes together take the channels in turn.
    """
    names = channel_names(count)
    return [names[client % count] for client in range(index, math.lcm(count, processes), processes)]


class Load:
    """What the users of one process share."""

    def __init__(
        self,
        environment: Environment,
        options: UserOptions,
        index: int = 0,
        place: tuple[int, int] = (0, 1),
        *,
        test: int = 0,
    ) -> None:
        """Begin the load of a process. `index` is its own for good, `place` its place among those of this test.

        `test` is the number that the master has given the test.
        """
        self.clock = keep_clock(options.clock)
        self.test = test
        self.accounts: dict[str, Account] = {}
        self.random = stream(options.seed, "load", index, "jitter")
        self.statistics = Statistics(environment.stats)
        self._options = options
        self._counters: dict[str, Counters] = {}
        self._speeches: dict[str, OwnConnections | SharedConnections] = {}
        self._window = NO_WINDOW
        self._sampler: gevent.Greenlet | None = None
        self._uses: list[ProcessUse] = []
        self._place = place
        self._channels: dict[str, Iterator[str]] = {}
        self._clients: dict[LoadClient, None] = {}  # in the order in which they came
        self._phase = stream(options.seed, "load", index, "phase").random()
        self.sending = SendingHost(
            options.upstream, options.seed, index, options.warmup_seconds, waits=options.waits_for_window
        )
        self.visits = VisitHost(options.population, options.seed, options.warmup_seconds, self.statistics, self.leave)

    def options_of(self, transport: Transport) -> Any:
        """Return the client options of a transport."""
        return self._options.transports[transport.name]

    @property
    def compression(self) -> Accepted:
        """The compression that clients ask for."""
        return self._options.compression

    def next_channel(self, transport: Transport) -> str:
        """Return the channel of a transport's next client."""
        of_transport = self._channels.get(transport.name)
        if of_transport is None:
            of_transport = itertools.cycle(channels_of(self._options.channels, *self._place))
            self._channels[transport.name] = of_transport
        return next(of_transport)

    def address_of(self, transport: Transport) -> Address:
        """Return the address of a transport's server."""
        return self._options.addresses[transport.name]

    def path_of(self, transport: Transport) -> str:
        """Return the path where a transport's clients subscribe, which may have a query."""
        return self._options.target or transport.path

    @property
    def dialect(self) -> Dialect:
        """How the server says its updates."""
        return self._options.dialect

    def account_of(self, transport: Transport) -> Account:
        """Return the account of a transport's clients."""
        account = self.accounts.get(transport.name)
        if account is None:  # not setdefault(): an account has a dozen histograms, and every client asks for it
            account = self.accounts[transport.name] = Account(self._window)
        return account

    def counters_of(self, transport: Transport) -> Counters:
        """Return the counters of the connections of a transport's clients."""
        counters = self._counters.get(transport.name)
        if counters is None:
            counters = self._counters[transport.name] = Counters()
        return counters

    def speech_of(self, transport: Transport) -> Speech:
        """Return what makes the clients of a transport's next user."""
        found = self._speeches.get(transport.name)
        if found is None:
            found = self._speeches[transport.name] = self._new_speech(transport)
        return (
            SharingConnections(found, self._options.compression)
            if isinstance(found, SharedConnections)
            else found.of_user()
        )

    def _new_speech(self, transport: Transport) -> OwnConnections | SharedConnections:
        options, address, counters = self._options, self.address_of(transport), self.counters_of(transport)
        if options.http == 1:
            return OwnConnections(address, counters, options.compression)
        return SharedConnections(address, counters, options.streams_per_connection)

    def set_window(self, window: Window, share: Share = WHOLE) -> None:
        """Set the window of all accounts. Of all visitors this process has its share."""
        self._window = window
        if self.clock is not None:
            self.clock.settle()
        for account in self.accounts.values():
            account.window = window
        if self._sampler is not None:
            self._sampler.kill()
        self._sampler = gevent.spawn(self._sample_both_ends, window)
        self.visits.begin(window, share)
        self.sending.begin(window)

    def state(self) -> LoadState:
        """Return the state of all clients together."""
        accounts = self.accounts.values()
        return LoadState(
            sum(account.live_clients for account in accounts),
            sum(account.aged_clients for account in accounts),
            sum(account.totals.received for account in accounts),
            sum(account.totals.delivered for account in accounts),
            sum(not client.is_connected for client in self._clients),
            int(self.visits.hosts > 0),
            self.visits.now,
            self.sending.unanswered,
            sum(account.totals.age_area for account in accounts),
            sum(account.totals.age_ns for account in accounts),
        )

    def clients_of(self, transport: str) -> Iterator[LoadClient]:
        """Yield the clients of a transport that have not been stopped."""
        return (client for client in self._clients if client.transport.name == transport)

    def join(self, client: LoadClient) -> None:
        """Note a new client."""
        self._clients[client] = None

    def leave(self, client: LoadClient) -> None:
        """Close the ledger of a client that was stopped, which needs no connection any more."""
        client.speech.leave()
        if client in self._clients:
            del self._clients[client]
            self.sending.leave(client)
            client.ledger.close(wall.now_ns(), client.position(), is_visit=self.visits.are_expected)

    def next_due_ns(self, interval_seconds: float, at_ns: int) -> int:
        """Return when the next client, which starts at `at_ns`, polls first: within an interval, at its own phase.

        Phases are steps of the golden ratio from a random start. Each is uniform, and any number of them in a row
        covers the interval evenly, so that chance does not shift a mean. (Independent phases of 200 clients: 2 %.)
        They count from one origin for all clients. Counted from each client's start, they would depend on when clients
        start.
        """
        self._phase = (self._phase + GOLDEN) % 1.0
        interval_ns = to_ns(interval_seconds)
        return at_ns + (round(self._phase * interval_ns) - at_ns) % interval_ns

    def cut(self, jitter_seconds: float) -> int:
        """Cut all connections at once and return their number. Clients reconnect evenly over `jitter_seconds`."""
        cuts = 0
        for client in self._clients:
            if client.cut(self.random.uniform(0, jitter_seconds)):
                self.account_of(client.transport).totals.cuts += 1
                cuts += 1
        return cuts

    def note_outages(self, order: OutageOrder) -> None:
        """Note from now on what faults do to clients."""
        for account in self.accounts.values():
            account.outages.take(order, account.live_clients)

    def finish(self) -> AccountRecord:
        """Close all ledgers and return the account of all clients."""
        self.visits.stop()
        self.sending.stop()
        at_ns = wall.now_ns()
        for client in self._clients:
            client.ledger.close(at_ns)
        self._clients.clear()
        record = merge([account.to_record() for account in self.accounts.values()])
        handshakes = [counters.handshakes.to_record() for counters in self._counters.values()]
        record.handshaking = merged(handshakes).to_record()
        record.resumed_handshakes = sum(counters.resumed for counters in self._counters.values())
        record.closed_ns.append(at_ns)
        record.processes.extend(self._uses)
        if self.clock is not None:
            record.clocks.append(self.clock.finish(self._window))
        return record

    def stop(self) -> None:
        """Hand the rest to Locust's statistics: the test is over."""
        if self._sampler is not None:
            self._sampler.kill()
        self.visits.stop()
        self.sending.stop()
        self.statistics.stop()

    def _sample_both_ends(self, window: Window) -> None:
        """Note what this process used in the window, and what the kernel counted on its connections in it."""
        before, after = self._sample_at(window.from_ns), self._sample_at(window.to_ns)
        for name, account in self.accounts.items():
            if name in after.traffic:
                account.totals.traffic = (before.traffic.get(name, NO_TRAFFIC), after.traffic[name])
        self._uses = [
            ProcessUse(
                before.at_ns,
                after.at_ns,
                after.cpu_seconds - before.cpu_seconds,
                difference(after.usage.waited_seconds, before.usage.waited_seconds),
                difference(after.usage.throttled_seconds, before.usage.throttled_seconds),
            )
        ]

    def _sample_at(self, at_ns: int) -> ProcessSample:
        gevent.sleep(max(0, at_ns - wall.now_ns()) / NS_PER_SECOND)
        traffic = {name: counters.total() for name, counters in self._counters.items()}
        return ProcessSample(wall.now_ns(), process_cpu_seconds() or 0.0, usage(), traffic)
