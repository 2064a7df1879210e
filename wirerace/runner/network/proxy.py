"""A proxy with a delay: forwards bytes between clients and one server on loopback, in both directions."""

import contextlib
import heapq
import itertools
import select
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, now_ns, process_cpu_seconds, to_ns
from wirerace.observe.histogram import Latencies
from wirerace.record.samples import ProxyReport

READ_BYTES = 65_536
ANCILLARY_BYTES = 64
SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None  # as loadtests/connection.py switches it on
TIMESPEC = struct.Struct("@ll")
MOST_BYTES_ON_THE_WAY = 1024 * 1024  # in one direction of one connection; above that, reading pauses
BACKLOG = 4096
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends a reset


class Parcel(NamedTuple):
    """What is on its path: bytes, their end (empty), or a reset (None). The number keeps the order."""

    due: float
    number: int
    to: "End"
    data: bytes | None


class End:
    """One side of a connection. Bytes read here go to `other`."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.other = self
        self.coming = 0
        """Bytes on their path to this end, including those that wait to be written."""
        self.waiting = bytearray()
        self.reads = True
        self.watched = 0
        self.ends = False
        """Whether nothing comes after the waiting bytes."""
        self.earliest = 0.0
        self.latest_due = 0.0
        """When the last bytes read here are due. Later bytes are never due before them."""


class Proxy:
    """Delays both directions by exactly the same time, and keeps the order. Half-closes and resets are forwarded too.

    The kernel completes a client's handshake at once, but the client's first bytes leave a round trip later, as over a
    real link. The delay counts from the kernel's stamp of an arrival, if there is one, so late reading adds nothing to
    it. `delay_seconds` may be changed: what is on its path already arrives as it would have, and nothing overtakes it.
    """

    def __init__(self, port: int, server: tuple[str, int], delay_seconds: float) -> None:
        self._server = server
        self.delay_seconds = delay_seconds
        self._selector = selectors.DefaultSelector()
        self._parcels: list[Parcel] = []
        self._numbers = itertools.count()
        self._open: set[End] = set()
        self._late, self._since_ns, self._cpu_before = Latencies(), now_ns(), process_cpu_seconds() or 0.0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.attend(self._listener, self._accept)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def attend(self, stream: socket.socket, act: Callable[[], None]) -> None:
        """Call `act`, between the proxy's own turns, whenever something can be read from a socket."""
        self._selector.register(stream, selectors.EVENT_READ, act)

    def ignore(self, stream: socket.socket) -> None:
        """Stop attending to a socket."""
        self._selector.unregister(stream)

    def report(self) -> ProxyReport:
        """Return what was forwarded since the last report, and begin the next one."""
        now, cpu_seconds = now_ns(), process_cpu_seconds() or 0.0
        spent_seconds = cpu_seconds - self._cpu_before
        found = ProxyReport(
            began_ns=self._since_ns, ended_ns=now, cpu_seconds=spent_seconds, late=self._late.to_record()
        )
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
        if self._parcels:
            most_seconds = max(0.0, min(most_seconds, self._parcels[0].due - time.monotonic()))
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

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client = End(self._listener.accept()[0])
                server = End(socket.socket())
                client.other, server.other = server, client
                client.earliest = time.monotonic() + 2 * self.delay_seconds
                for end in (client, server):
                    end.stream.setblocking(False)
                    end.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if SO_TIMESTAMPNS is not None:
                        end.stream.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                server.stream.connect_ex(self._server)
                self._open |= {client, server}
                for end in (client, server):
                    self._watch(end)

    def _read(self, end: End) -> None:
        try:
            data, ancillary, _, _ = end.stream.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._lose(end)
            return
        end.other.coming += len(data)
        self._send_off(end, data, time.monotonic() - lag_seconds(ancillary))
        if not data:
            end.reads = False
            self._close_if_done(end)
        self._watch(end)

    def _send_off(self, end: End, data: bytes | None, arrived: float) -> None:
        due = max(max(arrived, end.earliest) + self.delay_seconds, end.latest_due)
        end.latest_due = due
        heapq.heappush(self._parcels, Parcel(due, next(self._numbers), end.other, data))

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
        """Drop an end that has been reset; the other end is reset after the delay."""
        self._send_off(end, None, time.monotonic())
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


def lag_seconds(ancillary: list[tuple[int, int, bytes]]) -> float:
    """Return how long ago the kernel received the bytes just read; 0 without a stamp."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, fraction_ns = TIMESPEC.unpack(data)
            stamp_ns: int = seconds * NS_PER_SECOND + fraction_ns
            return max(0, now_ns() - stamp_ns) / NS_PER_SECOND
    return 0.0
