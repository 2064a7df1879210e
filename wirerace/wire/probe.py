"""A probe of another host's clock: a UDP datagram there and back, with four times on it."""

import struct
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND

MAGIC = b"WRc1"
_FIELDS = struct.Struct("!4sIQQQ")
PROBE_BYTES = _FIELDS.size
"""Of a question and of an answer alike, so that nobody is flooded by way of a host that answers."""
_STAMP = struct.Struct("@ll")
STAMP_BYTES = 64
"""Room for what comes beside a datagram."""


class ClockProbe(NamedTuple):
    """One probe: left here, arrived there, answered there, and back here, each by the clock of its place."""

    sent_ns: int
    received_ns: int
    answered_ns: int
    arrived_ns: int

    @property
    def round_trip_ns(self) -> int:
        """The time on the way, there and back. A late reading of a clock can only make it longer."""
        return (self.arrived_ns - self.sent_ns) - (self.answered_ns - self.received_ns)

    @property
    def ahead_ns(self) -> float:
        """By how much the other clock is ahead of ours. It is wrong by half of the round trip at most."""
        return ((self.received_ns - self.sent_ns) + (self.answered_ns - self.arrived_ns)) / 2

    @property
    def at_ns(self) -> int:
        """When, by our clock: half-way."""
        return (self.sent_ns + self.arrived_ns) // 2


def spacing_ns(first: ClockProbe, second: ClockProbe) -> int:
    """Return by how much the spacing of two probes changed on the way, there or back, whichever is more.

    Two that left close together and arrive as close met the same queues, or none.
    """
    there = (second.received_ns - first.received_ns) - (second.sent_ns - first.sent_ns)
    back = (second.arrived_ns - first.arrived_ns) - (second.answered_ns - first.answered_ns)
    return max(abs(there), abs(back))


def question(number: int, sent_ns: int) -> bytes:
    """Return the datagram that asks."""
    return _FIELDS.pack(MAGIC, number, sent_ns, 0, 0)


def answer(asked: bytes, received_ns: int, answered_ns: int) -> bytes | None:
    """Return the datagram that answers another; None if that is no question."""
    if (fields := _read(asked)) is None or fields[2] or fields[3]:
        return None
    return _FIELDS.pack(MAGIC, fields[0], fields[1], received_ns, answered_ns)


def read_answer(data: bytes, arrived_ns: int) -> tuple[int, ClockProbe] | None:
    """Return the number of the question and the probe; None if the datagram is no answer."""
    if (fields := _read(data)) is None or not fields[2]:
        return None
    number, sent_ns, received_ns, answered_ns = fields
    return number, ClockProbe(sent_ns, received_ns, answered_ns, arrived_ns)


def _read(data: bytes) -> tuple[int, int, int, int] | None:
    if len(data) != PROBE_BYTES or not data.startswith(MAGIC):
        return None
    _, *fields = _FIELDS.unpack(data)
    return fields[0], fields[1], fields[2], fields[3]


def stamp_in(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """Return the kernel's stamp of a datagram, Unix nanoseconds (SO_TIMESTAMPNS); None without one."""
    for _, _, data in ancillary:
        if len(data) == _STAMP.size:
            seconds, fraction_ns = _STAMP.unpack(data)
            return int(seconds * NS_PER_SECOND + fraction_ns)
    return None
