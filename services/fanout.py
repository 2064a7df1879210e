"""Fan-out: the same bytes to every subscriber's socket; a subscriber that reads too slowly is cut off."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.recent import History
from wirerace.observe.metrics import ServiceMetrics

CLOSING_SECONDS = 1.5
"""How long a peer may take to read the last bytes and close, once our side has ended.

It is less than `STOP_SECONDS`, for which a stopping service waits for its requests. If both ended in one turn of the
event loop, aiohttp would set the result of a future that it has just cancelled, and log a traceback.
"""
CATCH_UP_UPDATES, CATCH_UP_BYTES = 256, 65_536
"""The bound of what is written at once to a subscriber that catches up. A single update may exceed it."""
CATCH_UP_SECONDS = 30.0
"""How long a subscriber may take to read that much."""
MOST_UNANSWERED_PINGS = 2

logger = logging.getLogger(__name__)


class Subscriber:
    """One client's socket. `open` is true until its last bytes are decided."""

    __slots__ = ("_metrics", "open", "transport", "unanswered_pings")

    def __init__(self, transport: asyncio.Transport, metrics: ServiceMetrics) -> None:
        self.transport = transport
        self.open = True
        self.unanswered_pings = 0
        self._metrics = metrics

    def write(self, encoded: bytes) -> None:
        """Write, and count the bytes."""
        if not self.transport.is_closing():
            self._metrics.sent_bytes += len(encoded)
            self.transport.write(encoded)

    def finish(self, farewell: bytes) -> None:
        """Write `farewell` and end our side of the connection; the peer ends its own, soon or by force.

        Closing at once would reset the connection if bytes of the peer were unread, and the reset would overtake the
        last bytes written.
        """
        if not self.open:
            return
        self.open = False
        try:
            self.write(farewell)
            if not self.transport.is_closing():
                self.transport.write_eof()
            asyncio.get_running_loop().call_later(CLOSING_SECONDS, self.transport.abort)
        except Exception:  # the other clients must get their farewell, too
            logger.exception("a client's socket failed while it was closed")
            self.transport.abort()


class Fanout:
    """All subscribers.

    One whose user-space buffer is above `high_water_bytes` when the next bytes are due gets no more: it is sent
    `farewell`, closed, and counted as a slow reader. It can resume from its cursor, and memory stays bounded.
    """

    def __init__(self, metrics: ServiceMetrics, high_water_bytes: int, farewell: bytes = b"") -> None:
        self._metrics = metrics
        self._high_water_bytes = high_water_bytes
        self._farewell = farewell
        self._members: set[Subscriber] = set()
        self._caught_up: dict[asyncio.Transport, Subscriber] = {}
        self.before_joining: Callable[[], None] = lambda: None
        """Sends what waits to be sent to the others: a client that has caught up has it already."""

    @property
    def has_listeners(self) -> bool:
        """Return whether anything that is sent reaches anyone."""
        return bool(self._caught_up)

    def welcome(self, subscriber: Subscriber) -> None:
        """Count a subscriber. Before `subscribe` it is sent nothing but, if the fan-out ends, `farewell`."""
        self._members.add(subscriber)

    async def subscribe(
        self, subscriber: Subscriber, recent: History, position: int, drain: Callable[[], Awaitable[None]]
    ) -> None:
        """Write what came after `position`, as fast as `drain` allows, and from then on everything that is sent."""
        metrics = self._metrics
        while subscriber.open and (missed := recent.after(position, CATCH_UP_UPDATES, CATCH_UP_BYTES)):
            subscriber.write(b"".join([kept.encoded for kept in missed]))
            metrics.deliveries += len(missed)
            metrics.payload_bytes += sum(kept.payload_bytes for kept in missed)
            position = missed[-1].position
            try:
                async with asyncio.timeout(CATCH_UP_SECONDS):
                    await drain()
            except TimeoutError:
                self.cut(subscriber)
        if subscriber.open:
            self.before_joining()
            self._caught_up[subscriber.transport] = subscriber

    def discard(self, subscriber: Subscriber) -> None:
        """Send nothing more to a subscriber."""
        self._members.discard(subscriber)
        self._caught_up.pop(subscriber.transport, None)

    def cut(self, subscriber: Subscriber) -> None:
        """Cut a slow reader off."""
        self.discard(subscriber)
        self._metrics.slow_readers += 1
        subscriber.finish(self._farewell)

    def is_slow(self, subscriber: Subscriber) -> bool:
        """Return whether a subscriber leaves too much unread."""
        return subscriber.transport.get_write_buffer_size() > self._high_water_bytes

    def send(self, encoded: bytes) -> int:
        """Write to every subscriber that has caught up, and return their number. The caller counts the bytes."""
        high_water_bytes = self._high_water_bytes
        gone: list[asyncio.Transport] = []
        slow: list[asyncio.Transport] = []
        for transport in self._caught_up:
            if transport.is_closing():  # It was lost, and its handler has not run yet.
                gone.append(transport)
            elif transport.get_write_buffer_size() > high_water_bytes:
                slow.append(transport)
            else:
                try:
                    transport.write(encoded)
                except Exception:  # a failure of one socket must not affect the others
                    logger.exception("a client's socket failed")
                    transport.abort()
                    gone.append(transport)
        for transport in gone:
            del self._caught_up[transport]
        for transport in slow:
            self.cut(self._caught_up[transport])
        return len(self._caught_up)

    def send_heartbeat(self, encoded: bytes) -> None:
        """Send bytes that only keep connections alive; they are counted separately."""
        self._metrics.heartbeat_bytes += len(encoded) * self.send(encoded)

    def ping(self, encoded: bytes, farewell: bytes) -> None:
        """Ping every subscriber. One that has not answered the last two pings is sent `farewell` and cut off."""
        for subscriber in list(self._caught_up.values()):
            if subscriber.unanswered_pings >= MOST_UNANSWERED_PINGS:
                self._metrics.ping_timeouts += 1
                self.discard(subscriber)
                subscriber.finish(farewell)
            subscriber.unanswered_pings += 1
        self.send_heartbeat(encoded)

    def deliver(self, encoded: bytes, payload_bytes: int, updates: int = 1) -> None:
        """Send an update, or several in one piece, and count the deliveries."""
        reached = self.send(encoded)
        self._metrics.sent_bytes += len(encoded) * reached
        self._metrics.deliveries += updates * reached
        self._metrics.payload_bytes += payload_bytes * reached

    def end(self, farewell: bytes) -> None:
        """Send `farewell` to every subscriber, and nothing after it."""
        self._caught_up.clear()
        for subscriber in self._members:
            subscriber.finish(farewell)
        self._members.clear()
