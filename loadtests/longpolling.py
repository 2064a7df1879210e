"""Long polling: asks again as soon as it is answered, or a fixed delay later."""

from collections.abc import Iterator

import gevent

from loadtests.user import HttpSubscriber, Received
from wirerace.clock import now_ns
from wirerace.transports import TRANSPORTS, LongPollingOptions


class LongPollingUser(HttpSubscriber):
    """Keeps one request hanging at the server."""

    transport = TRANSPORTS["longpolling"]
    options: LongPollingOptions

    def deliveries(self) -> Iterator[Received]:
        """Subscribe, or catch up, with a request that is not held; then ask and ask again."""
        path, hold_seconds = self.transport.path, self.options.hold_seconds
        target = f"{path}?after={self.cursor}&hold=0" if self.cursor else f"{path}?hold=0"
        answered_ns = 0
        while True:
            updates, stamp = self.ask(target, now_ns())
            if answered_ns:
                self.account.repoll(self.client.sent_ns, answered_ns)
            answered_ns = stamp.arrival_ns
            yield updates, stamp
            target = f"{path}?after={self.cursor}&hold={hold_seconds:.12g}"
            if self.options.repoll_delay_seconds:
                gevent.sleep(self.options.repoll_delay_seconds)
