"""Long polling of other people's servers: a request that gets no answer is held."""

import gevent

from loadtests import wall
from loadtests.foreign.asking import ForeignAskingUser
from loadtests.foreign.clients import HELD_SECONDS
from loadtests.longpolling import LongPollingUser
from loadtests.user import Received
from wirerace.backoff import OF_CLIENTS
from wirerace.clock import NS_PER_SECOND


class ForeignLongPollingUser(ForeignAskingUser, LongPollingUser):
    """Asks again as soon as it is answered; how long a request is held is the server's own matter."""

    __slots__ = ("holding", "newest", "validators")

    def ask(self, target: str, sent_ns: int, headers: str = "") -> Received:
        """Ask. A server that holds nothing is not asked faster than one that has failed."""
        updates, stamp = super().ask(target, sent_ns, headers)
        if not updates and wall.now_ns() - self.client.sent_ns < HELD_SECONDS * NS_PER_SECOND:
            gevent.sleep(OF_CLIENTS.least_seconds)
        return updates, stamp
