"""Fan-out: the same bytes to every subscriber's socket; a subscriber that reads too slowly is cut off."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from services.recent import History, Kept
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

Drain = Callable[[], Awaitable[None]]
"""Waits until the user-space buffer of a socket is short enough again."""

Members = dict[asyncio.Transport, Any]
"""Subscribers by their sockets."""

logger = logging.getLogger(__name__)


class Subscriber:
    """One client's socket. `open` is true until its last bytes are decided."""

    __slots__ = ("_metrics", "open", "transport", "unanswered_pings")

    def __init__(self, transport: asyncio.Transport, metrics: ServiceMetrics) -> None:
        self.transport = transport
        self.open = True
        self.unanswered_pings = 0
        self._metrics = metrics

    @property
    def has_unread(self) -> bool:
        """Return whether bytes wait for it that the kernel has not taken."""
        return self.transport.get_write_buffer_size() > 0

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


class _Current(NamedTuple):
    """A subscriber to the latest update that has the newest one; `behind` gets the position at which it stays."""

    subscriber: Subscriber
    behind: asyncio.Future[int]

    def fall_behind(self, position: int) -> None:
        """Note that it gets nothing after a position."""
        if not self.behind.done():  # its connection may have been lost in this turn of the event loop
            self.behind.set_result(position)


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
        self._latest_only: dict[asyncio.Transport, _Current] = {}
        self.before_joining: Callable[[], None] = lambda: None
        """Sends what waits to be sent to the others: a client that has caught up has it already."""

    @property
    def has_listeners(self) -> bool:
        """Return whether anything that is sent reaches anyone."""
        return bool(self._caught_up or self._latest_only)

    def welcome(self, subscriber: Subscriber) -> None:
        """Count a subscriber. Before `subscribe` it is sent nothing but, if the fan-out ends, `farewell`."""
        self._members.add(subscriber)

    async def subscribe(self, subscriber: Subscriber, recent: History, position: int, drain: Drain) -> None:
        """Write what came after `position`, as fast as `drain` allows, and from then on everything that is sent."""
        history = self.written(subscriber, recent) if subscriber.open else recent
        while subscriber.open and (missed := history.after(position, CATCH_UP_UPDATES, CATCH_UP_BYTES)):
            position = self._catch_up(subscriber, missed)
            await self.drained(subscriber, drain)
        if subscriber.open:
            self.before_joining()
            self._caught_up[subscriber.transport] = subscriber

    async def subscribe_to_latest(self, subscriber: Subscriber, recent: History, position: int, drain: Drain) -> None:
        """Write the newest update as soon as `drain` allows, until the subscriber is finished.

        An update that comes while the subscriber has not read the one before it is not written at once. When it has
        read that one, it gets the newest; those between them are superseded.
        """
        loop, transport = asyncio.get_running_loop(), subscriber.transport
        history = self.written(subscriber, recent) if subscriber.open else recent
        transport.set_write_buffer_limits(0)  # so that `drain` waits until everything is in the kernel's buffers
        while subscriber.open:
            if missed := history.after(max(position, recent.head - 1), 1, 0):
                self._metrics.superseded += missed[0].position - position - 1
                position = self._catch_up(subscriber, missed)
            else:
                self.before_joining()
                current = self._latest_only[transport] = _Current(subscriber, loop.create_future())
                position = await current.behind
            await self.drained(subscriber, drain, at_any_pace=True)

    def written(self, subscriber: Subscriber, recent: History) -> History:  # noqa: ARG002 -- some have a form of their own
        """Return what is kept in the form in which it is written to a subscriber."""
        return recent

    def _catch_up(self, subscriber: Subscriber, missed: list[Kept]) -> int:
        """Write what a subscriber lacks, and return its new position."""
        subscriber.write(b"".join([kept.encoded for kept in missed]))
        self._metrics.deliveries += len(missed)
        self._metrics.payload_bytes += sum(kept.payload_bytes for kept in missed)
        return missed[-1].position

    async def drained(self, subscriber: Subscriber, drain: Drain, *, at_any_pace: bool = False) -> None:
        """Wait until a subscriber has read, and the others have had their turn; cut it off if it does not read in time.

        That time is for what is written at once or, `at_any_pace`, for reading anything at all.
        """
        unread_bytes = subscriber.transport.get_write_buffer_size()
        while subscriber.open:
            try:
                async with asyncio.timeout(CATCH_UP_SECONDS):
                    await drain()
                    await asyncio.sleep(0)  # the others have their turn, although this one reads at once
            except TimeoutError:
                before, unread_bytes = unread_bytes, subscriber.transport.get_write_buffer_size()
                if not at_any_pace or unread_bytes >= before:
                    self.cut(subscriber)
            else:
                return

    def discard(self, subscriber: Subscriber) -> None:
        """Send nothing more to a subscriber."""
        self._members.discard(subscriber)
        self._caught_up.pop(subscriber.transport, None)
        self._latest_only.pop(subscriber.transport, None)

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
        for transport in written_to(self._caught_up, encoded, self._high_water_bytes):
            self.cut(self._caught_up[transport])
        return len(self._caught_up)

    def send_heartbeat(self, encoded: bytes) -> None:
        """Send bytes that only keep connections alive; they are counted separately."""
        reached = self.send(encoded)
        behind = written_to(self._latest_only, encoded, 0)  # one that has something to read needs no more
        self._metrics.heartbeat_bytes += len(encoded) * (reached + len(self._latest_only) - len(behind))

    def ping(self, encoded: bytes, farewell: bytes) -> None:
        """Ping every subscriber. One that has not answered the last two pings is sent `farewell` and cut off."""
        current = [one.subscriber for one in self._latest_only.values() if not one.subscriber.has_unread]
        for subscriber in [*self._caught_up.values(), *current]:
            if subscriber.unanswered_pings >= MOST_UNANSWERED_PINGS:
                self._metrics.ping_timeouts += 1
                self.discard(subscriber)
                subscriber.finish(farewell)
            subscriber.unanswered_pings += 1
        self.send_heartbeat(encoded)

    def deliver(self, updates: Sequence[Kept]) -> None:
        """Send updates that came together, and count the deliveries."""
        self.deliver_all(*pieces_of(updates))
        for update in updates:
            self.deliver_latest(update)

    def deliver_all(self, pieces: list[bytes], payload_bytes: int, updates: int) -> None:
        """Send updates in one write to each subscriber that wants all, and count the deliveries."""
        for transport in self._write_updates(self._caught_up, pieces, self._high_water_bytes):
            self.cut(self._caught_up[transport])
        reached = len(self._caught_up)
        self._metrics.deliveries += updates * reached
        self._metrics.payload_bytes += payload_bytes * reached

    def deliver_latest(self, newest: Kept, updates: int = 1) -> None:
        """Send the newest of several updates to the subscribers that want no other, unless they are behind."""
        if not self._latest_only:
            return
        for transport in self._write_updates(self._latest_only, [newest.encoded], 0):
            self._latest_only.pop(transport).fall_behind(newest.position - updates)
        reached = len(self._latest_only)
        self._metrics.deliveries += reached
        self._metrics.payload_bytes += newest.payload_bytes * reached
        self._metrics.superseded += (updates - 1) * reached

    def _write_updates(self, members: Members, pieces: list[bytes], most_unread_bytes: int) -> list[asyncio.Transport]:
        """Write to each member's socket, count the bytes, and return the members that have more unread than that."""
        encoded = b"".join(pieces)
        slow = written_to(members, encoded, most_unread_bytes)
        self._metrics.sent_bytes += len(encoded) * (len(members) - len(slow))
        return slow

    def abort(self) -> int:
        """Break every subscriber's connection, in the middle of what is sent, and return their number."""
        members = list(self._members)
        for subscriber in members:
            self.discard(subscriber)
            subscriber.open = False
            subscriber.transport.abort()
        return len(members)

    def end(self, farewell: bytes) -> None:
        """Send `farewell` to every subscriber, and nothing after it."""
        self._caught_up.clear()
        self._latest_only.clear()
        for subscriber in self._members:
            subscriber.finish(farewell)
        self._members.clear()


def pieces_of(updates: Sequence[Kept]) -> tuple[list[bytes], int, int]:
    """Return what is written of updates, the sum of their payload bytes, and their number."""
    return [update.encoded for update in updates], sum([update.payload_bytes for update in updates]), len(updates)


def written_to(members: Members, encoded: bytes, most_unread_bytes: int) -> list[asyncio.Transport]:
    """Write to each member's socket, remove those that were lost, and return those that have more unread than that."""
    gone: list[asyncio.Transport] = []
    slow: list[asyncio.Transport] = []
    for transport in members:
        if transport.is_closing():  # It was lost, and its handler has not run yet.
            gone.append(transport)
        elif transport.get_write_buffer_size() > most_unread_bytes:
            slow.append(transport)
        else:
            try:
                transport.write(encoded)
            except Exception:  # a failure of one socket must not affect the others
                logger.exception("a client's socket failed")
                transport.abort()
                gone.append(transport)
    for transport in gone:
        del members[transport]
    return slow
