"""Probing another host's clock over UDP, and answering the probes of others. The kernel stamps what arrives."""

import contextlib
from collections.abc import Iterator
from typing import Any

import gevent
from gevent import socket

from loadtests.connection import ANCILLARY_BYTES, SO_TIMESTAMPNS
from loadtests.wall import HostClocks
from wirerace.observe.clock_line import Probes
from wirerace.wire.probe import PROBE_BYTES, ClockProbe, answer, question, read_answer, stamp_in

BURST_PAIRS, BURST_PAUSE_SECONDS = 12, 0.01
"""Before and after the window."""
PAIRS, PAUSE_SECONDS = 4, 0.02
"""Each second."""
DISCARD_PORT = 9
ANSWER_SECONDS = 0.5
"""An answer that takes longer is none: it would say nothing about the clock."""


def new_socket(family: int) -> Any:
    """Return a socket for datagrams whose arrival the kernel stamps."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    if SO_TIMESTAMPNS is not None:
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


def own_host_towards(host: str, family: int) -> str:
    """Return the address of this host that another one sees; empty if there is no way to that one."""
    with socket.socket(family, socket.SOCK_DGRAM) as nothing_sent:
        try:
            nothing_sent.connect((host, DISCARD_PORT))
        except OSError:
            return ""
        own: str = nothing_sent.getsockname()[0]
        return own


class Prober:
    """Probes one other host's clock; `found` has what came back.

    Raises OSError when the address cannot be found.
    """

    def __init__(self, address: tuple[str, int], clocks: HostClocks) -> None:
        self.found = Probes()
        self._clocks = clocks
        self._number = 0
        self._waiting: dict[int, list[ClockProbe]] = {}
        family, _, _, _, self._place = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self._socket = new_socket(family)
        self.own_host = own_host_towards(self._place[0], family)
        self._reader = gevent.spawn(self._read)

    def close(self) -> None:
        """Probe no more."""
        self._reader.kill()
        self._socket.close()

    def burst(self) -> None:
        """Probe with many pairs, and wait for the answers."""
        self._probe(BURST_PAIRS, BURST_PAUSE_SECONDS)

    def probe(self) -> None:
        """Probe with a second's pairs, and wait for the answers."""
        self._probe(PAIRS, PAUSE_SECONDS)

    def _probe(self, pairs: int, pause_seconds: float) -> None:
        numbers = []
        for _ in range(pairs):
            numbers.append(self._ask_pair())
            gevent.sleep(pause_seconds)
        with gevent.Timeout(ANSWER_SECONDS, False):
            while any(len(self._waiting[number]) < 2 for number in numbers):
                gevent.sleep(pause_seconds)
        self.found.add([self._waiting.pop(number) for number in numbers])

    def _ask_pair(self) -> int:
        """Send two probes, one right behind the other; return the number of the first."""
        number = self._number
        self._number += 2
        self._waiting[number] = []
        for one in (number, number + 1):
            self.found.sent += 1
            with contextlib.suppress(OSError):  # forbidden, or unreachable: no answer will come
                self._socket.sendto(question(one, self._clocks.now_ns()), self._place)
        return number

    def _read(self) -> None:
        for data, arrived_ns, sender in _received(self._socket, self._clocks):
            if sender == self._place and (found := read_answer(data, arrived_ns)) is not None:
                number, probe = found
                if (pair := self._waiting.get(number & ~1)) is not None and probe.round_trip_ns > 0:
                    pair.append(probe)


class Answering:
    """Answers the probes of others at a port of an address."""

    def __init__(self, host: str, clocks: HostClocks) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = new_socket(family)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._clocks = clocks
        self._reader = gevent.spawn(self._answer)

    def close(self) -> None:
        """Answer no more."""
        self._reader.kill()
        self._socket.close()

    def _answer(self) -> None:
        for data, received_ns, sender in _received(self._socket, self._clocks):
            if (answered := answer(data, received_ns, self._clocks.now_ns())) is not None:
                with contextlib.suppress(OSError):
                    self._socket.sendto(answered, sender)


def _received(listening: Any, clocks: HostClocks) -> Iterator[tuple[bytes, int, Any]]:
    """Yield each datagram that comes, when it came, and from where."""
    while True:
        try:
            data, ancillary, _, sender = listening.recvmsg(PROBE_BYTES + 1, ANCILLARY_BYTES)
        except OSError:  # an answer was refused: the kernel says it here
            gevent.sleep(PAUSE_SECONDS)
            continue
        stamp_ns = stamp_in(ancillary)
        yield data, clocks.now_ns() if stamp_ns is None else clocks.stamp(stamp_ns), sender
