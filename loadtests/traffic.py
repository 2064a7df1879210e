"""What the kernel counts on the connections of a load: bytes and segments, in both directions, from TCP_INFO."""

import sys
from typing import Protocol

from gevent import socket
from msgspec.structs import astuple

from wirerace.observe.account import NO_TRAFFIC, Traffic
from wirerace.observe.histogram import Latencies
from wirerace.observe.tcp_info import CLOSE_WAIT, CLOSED, INFO_BYTES, read_tcp_info

TCP_INFO: int = getattr(socket, "TCP_INFO", 0) if sys.platform == "linux" else 0
CLOSING_SEGMENTS = {CLOSED: (0, 0), CLOSE_WAIT: (1, 1)}
"""What closing costs, out and in, by the state of a connection; in any other: our FIN, the peer's, our acknowledgement.

If the peer has closed: our FIN, its acknowledgement. If it has reset the connection: nothing.
"""


class Socket(Protocol):
    """A socket that has TCP_INFO."""

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        """Return an option of the socket."""


class Counters:
    """The traffic of all connections so far, open and closed; nothing on a kernel other than Linux.

    `handshakes` has how long the TLS handshakes took, `resumed` how many of them resumed a session.
    """

    def __init__(self) -> None:
        self._closed = NO_TRAFFIC
        self._open: dict[Socket, None] = {}
        self.handshakes = Latencies()
        self.resumed = 0

    def opened(self, connection: Socket) -> None:
        """Begin to count an open connection."""
        if TCP_INFO:
            self._open[connection] = None

    def secured(self, took_ns: int, *, is_resumed: bool) -> None:
        """Count a TLS handshake."""
        self.handshakes.record(took_ns)
        self.resumed += is_resumed

    def closing(self, connection: Socket) -> None:
        """Add the counts of a connection that is about to close, and what closing it will cost."""
        if connection in self._open:
            del self._open[connection]
            state, traffic = _read(connection)
            ours, theirs = CLOSING_SEGMENTS.get(state, (2, 1))
            self._closed = self._closed.plus(traffic).plus(Traffic(segments_out=ours, segments_in=theirs))

    def total(self) -> Traffic:
        """Return what was counted so far."""
        # Column by column: adding records one by one would take longer than asking the kernel, and all clients wait.
        read = [astuple(_read(connection)[1]) for connection in self._open]
        return self._closed.plus(Traffic(*map(sum, zip(*read, strict=True)))) if read else self._closed


def _read(connection: Socket) -> tuple[int, Traffic]:
    """Return a connection's state and what the kernel has counted on it since its first SYN."""
    info = read_tcp_info(connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, INFO_BYTES))
    if info is None:
        return 0, NO_TRAFFIC
    state, again, received_bytes, segments_out, segments_in, round_trip_us, sent_bytes = info
    return state, Traffic(sent_bytes, received_bytes, segments_out, segments_in, again, 1, round_trip_us)
