"""A client's connection: a socket that reports when the kernel received its bytes."""

import struct
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, Self
from urllib.parse import urlsplit

import msgspec
from gevent import get_hub, getcurrent, socket

from loadtests import wall
from loadtests.endpoints import connect, wait_until_writable
from loadtests.traffic import Counters
from loadtests.trust import ClientTls
from wirerace.addresses import host_port_in, spelled
from wirerace.clock import NS_PER_SECOND, Clock
from wirerace.errors import ConnectionLost

BytesTaker = Callable[[bytes], bool]
"""Takes bytes that were just received, or returns False."""

READ_BYTES = 262_144
# One buffer for all connections: nothing else runs between a read into it and the copy out of it. A new buffer of this
# size for each read would be mapped and unmapped every time.
_BUFFER = bytearray(READ_BYTES)
_VIEW = memoryview(_BUFFER)
_BUFFERS = [_BUFFER]

# Linux stamps segments as it receives them (socket(7)); the first after switching it on may carry no stamp.
SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None
_TIMESPEC = struct.Struct("@ll")
_unpack = _TIMESPEC.unpack
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


class Address(NamedTuple):
    """The address of a server, and the TLS that its clients speak, if they do."""

    host: str
    port: int
    tls: ClientTls | None = None

    @classmethod
    def parse(cls, url: str, authority: str = "", *, resumes: bool = True) -> Self:
        """Return the address in an http://, ws://, https:// or wss:// URL; the last two mean TLS ([`ClientTls`]).

        Raises BadInput when there is none, or when the authority is no certificate.
        """
        host, port = host_port_in(url, ("http", "ws", "https", "wss"), "http://127.0.0.1:8001")
        if urlsplit(url).scheme in {"http", "ws"}:
            return cls(host, port or 80)
        return cls(host, port or 443, ClientTls(authority, resumes=resumes))

    def of_client(self) -> Self:
        """Return the same for one client, which keeps its TLS sessions to itself."""
        return self if self.tls is None else self._replace(tls=self.tls.of_client())

    @property
    def origin(self) -> str:
        """Its URL."""
        return f"{'http' if self.tls is None else 'https'}://{self}"

    def __str__(self) -> str:
        return spelled(self.host, self.port)


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """When bytes arrived, and when they were read, Unix nanoseconds.

    The arrival is the kernel's stamp of the last segment that was read with them. Without a stamp it is the time of the
    reading. `is_bound` says that they may have arrived earlier, because something for another client was read behind
    them: only a connection that clients share brings that.
    """

    arrival_ns: int
    read_ns: int
    by_kernel: bool
    is_bound: bool = False

    def bound(self) -> "Stamp":
        """Return the stamp of what may have arrived earlier."""
        return Stamp(self.arrival_ns, self.read_ns, self.by_kernel, True)


NO_STAMP = Stamp(0, 0, False)


MessagesTaker = Callable[[list[bytes], Stamp], bool]
"""Takes messages that one read brought, none of them in part, or returns False."""


class ClosedHere(ConnectionLost):
    """This side has closed the connection while one of its clients waited on it: a cut, or the end of a test."""


def never(*_: object) -> bool:
    """Take nothing."""
    return False


def _end_of_stream() -> NoReturn:
    raise ConnectionLost("the server closed the connection")


class StampedConnection:
    """One TCP connection, which adds itself to `counters`. `stamp` belongs to the bytes last received.

    `opened_ns` is when it was open, and `secured_ns` when TLS was established, Unix nanoseconds; 0 without TLS.

    Every method raises OSError or ConnectionLost when the connection breaks, and ClosedHere when `close` is called
    while it waits.
    """

    __slots__ = (
        "_clock", "_counters", "_readable", "_reader", "_receive_into", "_send", "_stream", "_switch", "_take",
        "_writers", "opened_ns", "stamp",
    )  # fmt: skip
    alpn: str | None = None
    is_cut: bool = False
    secured_ns: int = 0

    def __init__(self, address: Address, counters: Counters | None = None, clock: Clock | None = None) -> None:
        self.stamp = NO_STAMP
        clock = self._clock = wall.now_ns if clock is None else clock
        self._counters = counters
        self._take: BytesTaker = never
        self._reader: Any = None  # the greenlet that waits to receive; None for none
        self._writers: tuple[Any, ...] = ()
        stream = self._stream = connect((address.host, address.port))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._receive_into = stream.recvmsg_into
        self._send = stream.send
        if SO_TIMESTAMPNS is not None:
            stream.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if counters is not None:
            counters.opened(stream)
        hub = get_hub()
        self._switch = hub.switch
        self._readable = hub.loop.io(stream.fileno(), 1)
        self.opened_ns = clock()

    def send(self, data: bytes) -> None:
        """Send all of `data`. A request fits into the socket's buffer, so this is nearly always one call."""
        while True:
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
            self._wait_to_send()

    def sealed(self, data: bytes) -> bytes:
        """Return bytes as they travel. They must leave in the order in which they were sealed."""
        return data

    def offer(self, sealed: bytes) -> int:
        """Hand over what the kernel takes at once of sealed bytes, and return how many that are."""
        try:
            return self._send(sealed)
        except BlockingIOError:
            return 0

    def send_sealed(self, sealed: bytes) -> None:
        """Send all of sealed bytes."""
        StampedConnection.send(self, sealed)

    def _wait_to_send(self) -> None:
        current = getcurrent()
        self._writers = (*self._writers, current)
        try:
            wait_until_writable(self._stream)
        finally:
            self._writers = tuple(one for one in self._writers if one is not current)

    def receive(self, take: BytesTaker = never) -> bytes:
        """Wait for bytes and return them: at least one.

        What `take` takes is not returned, and the wait goes on. It is called in the hub and must not wait; what it
        raises is raised here. So clients that only listen need no switch of greenlets, which copies their stacks.
        """
        self._reader, self._take = getcurrent(), take
        self._readable.start(self._read)
        try:
            while True:
                data = self._switch()
                if data.__class__ is bytes:  # else something woke this client that it does not wait for
                    return data
        finally:
            self._reader, self._take = None, never  # no circle of objects: the collector looks rarely
            self._readable.stop()

    def _read(self) -> None:
        """Read what has come, in the hub, and wake the client that waits for it. Arrival is read only here."""
        try:
            size, ancillary, _, _ = self._receive_into(_BUFFERS, ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._reader.throw(error)
            return
        read_ns = self._clock()
        if ancillary:
            seconds, fraction_ns = _unpack(ancillary[0][2])
            arrival_ns = seconds * NS_PER_SECOND + fraction_ns
            if wall.stamped is not None:
                arrival_ns = wall.stamped(arrival_ns)
            self.stamp = Stamp(arrival_ns, read_ns, True)
        else:
            self.stamp = Stamp(read_ns, read_ns, False)
        data = bytes(_VIEW[:size])
        try:
            is_taken = self._take(data) if size else _end_of_stream()
        except Exception as error:  # noqa: BLE001 -- it is raised where the client waits
            self._reader.throw(error)
        else:
            if not is_taken:
                self._reader.switch(data)

    def close(self) -> None:
        """Close at once. What still waits on the connection learns it: the kernel would never wake it."""
        waiting = self._writers if self._reader is None else (self._reader, *self._writers)
        for one in waiting:
            if one is not getcurrent():
                get_hub().loop.run_callback(self._wake, one)
        self._readable.close()
        if self._counters is not None:
            self._counters.closing(self._stream)
        self._stream.close()

    def _wake(self, waiting: Any) -> None:
        """Raise ClosedHere in what waits, unless something else has woken it meanwhile."""
        if waiting is self._reader or waiting in self._writers:
            waiting.throw(ClosedHere("this side has closed the connection"))
