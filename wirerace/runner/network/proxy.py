"""The link of a path: a proxy that forwards bytes between clients and one server on loopback, in both directions."""

import contextlib
import heapq
import itertools
import select
import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from wirerace.clock import now_ns, process_cpu_seconds, to_ns
from wirerace.experiment.paths import NetworkPath
from wirerace.observe.histogram import Latencies
from wirerace.record.samples import ProxyReport
from wirerace.runner.network.answers import AnswerBuffer
from wirerace.runner.network.stamps import ANCILLARY_BYTES, SO_TIMESTAMPNS, lag_seconds
from wirerace.runner.network.way import Draws, LinkWay

READ_BYTES = 65_536
MOST_BYTES_ON_THE_WAY = 1024 * 1024  # in one direction of one connection; above that, reading pauses
BACKLOG = 4096
GOLDEN_RATIO = 0.6180339887498949  # its multiples fill an interval evenly, however many there are
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends a reset


class Parcel(NamedTuple):
    """What is on its path: bytes, their end (empty), or a reset (None). The number keeps the order."""

    due: float
    number: int
    to: "End"
    data: bytes | None


class End:
    """One side of a connection. Bytes read here go to `other`, over `line`."""

    def __init__(self, stream: socket.socket, line: LinkWay, buffer: AnswerBuffer | None = None) -> None:
        self.stream = stream
        self.line = line
        self.buffer = buffer
        """Gathers the answers read here; None on the client's side, and without a buffer."""
        self.other = self
        self.coming = 0
        """Bytes on their path to this end, including those that wait to be written."""
        self.waiting = bytearray()
        self.reads = True
        self.watched = 0
        self.ends = False
        """Whether nothing comes after the waiting bytes."""
        self.earliest = 0.0
        self.read_at = 0.0
        """When the last byte was read here."""


class Proxy:
    """Carries bytes over the link of a path, in order. Half-closes and resets are forwarded too.

    The kernel completes a client's handshake at once, but the client's first bytes leave a round trip later, as over a
    real link. Times count from the kernel's stamp of an arrival, if there is one, so late reading adds nothing to them.
    Each connection has its bandwidth, of which only the bytes that TCP carries use any. Where no byte was read at
    either end for `idle_timeout_seconds`, both get what is on its way to them, and then the end of the stream, as
    proxies do it; an address translator would forget the connection silently.

    A buffer of answers stands before the link. It was used before, to another degree for each connection: clients that
    come at once, as a load's do, would find theirs at the same place, and wait for the same update.

    `path` may be changed: what is under way already arrives as it would have, and nothing overtakes it. A buffer comes
    only to connections that are opened later.
    """

    def __init__(
        self, port: int, server: tuple[str, int], path: NetworkPath, seed: int = 1, host: str = "127.0.0.1"
    ) -> None:
        self._server = server  # numeric
        self._family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        self._path = path
        self._draws = Draws(seed)
        self._accepted = itertools.count()
        self._quiet: list[tuple[float, int, End]] = []
        """When to look at each connection, by its client's end: it may have been without a byte for too long."""
        self._selector = selectors.DefaultSelector()
        self._parcels: list[Parcel] = []
        self._numbers = itertools.count()
        self._open: set[End] = set()
        self._late, self._since_ns, self._cpu_before = Latencies(), now_ns(), process_cpu_seconds() or 0.0
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.attend(self._listener, self._accept)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def path(self) -> NetworkPath:
        """The path whose link it is."""
        return self._path

    @path.setter
    def path(self, path: NetworkPath) -> None:
        self._path = path
        for end in list(self._open):
            if end.buffer is not None and (gathered := end.buffer.take(b"", path.buffer_bytes)):
                self._send_off(end, gathered, time.monotonic())
        self._quiet = []
        for end in self._open:
            if end.buffer is None:
                self._look_later(end)

    def attend(self, stream: socket.socket, act: Callable[[], None]) -> None:
        """Call `act`, between the proxy's own turns, whenever something can be read from a socket."""
        self._selector.register(stream, selectors.EVENT_READ, act)

    def ignore(self, stream: socket.socket) -> None:
        """Stop attending to a socket."""
        self._selector.unregister(stream)

    def report(self) -> ProxyReport:
        """Return what was forwarded since the last report, and begin the next one."""
        now, cpu_seconds = now_ns(), process_cpu_seconds() or 0.0
        spent, late = cpu_seconds - self._cpu_before, self._late.to_record()
        found = ProxyReport(began_ns=self._since_ns, ended_ns=now, cpu_seconds=spent, late=late)
        self._late, self._since_ns, self._cpu_before = Latencies(), now, cpu_seconds
        return found

    def cut(self) -> int:
        """Reset every connection at both ends, without any delay, and return how many there were."""
        ends = list(self._open)
        for end in ends:
            self._reset(end)
        return len(ends) // 2

    def close(self) -> None:
        """Close everything at once."""
        for stream in (self._listener, *(end.stream for end in self._open)):
            stream.close()
        self._selector.close()

    def turn(self, most_seconds: float) -> None:
        """Wait at most `most_seconds` until something is due or arrives, and handle it."""
        for waiting in (self._parcels, self._quiet):
            if waiting:
                most_seconds = max(0.0, min(most_seconds, waiting[0][0] - time.monotonic()))
        # A selector waits whole milliseconds; select() on it waits to the microsecond.
        select.select([self._selector], [], [], most_seconds)
        for key, events in self._selector.select(0):
            if not isinstance(key.data, End):
                key.data()
                continue
            if events & selectors.EVENT_READ and key.data in self._open:
                self._read(key.data)
            if events & selectors.EVENT_WRITE and key.data in self._open:
                self._write(key.data)
        while self._parcels and self._parcels[0].due <= (now := time.monotonic()):
            parcel = heapq.heappop(self._parcels)
            self._late.record(to_ns(now - parcel.due))
            self._arrive(parcel)
        while self._quiet and self._quiet[0][0] <= time.monotonic():
            self._look_at(heapq.heappop(self._quiet)[2])

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                stream, number = self._listener.accept()[0], next(self._accepted)
                up, down = (LinkWay(self._draws.of(2 * number + way)) for way in (0, 1))
                client = End(stream, up)
                server = End(socket.socket(self._family), down, self._buffer_of(number))
                client.other, server.other = server, client
                client.read_at = time.monotonic()
                client.earliest = client.read_at + up.one_way_seconds(self._path) + down.one_way_seconds(self._path)
                for end in (client, server):
                    end.stream.setblocking(False)
                    end.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if SO_TIMESTAMPNS is not None:
                        end.stream.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                server.stream.connect_ex(self._server)
                self._open |= {client, server}
                for end in (client, server):
                    self._watch(end)
                self._look_later(client)

    def _buffer_of(self, number: int) -> AnswerBuffer | None:
        """Return the buffer of a connection. Buffers are filled to places that are spread evenly over connections."""
        size = self._path.buffer_bytes
        return AnswerBuffer(int(number * GOLDEN_RATIO % 1 * size)) if size else None

    def _read(self, end: End) -> None:
        try:
            data, ancillary, _, _ = end.stream.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._lose(end)
            return
        end.other.coming += len(data)
        end.read_at = time.monotonic() - lag_seconds(ancillary)
        if not data:
            self._end_reading(end)
        elif passed := data if end.buffer is None else end.buffer.take(data, self._path.buffer_bytes):
            self._send_off(end, passed, end.read_at)
        self._watch(end)

    def _end_reading(self, end: End) -> None:
        """Send the rest and the end of the stream over the link, and read no more."""
        end.reads = False
        now = time.monotonic()
        if end.buffer is not None and (gathered := end.buffer.rest()):
            self._send_off(end, gathered, now)
        self._send_off(end, b"", now)
        self._close_if_done(end)
        self._watch(end)

    def _send_off(self, end: End, data: bytes, ready: float) -> None:
        for due, piece in end.line.arrivals(self._path, data, max(ready, end.earliest)):
            heapq.heappush(self._parcels, Parcel(due, next(self._numbers), end.other, piece))

    def _look_later(self, client: End) -> None:
        """Look at a connection when it may have been without a byte for too long, counted from its last one."""
        if timeout := self._path.idle_timeout_seconds:
            at = max(client.read_at, client.other.read_at) + timeout
            heapq.heappush(self._quiet, (at, next(self._numbers), client))

    def _look_at(self, client: End) -> None:
        """Close a connection in order if no byte was read at either end for the timeout, else look again later."""
        if client not in self._open or client.other not in self._open:
            return
        last = max(client.read_at, client.other.read_at)
        if time.monotonic() < last + self._path.idle_timeout_seconds:
            self._look_later(client)
            return
        for end in (client, client.other):
            if end.reads:
                self._end_reading(end)

    def _arrive(self, parcel: Parcel) -> None:
        end = parcel.to
        if end not in self._open:
            return
        if parcel.data is None:
            self._reset(end)
            return
        end.waiting += parcel.data
        end.ends = not parcel.data
        self._write(end)

    def _write(self, end: End) -> None:
        try:
            sent = end.stream.send(end.waiting) if end.waiting else 0
            del end.waiting[:sent]
            end.coming -= sent
            if end.ends and not end.waiting:
                end.stream.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            self._lose(end)
            return
        self._close_if_done(end)
        self._watch(end)
        self._watch(end.other)

    def _lose(self, end: End) -> None:
        """Drop an end that has been reset; the other end is reset after the delay, and after what was sent before."""
        ((due, _),) = end.line.arrivals(self._path, b"", max(time.monotonic(), end.earliest))
        heapq.heappush(self._parcels, Parcel(due, next(self._numbers), end.other, None))
        self._close(end)

    def _reset(self, end: End) -> None:
        end.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._close(end)

    def _close_if_done(self, end: End) -> None:
        if end.ends and not end.waiting and not end.reads:
            self._close(end)

    def _close(self, end: End) -> None:
        self._open.discard(end)
        self._watch(end)
        end.stream.close()

    def _watch(self, end: End) -> None:
        """Register for the events that an end can handle now."""
        reads = end.reads and end.other.coming < MOST_BYTES_ON_THE_WAY
        events = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if end.waiting else 0)
        events = events if end in self._open else 0
        if events == end.watched:
            return
        if not end.watched:
            self._selector.register(end.stream, events, end)
        elif not events:
            self._selector.unregister(end.stream)
        else:
            self._selector.modify(end.stream, events, end)
        end.watched = events
