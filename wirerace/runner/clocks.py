"""Answers probes of this host's clock over UDP: `python -m wirerace.runner.clocks 10.0.0.1 5558`.

It stands beside the producer, on its host, and in a process of its own: it answers while the producer is stopped or
started again.
"""

import contextlib
import os
import selectors
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple

from wirerace.clock import Clock, now_ns
from wirerace.runner.network.stamps import ANCILLARY_BYTES, SO_TIMESTAMPNS
from wirerace.wire.probe import PROBE_BYTES, ClockProbe, answer, question, read_answer, stamp_in

LOOK_SECONDS = 1.0


class UdpPlace(NamedTuple):
    """An address of this machine, and a port of it."""

    host: str
    port: int

    def opened(self) -> socket.socket:
        """Return a socket there, for datagrams whose arrival the kernel stamps.

        Raises OSError when there is no such address here, or when the port is taken.
        """
        made = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.bind((self.host, self.port))
        except OSError:
            made.close()
            raise
        if SO_TIMESTAMPNS is not None:
            made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.setblocking(False)
        return made


def answer_waiting(opened: socket.socket, clock: Clock = now_ns) -> None:
    """Answer all probes that have come."""
    while True:
        try:
            data, ancillary, _, sender = opened.recvmsg(PROBE_BYTES + 1, ANCILLARY_BYTES)
        except OSError:  # there are no more, or the answer to one was refused
            return
        if (answered := answer(data, stamp_in(ancillary) or clock(), clock())) is not None:
            with contextlib.suppress(OSError):
                opened.sendto(answered, sender)


def ask(place: UdpPlace, within_seconds: float) -> ClockProbe | None:
    """Return one probe of a clock, None without an answer in time."""
    with socket.socket(socket.AF_INET6 if ":" in place.host else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(within_seconds)
        with contextlib.suppress(OSError):
            asking.connect(place)
            asking.send(question(0, now_ns()))
            found = read_answer(asking.recv(PROBE_BYTES + 1), now_ns())
            return None if found is None else found[1]
    return None


def main(arguments: Sequence[str]) -> int:
    """Answer until this process is ended, or its parent has ended."""
    place, parent = UdpPlace(arguments[0], int(arguments[1])), os.getppid()
    try:
        opened = place.opened()
    except OSError as error:
        sys.stderr.write(f"clock: cannot listen on {place.host}:{place.port}/udp: {error.strerror or error}\n")
        return 2
    with opened, selectors.DefaultSelector() as selector:
        selector.register(opened, selectors.EVENT_READ)
        while os.getppid() == parent:
            if selector.select(LOOK_SECONDS):
                answer_waiting(opened)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
