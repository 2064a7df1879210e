"""Load for the driving groups: users of one kind in a real Locust environment. This process is the one under test."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import gevent
import msgspec
import psutil
from locust import FastHttpUser, HttpUser, User, task
from locust.env import Environment
from websocket import create_connection

from benchmarks.measure import MemoryGrowth, Turn
from loadtests import garbage
from loadtests.connection import Address, Stamp
from loadtests.http import HttpClient
from loadtests.load import LOADS, Load
from loadtests.longpolling import LongPollingUser
from loadtests.options import UserOptions
from loadtests.polling import PollingUser
from loadtests.sse import SseUser
from loadtests.stamped import StampedUser
from loadtests.user import Received
from loadtests.websocket import WebSocketUser
from loadtests.ws import WebSocketClient
from wirerace.clock import now_ns, to_ns
from wirerace.observe.account import Window
from wirerace.transports import TRANSPORTS

START_SECONDS = 15.0
WARM_UP_SECONDS = 0.3
POLL = ("/poll", "GET")
MESSAGE = ("/ws", "UPDATE")

# A user of the references asks again and again within one task, so that Locust's work between tasks does not count.


class BusyPollingUser(PollingUser):
    """Our whole polling user, except its schedule: it asks as soon as it is answered."""

    def deliveries(self) -> Iterator[Received]:
        """Ask and ask again."""
        while True:
            yield self.ask(self.environment.parsed_options.target, now_ns())


class HttpClientUser(User):
    """Our HTTP client and nothing around it."""

    @task
    def ask(self) -> None:
        """Ask and ask again."""
        client = HttpClient(Address.parse(str(self.host)))
        note = LOADS[self.environment].statistics.times_of("GET", "/poll").note
        while True:
            started_ns = now_ns()
            response = client.get(self.environment.parsed_options.target)
            note(response.stamp.arrival_ns - started_ns, len(response.body))


class FastSessionUser(FastHttpUser):
    """Locust's fast HTTP session."""

    @task
    def ask(self) -> None:
        """Ask and ask again."""
        while True:
            self.client.get(self.environment.parsed_options.target, name="/poll")


class SessionUser(HttpUser):
    """Locust's HTTP session on requests."""

    @task
    def ask(self) -> None:
        """Ask and ask again."""
        while True:
            self.client.get(self.environment.parsed_options.target, name="/poll")


class EventPerMessageUser(User):
    """A WebSocket as usual with Locust: websocket-client, json, an event for each message."""

    @task
    def listen(self) -> None:
        """Receive until killed."""
        connection = create_connection(f"ws{str(self.host).removeprefix('http')}/ws")
        fire = self.environment.events.request.fire
        while True:
            message = connection.recv()
            update = json.loads(message)
            took_ms = (now_ns() - update["ts"]) / 1e6
            fire(
                request_type="UPDATE",
                name="/ws",
                response_time=took_ms,
                response_length=len(update["data"]),
                exception=None,
                context={},
            )


class StampedPoller(StampedUser):
    """Our user for any server, in a locustfile of somebody else."""

    @task
    def ask(self) -> None:
        """Ask and ask again."""
        while True:
            self.get(self.environment.parsed_options.target, name="/poll")


class StampedListener(StampedUser):
    """The same with a WebSocket: it does what EventPerMessageUser does."""

    @task
    def listen(self) -> None:
        """Receive until killed."""
        with self.websocket("/ws") as socket:
            for message in socket:
                self.report("/ws", message, since_ns=message.json()["ts"], kind="UPDATE")


class WebSocketClientUser(User):
    """Our WebSocket client and nothing around it: what it reads is counted."""

    @task
    def listen(self) -> None:
        """Receive until killed."""
        client = WebSocketClient(Address.parse(str(self.host)), MESSAGE[0])
        note = LOADS[self.environment].statistics.note_of(MESSAGE[1], MESSAGE[0])

        def take(messages: list[bytes], stamp: Stamp) -> bool:
            note(stamp.read_ns - stamp.arrival_ns, len(messages[0]))
            return True

        while True:
            take(client.receive(take), client.stamp)


class Kind(NamedTuple):
    """A kind of user, and the entry of Locust's statistics that counts its operations.

    A load of ours sets Python's garbage collector as it does in a run.
    """

    user: Any
    entry: tuple[str, str]
    is_ours: bool = True


KINDS = {
    "polling-user": Kind(BusyPollingUser, POLL),
    "http-client": Kind(HttpClientUser, POLL),
    "fast-http-user": Kind(FastSessionUser, POLL, is_ours=False),
    "http-user": Kind(SessionUser, POLL, is_ours=False),
    "websocket-client": Kind(WebSocketClientUser, MESSAGE),
    "websocket-user": Kind(WebSocketUser, MESSAGE),
    "sse-user": Kind(SseUser, ("/sse", "UPDATE")),
    "held-user": Kind(LongPollingUser, (LongPollingUser.request_name(), "GET")),
    "waiting-user": Kind(PollingUser, POLL),
    "stamped-poller": Kind(StampedPoller, POLL, is_ours=False),
    "stamped-listener": Kind(StampedListener, MESSAGE, is_ours=False),
    "event-per-message": Kind(EventPerMessageUser, MESSAGE, is_ours=False),
}


class Drive:
    """A Locust environment with users of one kind."""

    def __init__(self, kind: Kind, given: argparse.Namespace) -> None:
        if kind.is_ours:
            garbage.collect_rarely()
        self._kind = kind
        self._environment = Environment(user_classes=[kind.user], host=given.host, parsed_options=given)
        options = UserOptions(
            {transport.name: transport.options() for transport in TRANSPORTS.values()},
            dict.fromkeys(TRANSPORTS, Address.parse(given.host)),
            shapes={},
            seed=1,
            http=given.http,
            streams_per_connection=given.streams,
        )
        self._load = LOADS[self._environment] = Load(self._environment, options)
        self._runner = self._environment.create_local_runner()

    def start(self, users: int) -> None:
        """Have this number of users, and return when these have done as many operations as they are."""
        self._runner.start(users, spawn_rate=users)
        deadline = time.monotonic() + START_SECONDS
        while self._runner.user_count < users:
            self._wait_for(users, deadline)
        enough = self.sample().operations + users
        while self.sample().operations < enough:
            self._wait_for(users, deadline)

    def _wait_for(self, users: int, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise SystemExit(f"{users} users have received too little in {START_SECONDS:g} s")
        gevent.sleep(WARM_UP_SECONDS)

    def turn(self, users: int, seconds: float) -> Turn:
        """Return what these users do in a time, and the CPU time that it takes."""
        self.start(users)
        if self._kind.is_ours:  # as in a run: so the ledgers have all their work
            began_ns = now_ns()
            self._load.set_window(Window(began_ns, began_ns + to_ns(seconds)))
            garbage.settle()
        before = self.sample()
        gevent.sleep(seconds)
        after = self.sample()
        return Turn(after.cpu_seconds - before.cpu_seconds, after.operations - before.operations)

    def growth(self, first: int, users: int) -> MemoryGrowth:
        """Return by how much the own memory of this process grows when more users come to the first ones."""
        process = psutil.Process()
        self.start(first)
        before = process.memory_full_info().uss
        self.start(users)
        return MemoryGrowth(process.memory_full_info().uss - before, users - first)

    def sample(self) -> Turn:
        """Return the CPU time and the operations of this process so far, with Locust's statistics up to date."""
        self._load.statistics.flush()
        return Turn(time.process_time(), self._environment.stats.entries[self._kind.entry].num_requests)

    def stop(self) -> None:
        """Stop the users. A failure of one of them fails the measurement."""
        failures = [f"{error.method} {error.name}: {error.error}" for error in self._environment.stats.errors.values()]
        self._runner.quit()
        if failures:
            raise SystemExit("; ".join(failures))


def main() -> None:
    """Drive, and print one sample as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.users")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("host")
    parser.add_argument("--target", default="/", help="what to ask for")
    parser.add_argument("--users", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--grown-from", type=int, help="measure the growth of memory from this number of users on")
    parser.add_argument("--http", type=int, choices=[1, 2], default=1, help="version of HTTP that our users speak")
    parser.add_argument("--streams", type=int, default=1, help="users that share a connection with HTTP/2")
    given = parser.parse_args()
    drive = Drive(KINDS[given.kind], given)
    if given.grown_from:
        result: MemoryGrowth | Turn = drive.growth(given.grown_from, given.users)
    else:
        result = drive.turn(given.users, given.seconds)
    drive.stop()
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
