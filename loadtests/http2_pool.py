"""Who shares an HTTP/2 connection: clients take seats on connections in turn, and a connection opens when needed."""

import gevent
from gevent.event import AsyncResult

from loadtests import wall
from loadtests.connection import Address
from loadtests.http2 import Http2Connection
from loadtests.traffic import Counters
from wirerace.backoff import OF_CLIENTS
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.errors import Refused, WireraceError


class SharedConnection:
    """A place for one connection at a time, with seats for the clients that share it.

    Clients that need the connection while it opens wait for the one that opens it. After a failure it is opened again
    after a pause, twice as long each time, by the client that comes first: once for all of them. `failures` counts the
    attempts that failed in a row.
    """

    __slots__ = ("_address", "_counters", "_not_before_ns", "_opening", "connection", "failures", "seats", "taken")

    def __init__(self, address: Address, counters: Counters | None, seats: int) -> None:
        self.seats = seats
        self.taken = 0
        self.connection: Http2Connection | None = None
        self._address = address.of_client()
        self._counters = counters
        self._opening: AsyncResult | None = None
        self.failures = 0
        self._not_before_ns = 0

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection that takes requests."""
        return self.connection is not None and self.connection.takes_requests

    def opened(self) -> tuple[Http2Connection, bool]:
        """Return the open connection, and whether this call has opened it.

        Raises OSError, ConnectionLost or BadAnswer when it cannot be opened.
        """
        while True:
            connection = self.connection
            if connection is not None and connection.takes_requests:
                if connection.is_ready:
                    self.failures = 0
                return connection, False
            if self._opening is None:
                return self._open(), True
            self._opening.get()

    def close(self) -> None:
        """Close the connection for all of its clients."""
        if self.connection is not None:
            self.connection.close()

    def close_if_unused(self) -> None:
        """Close the connection if nobody has a seat any more, and no stream is open.

        Others who come later are other clients: they do not resume its TLS session.
        """
        if not self.taken and self.connection is not None and not self.connection.streams:
            self.close()
            self._address = self._address.of_client()

    def _open(self) -> Http2Connection:
        opening = self._opening = AsyncResult()
        try:
            if self.connection is not None and self.connection.is_closed and not self.connection.is_ready:
                self._note_failure()  # it was open, but nobody answered in HTTP/2
            self.connection = None
            gevent.sleep(max(0, self._not_before_ns - wall.now_ns()) / NS_PER_SECOND)
            self.connection = Http2Connection(self._address, self._counters)
        except (OSError, WireraceError) as error:
            self._note_failure()
            opening.set_exception(error)
            raise
        finally:
            self._opening = None
            if not opening.ready():  # it is open, or the client that opened it was stopped
                opening.set(None)
        return self.connection

    def _note_failure(self) -> None:
        pause_seconds = min(OF_CLIENTS.least_seconds * 2**self.failures, OF_CLIENTS.most_seconds)
        self.failures = min(self.failures + 1, 10)
        self._not_before_ns = wall.now_ns() + to_ns(pause_seconds)


class SharedConnections:
    """The connections to one server that the clients of a transport share, `clients_each` on each."""

    def __init__(self, address: Address, counters: Counters | None, clients_each: int) -> None:
        self.address = address
        self._counters = counters
        self._clients_each = clients_each
        self._with_seats: dict[SharedConnection, None] = {}

    def seat_on(self, but: list[SharedConnection]) -> SharedConnection:
        """Take a seat on the first connection that has one, and is none of `but`; else on a new one."""
        found = next((one for one in self._with_seats if one not in but), None)
        if found is None:
            found = SharedConnection(self.address, self._counters, self._clients_each)
            self._with_seats[found] = None
        found.taken += 1
        self._note_seats(found)
        return found

    def leave(self, shared: SharedConnection) -> None:
        """Give a seat back."""
        shared.taken -= 1
        self._note_seats(shared)

    def narrow(self, shared: SharedConnection, most_streams: int) -> None:
        """Note that the server allows fewer streams on a connection than clients are to share it."""
        shared.seats = min(shared.seats, most_streams)
        self._note_seats(shared)

    def _note_seats(self, shared: SharedConnection) -> None:
        if shared.taken < shared.seats:
            self._with_seats[shared] = None
        else:
            self._with_seats.pop(shared, None)


class Seat:
    """A client's place on a connection that it shares. It is taken with the first request, and kept until it leaves.

    So a stream that ends leaves the connection open for the next one. A client may have several streams at a time: its
    updates, and a message. All of them hold the same seat.
    """

    __slots__ = ("_has_left", "_holders", "_left", "_pool", "_shared")

    def __init__(self, pool: SharedConnections) -> None:
        self._pool = pool
        self._shared: SharedConnection | None = None
        self._left: list[SharedConnection] = []
        self._holders = 0
        self._has_left = False

    @property
    def address(self) -> Address:
        """The address of the server."""
        return self._pool.address

    @property
    def is_open(self) -> bool:
        """Return whether its connection is open."""
        return self._shared is not None and self._shared.is_open

    def hold(self) -> None:
        """Need the seat: once more."""
        self._holders += 1

    def release(self) -> None:
        """Need it once less."""
        self._holders -= 1
        self._go_if_done()

    def leave(self) -> None:
        """Give the seat back when nothing holds it any more. When nobody has one on the connection, that closes."""
        self._has_left = True
        self._go_if_done()

    def _go_if_done(self) -> None:
        if self._holders:
            return
        if self._has_left:
            self._rise()
        left, self._left = self._left, []
        for shared in left:
            shared.close_if_unused()

    def sever(self) -> None:
        """Cut the connection, for all clients that share it."""
        if self._shared is not None:
            self._shared.close()

    def connection(self) -> tuple[Http2Connection, bool]:
        """Return a connection on which the server allows one more stream, and whether it was opened for this call.

        If the server's SETTINGS_MAX_CONCURRENT_STREAMS is reached, the client moves to another connection.
        Raises OSError, ConnectionLost or BadAnswer when it cannot be opened, Refused when the server allows no stream.
        """
        tried: list[SharedConnection] = []
        while True:
            shared = self._shared
            if shared is None:
                shared = self._shared = self._pool.seat_on(tried)
            connection, is_new = shared.opened()
            if connection.has_room:
                return connection, is_new
            if not connection.most_streams:
                raise Refused("the server allows no stream: its SETTINGS_MAX_CONCURRENT_STREAMS is 0")
            self._pool.narrow(shared, connection.most_streams)
            tried.append(shared)
            self._rise()

    def _rise(self) -> None:
        if self._shared is not None:
            shared, self._shared = self._shared, None
            self._pool.leave(shared)
            self._left.append(shared)
