"""Pushed connections: those of clients that get every update. Nothing of aiohttp is left of them."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Protocol

from services.fanout import Fanout, Subscriber
from wirerace.observe.metrics import ServiceMetrics

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What takes the bytes that a client sends, and counts them."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes."""

    def feed_eof(self) -> None:
        """Note that the connection is lost."""

    def end_if_late(self, now: float) -> None:
        """End the connection if a message on it should be whole by now."""


class PushedConnection(asyncio.Protocol):
    """A connection that only the fan-out writes to. Without a reader, what its client sends is counted, and ignored."""

    __slots__ = ("_connections", "_fanout", "_metrics", "_reader", "_subscriber")

    def __init__(
        self,
        connections: "PushedConnections",
        fanout: Fanout,
        subscriber: Subscriber,
        metrics: ServiceMetrics,
        reader: Reader | None,
    ) -> None:
        self._connections = connections
        self._fanout = fanout
        self._subscriber = subscriber
        self._metrics = metrics
        self._reader = reader
        connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._reader is None:
            self._metrics.received_bytes += len(data)
            return
        try:
            self._reader.feed_data(data)
        except Exception:  # a defect must not reach the event loop, which would keep the connection open
            logger.exception("what a client sent could not be read")
            self.abort()

    def eof_received(self) -> bool:
        """Return that the connection is to be closed: the client leaves."""
        return False

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 -- as asyncio.Protocol has it
        """Remove the client at once."""
        self._connections.discard(self)
        self._metrics.clients -= 1
        self._fanout.discard(self._subscriber)
        if self._reader is not None:
            self._reader.feed_eof()

    def look(self, now: float) -> int:
        """End the connection if a message on it is late; return the bytes that wait for the client."""
        if self not in self._connections:
            return 0
        if self._reader is not None:
            self._reader.end_if_late(now)
        waiting_bytes: int = self._subscriber.transport.get_write_buffer_size()
        return waiting_bytes

    def abort(self) -> None:
        """End the connection by force."""
        self._subscriber.transport.abort()


class PushedConnections:
    """The pushed connections of a service."""

    def __init__(self) -> None:
        self._open: set[PushedConnection] = set()
        self._none_is_open = asyncio.Event()
        self._none_is_open.set()

    def add(self, connection: PushedConnection) -> None:
        """Add a connection."""
        self._open.add(connection)
        self._none_is_open.clear()

    def discard(self, connection: PushedConnection) -> None:
        """Forget a connection, which is lost."""
        self._open.discard(connection)
        if not self._open:
            self._none_is_open.set()

    def __contains__(self, connection: object) -> bool:
        return connection in self._open

    def __iter__(self) -> Iterator[PushedConnection]:
        return iter(self._open)

    async def until_closed(self, wait_seconds: float) -> None:
        """Wait until their clients have closed them, and end those that are left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                await self._none_is_open.wait()
        for connection in self._open:
            connection.abort()
