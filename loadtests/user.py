"""The base of all users: subscribes, keeps a ledger, reconnects when the connection breaks."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gevent
from locust import User, task
from locust.env import Environment

from loadtests import wall
from loadtests.carriers import SEND_PATH, Carrier, Lent, Posted
from loadtests.connection import Stamp
from loadtests.http import with_query
from loadtests.load import LOADS
from loadtests.outbox import Outbox
from loadtests.pushing import OpenedClient
from wirerace.backoff import OF_CLIENTS
from wirerace.clock import to_ns
from wirerace.errors import BadAnswer, Refused, WireraceError, shown
from wirerace.observe.ledger import Ledger
from wirerace.observe.visit import Opening
from wirerace.transports.transport import Transport
from wirerace.wire.update import Cursor, Update, is_epoch

NO_TASKS: deque[Any] = deque()
DELIVERY = "UPDATE"
"""The name of deliveries in the column where Locust has GET."""


Received = tuple[list[Update], Stamp]
"""The updates of one read of the socket, and when they had arrived."""


class Cut(Exception):
    """The load cuts this client's connection; the client reconnects after `pause_seconds`."""

    def __init__(self, pause_seconds: float) -> None:
        super().__init__(pause_seconds)
        self.pause_seconds = pause_seconds


class SubscriberUser(User):
    """One client. Each transport receives in its own `deliveries`."""

    # Without slots each of thousands of clients would have a dict of 1.5 kB; Locust's own attributes share their keys.
    __slots__ = (
        "account", "asked_ns", "attempts", "broken_ns", "catches_up", "channel", "cursor", "epoch", "has_newer",
        "has_received", "is_connected", "last", "ledger", "listener", "load", "note_delivery", "note_request",
        "opening", "options", "outbox", "requests", "speech", "started_ns", "well_ns",
    )  # fmt: skip
    abstract = True
    host = "per-transport"  # Locust's single host is not used, but its page would ask for one if there were none
    transport: ClassVar[Transport]
    request_method: ClassVar[str]
    together: ClassVar[bool]
    """Whether the updates of one read arrived together. If not, all but the last arrived before the stamp."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.load = LOADS[environment]
        self.account = self.load.account_of(self.transport)
        self.options: Any = self.load.options_of(self.transport)
        self.speech = self.load.speech_of(self.transport)
        note_of = self.load.statistics.note_of
        self.note_request = note_of(self.request_method, self.request_name())
        self.note_delivery = note_of(DELIVERY, self.transport.path)
        self.cursor = ""
        self.attempts = 0
        self.requests = 0
        self.asked_ns = 0
        self.started_ns = 0
        self.broken_ns = 0
        self.well_ns = 0  # since when nothing has failed
        self.epoch: str | None = None
        self.is_connected = False
        self.catches_up = True  # it has sent no request since it started, or since its connection broke
        self.has_received = False
        self.has_newer = False  # the last read ended inside something newer
        self.listener: gevent.Greenlet | None = None
        self.channel = self.load.next_channel(self.transport)
        self.last = 0  # a visitor starts with as many of the newest updates
        self.opening: Opening | None = None
        self.outbox = self.load.sending.outbox_of(self.account)
        self.ledger = Ledger(self.account, self.channel, latest_only=self.options.latest_only)

    @classmethod
    def request_name(cls) -> str:
        """Return the name of its requests in Locust's tables."""
        return cls.transport.path

    def deliveries(self) -> Iterator[Received]:
        """Yield what is received, from `cursor` on, until the connection breaks."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Return whether it has a connection now."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        raise NotImplementedError

    def carrier(self, outbox: Outbox) -> Carrier:
        """Return what carries its messages: requests on a connection of their own."""
        return self.posts(outbox, None)

    def posts(self, outbox: Outbox, lender: Lent | None) -> Posted:
        """Return requests that carry messages, with the client's own options of requests."""
        keep_alive = not self.options.opens_anew
        extra_bytes = getattr(self.options, "extra_header_bytes", 0)  # only clients that ask have the option
        own = self.speech.asking(keep_alive=keep_alive, extra_header_bytes=extra_bytes, repeats_lost=True)
        target = with_query(SEND_PATH, channel=self.channel, fan_out=self.fan_out)
        return Posted(outbox, own, target, self.load.statistics, None if self.speech.is_shared else lender)

    @property
    def fan_out(self) -> str:
        """What a request says about its messages; empty if they are for the server alone, or if there are none."""
        return "true" if self.outbox is not None and self.load.sending.upstream.fan_out else ""

    def visit(self, due_ns: int) -> None:  # noqa: ARG002 -- for clients that ask at a fixed rate
        """Become a visitor that was to come at an instant: it starts with the newest update."""
        self.last = 1

    def take_leave(self) -> None:
        """Close the connection in order, as a visitor does that has what it came for."""
        self.hang_up()

    @task
    def subscribe(self) -> None:
        """Receive until Locust stops this user. In a load of visitors, be their host: they are users of this class."""
        if self._taskset_instance is not None:  # its own queue takes 0.7 kB, and stays empty
            self._taskset_instance._task_queue = NO_TASKS  # noqa: SLF001
        if self.load.visits.are_expected:
            self.load.visits.host(self.account, lambda: type(self)(self.environment))
        self.receive(self.deliveries)

    def receive(self, deliveries: Callable[[], Iterator[Received]]) -> None:
        """Receive to the end of `deliveries`; after a failure, wait and continue.

        Every failure that a server can cause is caught here. An error answer is an answer: the connection stays.
        """
        self.listener = gevent.getcurrent()
        self.load.join(self)
        pause_seconds = 0.0
        while True:
            try:
                gevent.sleep(pause_seconds)
                for updates, stamp in deliveries():
                    self.enter(updates, stamp)
            except Cut as cut:
                pause_seconds = cut.pause_seconds
                self.speech.sever()
                self.lose_connection()
            except Refused as error:
                pause_seconds = self.pause_after(error)
            except (OSError, WireraceError) as error:
                pause_seconds = self.pause_after(error)
                self.account.totals.breaks += self.is_connected
                self.lose_connection()
            else:
                self.listener = None  # it has what it came for: there is nothing to cut any more
                return

    def enter(self, updates: list[Update], stamp: Stamp) -> None:
        """Enter what one read brought into the ledger."""
        arrival_ns, read_ns = stamp.arrival_ns, stamp.read_ns
        self.account.read(arrival_ns, read_ns, by_kernel=stamp.by_kernel)
        if not self.well_ns:
            self.well_ns = read_ns
        if not updates:
            return
        if not self.has_received:
            self.has_received = True
            self.account.stages["first_update"].record(arrival_ns - self.started_ns)
        # How many something newer was read with.
        later = len(updates) if self.has_newer else 0 if self.together else len(updates) - 1
        receive, note = self.ledger.receive, self.note_delivery
        for update in updates:
            receive(update, arrival_ns, is_bound=later > 0)
            note(arrival_ns - update.ts, update.payload_bytes)
            later -= 1

    def pause_after(self, error: Exception) -> float:
        """Note a failure and return how long to wait: twice as long each time, with jitter.

        It starts again from the shortest when nothing has failed for as long as the longest pause. Otherwise a server
        whose every other answer is wrong would always be asked again after the shortest pause.
        """
        self.note_failure(error)
        least, most = OF_CLIENTS
        if self.well_ns and wall.now_ns() - self.well_ns > to_ns(most):
            self.attempts = 0
        self.well_ns = 0
        pause_seconds: float = min(least * 2**self.attempts, most)
        self.attempts = min(self.attempts + 1, 10)
        return pause_seconds * self.load.random.uniform(0.5, 1.0)

    def lose_connection(self) -> None:
        """Close the connection, if there is one: this client has to reconnect."""
        self.hang_up()
        self.catches_up = True
        if self.is_connected:
            self.is_connected = False
            self.broken_ns = wall.now_ns()

    def note_refusal(self) -> None:
        """Count an error answer."""
        now = wall.now_ns()
        self.account.response("error", now, now - self.asked_ns)

    def note_failure(self, error: Exception) -> None:
        """Count a failure and report it to Locust: of a request, or of the connection of deliveries."""
        self.account.totals.failed_connects += 1 if not self.cursor else 0
        what = (
            f"{self.load.address_of(self.transport)}: {error.strerror or error}"
            if isinstance(error, OSError)
            else str(error)
        )
        if self.asked_ns:
            took_ns, self.asked_ns = wall.now_ns() - self.asked_ns, 0
            self.load.statistics.fail(self.request_method, self.request_name(), what, took_ns)
        else:
            self.load.statistics.fail(DELIVERY, self.transport.path, what)

    def cut(self, pause_seconds: float) -> bool:
        """Cut the connection; the client reconnects after a pause. Return False when it has none."""
        if not self.is_connected or not self.is_open or self.listener is None:
            return False
        # Not gevent.kill(): that marks the greenlet as dead, and Locust could not find its user any more.
        gevent.get_hub().loop.run_callback(self._cut, Cut(pause_seconds))
        return True

    def _cut(self, cut: Cut) -> None:
        """Cut the connection now, unless the client has left meanwhile."""
        if self.listener is not None:
            self.listener.throw(cut)

    def stop(self, force: bool = False) -> bool:  # noqa: ARG002 -- Locust's signature
        """Stop at once: Locust would wait --stop-timeout for a task that never ends by itself."""
        return bool(super().stop(force=True))

    def on_stop(self) -> None:
        """Leave the load: Locust stops this user."""
        self.load.leave(self)
        self.hang_up()

    def position(self) -> Cursor | None:
        """Return the cursor up to which this client has received everything, None when it has none yet."""
        return Cursor.parse(self.cursor) if self.cursor else None

    def target(self, *, after: Cursor | str | None, **query: str) -> str:
        """Return the path and query of a request for what came after a cursor, if there is one."""
        return with_query(
            self.load.path_of(self.transport),
            channel=self.channel,
            after=str(after or ""),
            last=str(self.last) if self.last and not after else "",
            deliver="latest" if self.options.latest_only else "",
            **query,
        )

    def checked(self, updates: list[Update]) -> list[Update]:
        """Return the updates, after checking their channel and that a cursor can hold their epochs.

        Decoding has checked the rest. Raises BadAnswer for one of another channel, or that a cursor cannot hold.
        """
        for update in updates:
            if update.channel != self.channel:
                raise BadAnswer(f"an update of channel {shown(update.channel)}, not of {shown(self.channel)}")
            if update.epoch != self.epoch:
                if not is_epoch(update.epoch):
                    raise BadAnswer(f"an epoch is 1 to 16 characters 0-9 and a-z, got {shown(update.epoch)}")
                self.epoch = update.epoch
        return updates

    def connected(self, cursor: Cursor | None, client: OpenedClient, answered_ns: int) -> None:
        """Note that the server has answered: this client is subscribed after `cursor`, for the first time or again.

        A server without cursors has none: what is made from now on is expected.
        """
        since_ns, now = self.asked_ns, wall.now_ns()
        self.well_ns = self.well_ns or now
        self.started_ns = self.started_ns or since_ns
        self.ledger.open(cursor, now)
        self.is_connected = True
        self.account.connecting.record((now if cursor is not None else answered_ns) - since_ns)
        if self.broken_ns:
            self.account.returning.record(now - self.broken_ns)
        self.opening = self.opening or Opening(client.opened_ns, client.sent_ns, answered_ns, client.secured_ns)
        stages = self.account.stages
        if client.opened_ns:  # else it came to a connection that was open
            stages["tcp_connected"].record(client.opened_ns - since_ns)
        if client.secured_ns:
            stages["tls_established"].record(client.secured_ns - since_ns)
        stages["request_sent"].record(client.sent_ns - since_ns)
        stages["answered"].record(answered_ns - since_ns)
        if self.outbox is not None:
            self.load.sending.connected(self, self.outbox)
