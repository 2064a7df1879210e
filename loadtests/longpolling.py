"""Long polling: asks again as soon as it is answered, or a fixed delay later."""

from collections.abc import Iterator

import gevent
from locust.env import Environment

from loadtests.load import LOADS
from loadtests.user import HttpSubscriber, Received
from wirerace.clock import now_ns
from wirerace.transports import TRANSPORTS, LongPollingOptions


class LongPollingUser(HttpSubscriber):
    """Keeps one request hanging at the server."""

    transport = TRANSPORTS["longpolling"]
    options: LongPollingOptions

    def __init__(self, environment: Environment) -> None:
        self.keep_alive = LOADS[environment].options_of(self.transport).keep_alive
        super().__init__(environment)

    def deliveries(self) -> Iterator[Received]:
        """Subscribe with a request that is not held, then ask and ask again."""
        path, hold_seconds = self.transport.path, self.options.hold_seconds
        if not self.cursor:
            yield self.ask(f"{path}?hold=0", now_ns())
        while True:
            yield self.ask(f"{path}?after={self.cursor}&hold={hold_seconds:g}", now_ns())
            if self.options.repoll_delay_seconds:
                gevent.sleep(self.options.repoll_delay_seconds)
