"""The base of all users: subscribes, keeps a ledger, comes back when the connection breaks."""

from collections.abc import Iterator
from typing import Any, ClassVar

import gevent
import msgspec
from locust import User, task
from locust.env import Environment

from loadtests.connection import Stamp
from loadtests.http import HttpClient
from loadtests.load import LOADS
from loadtests.ws import WebSocketClient
from wirerace.backoff import OF_CLIENTS
from wirerace.clock import now_ns
from wirerace.errors import BadCursor, ConnectionLost, Refused
from wirerace.frames import FrameError
from wirerace.ledger import Ledger
from wirerace.transports import Transport
from wirerace.wire import Cursor, Update, decode_batch

DELIVERY = "UPDATE"
"""What deliveries are called where Locust says GET."""


Received = tuple[list[Update], Stamp]
"""What one read of the socket brought, and when it had arrived."""


class Cut(Exception):
    """The load cuts this client's connection; it returns after `pause_seconds`."""

    def __init__(self, pause_seconds: float) -> None:
        super().__init__(pause_seconds)
        self.pause_seconds = pause_seconds


class Subscriber(User):
    """One client. A transport's own way of receiving is its `deliveries`."""

    abstract = True
    host = "per-transport"  # Locust's one host is nobody's: its page would ask for one if there were none
    transport: ClassVar[Transport]
    request_method: ClassVar[str]
    together: ClassVar[bool]
    """Whether what one read brings arrived as a whole, or one by one: then all but the last have arrived before."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.load = LOADS[environment]
        self.account = self.load.account_of(self.transport)
        self.counters = self.load.counters_of(self.transport)
        self.options: Any = self.load.options_of(self.transport)
        self.address = self.load.address_of(self.transport)
        times_of = self.load.statistics.times_of
        self.note_request = times_of(self.request_method, self.transport.path).note
        self.note_delivery = times_of(DELIVERY, self.transport.path).note
        self.cursor = ""
        self.attempts = 0
        self.asked_ns = 0
        self.started_ns = 0
        self.broken_ns = 0
        self.is_connected = False
        self.has_heard = False
        self.has_newer = False  # what was read last holds a part of something newer
        self.listener: gevent.Greenlet | None = None
        self.ledger = Ledger(self.account)

    def deliveries(self) -> Iterator[Received]:
        """Yield what comes, from `cursor` on, until the connection breaks."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Tell whether it has a connection at this moment."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Close what is open."""
        raise NotImplementedError

    @task
    def subscribe(self) -> None:
        """Receive for as long as Locust lets this user live; reconnect with backoff and jitter."""
        self.listener = gevent.getcurrent()
        self.load.join(self)
        pause_seconds = 0.0
        while True:
            try:
                gevent.sleep(pause_seconds)
                self.listen()
            except Cut as cut:
                pause_seconds = cut.pause_seconds
            except (OSError, ConnectionLost, Refused, FrameError, BadCursor, msgspec.DecodeError) as error:
                pause_seconds = self.backoff_seconds()
                self.note_failure(error)
            self.hang_up()
            if self.is_connected:
                self.is_connected = False
                self.broken_ns = now_ns()

    def listen(self) -> None:
        """Enter into the ledger what comes, until the connection breaks."""
        receive, note, read = self.ledger.receive, self.note_delivery, self.account.read
        for updates, (arrival_ns, read_ns, by_kernel) in self.deliveries():
            read(arrival_ns, read_ns, by_kernel=by_kernel)
            if updates and not self.has_heard:
                self.has_heard = True
                self.account.stages["first_update"].record(arrival_ns - self.started_ns)
            earlier = 0 if self.together else len(updates) - (not self.has_newer)
            for index, update in enumerate(updates):
                receive(update, arrival_ns, is_bound=index < earlier)
                note(arrival_ns - update.ts, update.payload_bytes)

    def backoff_seconds(self) -> float:
        """Return how long to wait before the next attempt: twice as long each time, with jitter."""
        least, most = OF_CLIENTS
        pause_seconds: float = min(least * 2**self.attempts, most)
        self.attempts = min(self.attempts + 1, 10)
        return pause_seconds * self.load.random.uniform(0.5, 1.0)

    def note_failure(self, error: Exception) -> None:
        """Count a failure and tell Locust what failed: a request, or the connection that brought deliveries."""
        self.account.totals.failed_connects += 1 if not self.cursor else 0
        what = f"{self.address}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        if self.asked_ns:
            took_ns, self.asked_ns = now_ns() - self.asked_ns, 0
            self.load.statistics.fail(self.request_method, self.transport.path, what, took_ns)
        else:
            self.load.statistics.fail(DELIVERY, self.transport.path, what)

    def cut(self, pause_seconds: float) -> bool:
        """Cut the connection; the client returns after a pause. False when it has none."""
        if not self.is_connected or not self.is_open or self.listener is None:
            return False
        # Not gevent.kill(): it takes the greenlet for dead, and Locust could not find its user any more.
        gevent.get_hub().loop.run_callback(self.listener.throw, Cut(pause_seconds))
        return True

    def on_stop(self) -> None:
        """Locust tells this user to stop."""
        self.load.leave(self)
        self.hang_up()

    def position(self) -> Cursor | None:
        """Return the cursor up to which this client has received everything, None when it has none yet."""
        return Cursor.parse(self.cursor) if self.cursor else None

    def connected(self, cursor: Cursor, client: HttpClient | WebSocketClient, answered_ns: int) -> None:
        """Note that the server has answered: this client is subscribed after `cursor`, or is again after a break."""
        since_ns, now = self.asked_ns, now_ns()
        self.attempts = 0
        self.started_ns = self.started_ns or since_ns
        self.ledger.open(cursor, now)
        self.is_connected = True
        self.account.connecting.record(now - since_ns)
        if self.broken_ns:
            self.account.returning.record(now - self.broken_ns)
        stages = self.account.stages
        stages["tcp_connected"].record(client.opened_ns - since_ns)
        stages["request_sent"].record(client.sent_ns - since_ns)
        stages["answered"].record(answered_ns - since_ns)


class HttpSubscriber(Subscriber):
    """A client that asks."""

    abstract = True
    request_method = "GET"
    together = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client = HttpClient(
            self.address,
            self.counters,
            keep_alive=self.options.keep_alive,
            extra_header_bytes=self.options.extra_header_bytes,
        )

    def ask(self, target: str, sent_ns: int) -> Received:
        """Ask for `target`; the request was meant to leave at `sent_ns`. A 204 yields no updates."""
        account = self.account
        account.request(sent_ns)
        connects = self.client.connects
        self.asked_ns = now_ns()
        try:
            response = self.client.get(target)
        except Refused:
            now = now_ns()
            account.response("error", now, now - self.asked_ns)
            raise
        took_ns = response.stamp.arrival_ns - self.asked_ns
        self.note_request(took_ns, len(response.body))
        updates = decode_batch(response.body).updates if response.status == 200 else []
        account.response("data" if updates else "empty", response.stamp.arrival_ns, took_ns)
        if self.client.connects > connects:
            account.totals.connects += 1
        if not self.is_connected:
            # The cursor of an answer lies behind its updates, the subscription begins before them.
            first = Cursor(updates[0].epoch, updates[0].seq - 1) if updates else Cursor.parse(response.cursor)
            self.connected(first, self.client, response.stamp.arrival_ns)
        self.asked_ns = 0
        self.cursor = response.cursor
        return updates, response.stamp

    @property
    def is_open(self) -> bool:
        """Tell whether the connection was kept, or a request is under way."""
        return self.client.is_open

    def hang_up(self) -> None:
        """Close the connection."""
        self.client.close()
