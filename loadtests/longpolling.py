"""Long polling: asks again as soon as an answer has come, or a fixed delay later."""

from collections.abc import Iterator

import gevent

from loadtests import wall
from loadtests.asking import AskingUser
from loadtests.user import Received
from wirerace.transports.longpolling import TRANSPORT, LongPollingOptions


class LongPollingUser(AskingUser):
    """Keeps one request held at the server."""

    __slots__ = ()
    transport = TRANSPORT
    options: LongPollingOptions

    @classmethod
    def request_name(cls) -> str:
        """Return the name of its requests, which says that their time is mostly the hold."""
        return f"{cls.transport.path} (held)"

    def deliveries(self) -> Iterator[Received]:
        """Subscribe, or catch up, with a request that is not held; then ask again after each answer."""
        hold_seconds = self.options.hold_seconds if self.is_connected else 0.0
        answered_ns = late_ns = 0
        while True:
            received = self.ask(self.target(after=self.cursor, hold=f"{hold_seconds:.12g}"), wall.now_ns())
            stamp = received[1]
            if answered_ns:
                self.account.repoll(self.client.sent_ns, answered_ns)
            self.note_late(received, late_ns)
            # The rest of an answer comes later by the reading of each of its parts.
            late_ns = stamp.read_ns - stamp.arrival_ns + (late_ns if self.has_more else 0)
            answered_ns, hold_seconds = stamp.arrival_ns, self.options.hold_seconds
            yield received
            if self.has_more:
                answered_ns = 0  # The client continues where the answer ended: it was not away.
            elif self.options.repoll_delay_seconds:
                gevent.sleep(self.options.repoll_delay_seconds)
