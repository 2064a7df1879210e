"""Polling: asks at a fixed interval, from a random phase."""

from collections.abc import Iterator

import gevent
from locust.env import Environment

from loadtests import wall
from loadtests.asking import AskingUser
from loadtests.carriers import Carrier
from loadtests.outbox import Outbox
from loadtests.user import Received
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.transports.polling import TRANSPORT, PollingOptions

LATE_FRACTION = 0.05  # of the interval; a poll that leaves later than this counts as late


class PollingUser(AskingUser):
    """Asks every `interval_seconds`, whatever happened to the poll before."""

    __slots__ = ("asked_after", "asked_target", "due_ns", "interval_ns")
    transport = TRANSPORT
    options: PollingOptions
    repeats_lost = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.asked_after = self.asked_target = ""  # most polls ask for the same as the one before
        self.interval_ns = to_ns(self.options.interval_seconds)
        self.due_ns = self.load.next_due_ns(self.options.interval_seconds, wall.now_ns())

    def deliveries(self) -> Iterator[Received]:
        """Ask once, to subscribe or to catch up, and then on schedule.

        An error answer does not change the schedule.
        """
        if self.catches_up:
            self.catches_up = False
            yield from self.polled(wall.now_ns())
        self.skip_missed()
        while True:
            self.wait_until_due()
            due_ns, self.due_ns = self.due_ns, self.due_ns + self.interval_ns
            yield from self.polled(due_ns)

    def carrier(self, outbox: Outbox) -> Carrier:
        """Return what carries its messages: its own connection, which is free between two polls."""
        return self.posts(outbox, self if self.load.sending.upstream.connection == "same" else None)

    def visit(self, due_ns: int) -> None:
        """Become a visitor, which polls at its arrival and then at its interval."""
        super().visit(due_ns)
        self.due_ns = due_ns + self.interval_ns

    def polled(self, due_ns: int) -> Iterator[Received]:
        """Ask for all newer updates; after a partial answer, ask again at once."""
        received, late_ns = self.polled_once(due_ns), 0
        yield received
        while self.has_more:
            stamp = received[1]
            late_ns += stamp.read_ns - stamp.arrival_ns
            received = self.polled_once(wall.now_ns())
            self.note_late(received, late_ns)
            yield received

    def polled_once(self, due_ns: int) -> Received:
        """Ask once. Conditional polls ask for the same each time."""
        after = "" if self.options.conditional else self.cursor
        if after != self.asked_after or not after:
            self.asked_after, self.asked_target = after, self.target(after=after)
        return self.ask(self.asked_target, due_ns, self.condition())

    def condition(self) -> str:
        """Return the header that says what this client has, empty when the target does."""
        return f'If-None-Match: "{self.cursor}"\r\n' if self.cursor and self.options.conditional else ""

    def wait_until_due(self) -> None:
        """Sleep until the next poll is due, and count it if it leaves late."""
        while (left_ns := self.due_ns - wall.now_ns()) > 0:
            gevent.sleep(left_ns / NS_PER_SECOND)
        if -left_ns > LATE_FRACTION * self.interval_ns:
            self.account.late_poll(self.due_ns)

    def skip_missed(self) -> None:
        """Leave out, and count, the polls that were due in a pause after a failure, or without a connection."""
        while self.due_ns < wall.now_ns():
            self.account.late_poll(self.due_ns)
            self.due_ns += self.interval_ns
