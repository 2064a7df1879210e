"""Fast connections: a read that is one whole ordinary request is answered where it is read, without a task."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from services import connection as slow
from services.connection import ServerConnection, set_probes
from services.ordinary import END_OF_LINE, OrdinaryHead, OrdinaryHeads
from services.turns import Turns
from wirerace.observe.metrics import ServiceMetrics

MOST_BEHIND_BYTES = 65_536
"""What is read behind a held request before reading stops. Until that is answered, nobody sees such a client leave."""
TOGETHER_TURNS = 1
"""A client whose sending side ends so soon after a request has sent both together, and waits for the answer."""

logger = logging.getLogger(__name__)


class Handling(Protocol):
    """What is found for a request: an answer, or others that wait for the same."""

    def take(self, connection: "FastConnection") -> None:
        """Answer the connection's request, now or later."""


class Holding(Handling, Protocol):
    """The requests that wait for the same."""

    def leave(self, connection: "FastConnection") -> None:
        """Forget a connection."""

    def end_one(self, connection: "FastConnection") -> None:
        """Answer a connection now: it sends nothing more."""


class Desk(Protocol):
    """Where the fast connections of a server are answered."""

    heads: OrdinaryHeads
    turns: Turns
    metrics: ServiceMetrics
    connections: set["FastConnection"]
    keep_alive_seconds: float
    new_connection: Callable[[], ServerConnection]
    """Makes a connection of aiohttp."""
    time: Callable[[], float]
    """The event loop's clock."""

    def find(self, line: bytes, head: OrdinaryHead) -> Handling | None:
        """Return what a request asks for; None when aiohttp must answer."""


class FastConnection(asyncio.Protocol):
    """A client's connection, as long as each read is one whole ordinary request.

    aiohttp gets everything from the first read that is anything else, until it has answered all. `since` is when the
    last request came or, if that was held, when it was answered. `held` are the requests with which this one waits,
    since the turn `held_at` of the event loop.
    """

    __slots__ = ("_behind", "_desk", "_is_paused", "held", "held_at", "joined", "since", "transport")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._behind = b""
        self._is_paused = False
        self.held: Holding | None = None
        self.held_at = 0
        self.joined = False
        self.since = 0.0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Set the kernel's probes, so that a peer that has vanished is noticed."""
        self.transport = transport
        self.since = self._desk.time()
        self._desk.connections.add(self)
        set_probes(transport)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 -- as asyncio.Protocol has it
        """Forget the client, and its request if it is held."""
        desk = self._desk
        desk.connections.discard(self)
        if self.held is not None:
            self.held.leave(self)
        if self.joined:
            desk.metrics.clients -= 1
        desk.metrics.received_bytes += len(self._behind)

    def data_received(self, data: bytes) -> None:
        """Answer or hold what was read, if it is one ordinary request, or hand the connection over.

        A client that has answers to read is left to aiohttp.
        """
        try:
            if self.held is not None:
                self._keep(data)
                return
            desk = self._desk
            line, _, encoded = data.partition(END_OF_LINE)
            head = desk.heads.known.get(encoded) or desk.heads.learn(encoded)
            handling = None if head is None or self.transport.get_write_buffer_size() else desk.find(line, head)
            if handling is None:
                self.hand_over(data)
                return
            self.since = desk.time()
            desk.metrics.received_bytes += len(data)
            if not self.joined:
                self.joined = True
                desk.metrics.clients += 1
            handling.take(self)
        except Exception:  # a defect must not reach the event loop, which would keep the connection open
            logger.exception("a request failed")
            self.transport.abort()

    def _keep(self, data: bytes) -> None:
        """Keep what comes behind a held request until that is answered."""
        self._behind += data
        if len(self._behind) > MOST_BEHIND_BYTES:
            self.transport.pause_reading()

    def release(self, encoded: bytes, now: float, *, stays: bool) -> bool:
        """Write the answer to the held request; return whether the client is still there."""
        self.held, self.since = None, now
        transport = self.transport
        if transport.is_closing():
            return False
        transport.write(encoded)
        if not stays:
            transport.close()
        elif self._behind:
            if len(self._behind) > MOST_BEHIND_BYTES:
                transport.resume_reading()
            self._go_on()
        return True

    def _go_on(self) -> None:
        """Hand over what came behind a held request. A defect in it costs no other client of the group its answer."""
        try:
            self.hand_over(self._behind)
        except Exception:
            logger.exception("what came behind a held request failed")
            self.transport.abort()

    def hand_over(self, data: bytes = b"") -> ServerConnection:
        """Hand the connection over to aiohttp, with what was read."""
        desk = self._desk
        desk.connections.discard(self)
        connection = desk.new_connection()
        connection.take_over(self.transport, None if self.joined else self.since, is_paused=self._is_paused)
        connection.take_back = self._take_back
        if data:
            connection.data_received(data)
        return connection

    def _take_back(self, connection: ServerConnection) -> None:
        """Take the connection back from aiohttp, which has answered all."""
        desk = self._desk
        if connection.hand_over(self):
            self._behind, self._is_paused, self.joined, self.since = b"", False, True, desk.time()
            desk.connections.add(self)

    def eof_received(self) -> bool:
        """Return that the connection is to be closed: no other request comes, and who waits for an answer leaves."""
        if self.held is not None and self._desk.turns.count - self.held_at <= TOGETHER_TURNS:
            self.held.end_one(self)
        return False

    def pause_writing(self) -> None:
        """Note it for aiohttp, which gets the connection if the client asks before it has read."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Note it."""
        self._is_paused = False

    def look(self, now: float) -> int:
        """Close an idle connection. A client that has something to read, or has never asked, is aiohttp's to watch."""
        if self.held is not None or self not in self._desk.connections:
            return 0
        idle_seconds = now - self.since
        if self.transport.get_write_buffer_size():
            return self.hand_over().look(now)
        if idle_seconds >= self._desk.keep_alive_seconds:
            self.transport.close()
        elif not self.joined and idle_seconds >= slow.REQUEST_SECONDS:
            return self.hand_over().look(now)
        return 0
