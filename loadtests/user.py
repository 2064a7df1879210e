"""The base of all users: subscribes, keeps a ledger, comes back when the connection breaks."""

from collections.abc import Iterator
from typing import Any, ClassVar

import gevent
from locust import User, task
from locust.env import Environment

from loadtests.http import HttpClient
from loadtests.load import LOADS
from loadtests.ws import WebSocketClient
from wirerace.clock import now_ns
from wirerace.errors import ConnectionLost, Refused
from wirerace.frames import FrameError
from wirerace.transports import Transport
from wirerace.wire import Cursor, Update, decode_batch

BACKOFF_SECONDS = (0.05, 2.0)


Received = tuple[list[Update], int]
"""What one read of the socket brought, and when it had arrived, Unix nanoseconds."""


class Subscriber(User):
    """One client. A transport's own way of receiving is its `deliveries`."""

    abstract = True
    transport: ClassVar[Transport]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.load = LOADS[environment]
        self.account = self.load.account
        self.options: Any = self.load.options_of(self.transport)
        self.address = self.load.address_of(self.transport)
        self.cursor = ""
        self.attempts = 0
        self.started_ns = 0
        self.is_connected = False
        self.has_heard = False
        self.ledger = self.load.new_ledger()

    def deliveries(self) -> Iterator[Received]:
        """Yield what comes, from `cursor` on, until the connection breaks."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Close what is open."""
        raise NotImplementedError

    @task
    def subscribe(self) -> None:
        """Receive for as long as Locust lets this user live; reconnect with backoff and jitter."""
        receive, note = self.ledger.receive, self.load.times_of("UPDATE", self.transport.path).note
        while True:
            try:
                for updates, arrival_ns in self.deliveries():
                    if updates and not self.has_heard:
                        self.has_heard = True
                        self.account.stages["first_update"].record(arrival_ns - self.started_ns)
                    for update in updates:
                        receive(update, arrival_ns)
                        note(arrival_ns - update.ts, update.payload_bytes)
            except (OSError, ConnectionLost, Refused, FrameError) as error:
                self.account.totals.failed_connects += 1 if not self.cursor else 0
                self.load.log_failure("GET", self.transport.path, error)
            self.hang_up()
            self.is_connected = False
            least, most = BACKOFF_SECONDS
            pause_seconds = min(least * 2**self.attempts, most)
            self.attempts = min(self.attempts + 1, 10)
            gevent.sleep(pause_seconds * self.load.random.uniform(0.5, 1.0))

    def on_stop(self) -> None:
        """Locust tells this user to stop."""
        self.load.end_ledger(self.ledger)
        self.hang_up()

    def connected(self, cursor: str, since_ns: int, client: HttpClient | WebSocketClient, answered_ns: int) -> None:
        """Note that the server has given a cursor: this client is subscribed, or is again after a broken connection."""
        self.cursor = cursor
        self.attempts = 0
        self.started_ns = self.started_ns or since_ns
        now = now_ns()
        self.ledger.open(Cursor.parse(cursor), now)
        self.is_connected = True
        self.account.connecting.record(now - since_ns)
        stages = self.account.stages
        stages["tcp_connected"].record(client.opened_ns - since_ns)
        stages["request_sent"].record(client.sent_ns - since_ns)
        stages["answered"].record(answered_ns - since_ns)


class HttpSubscriber(Subscriber):
    """A client that asks."""

    abstract = True
    keep_alive = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client = HttpClient(
            self.address, keep_alive=self.keep_alive, extra_header_bytes=self.options.extra_header_bytes
        )
        self.note_answer = self.load.times_of("GET", self.transport.path).note

    def ask(self, target: str, sent_ns: int) -> Received:
        """Ask for `target`; the request was meant to leave at `sent_ns`. A 204 yields no updates."""
        account = self.account
        account.request(sent_ns)
        connects = self.client.connects
        started_ns = now_ns()
        try:
            response = self.client.get(target)
        except Refused:
            account.response("error", sent_ns)
            raise
        self.note_answer(response.arrival_ns - started_ns, len(response.body))
        if self.client.connects > connects:
            account.totals.connects += 1
        if not self.is_connected:
            self.connected(response.cursor, started_ns, self.client, response.arrival_ns)
        self.cursor = response.cursor
        if response.status == 204:
            account.response("empty", sent_ns)
            return [], response.arrival_ns
        account.response("data", sent_ns)
        return decode_batch(response.body).updates, response.arrival_ns

    def hang_up(self) -> None:
        """Close the connection."""
        self.client.close()
