"""Packets: the TCP connections in a capture file, with their bytes in order and the time at which each byte was there.

It reads classic pcap, link type Ethernet, IPv4. It uses `struct`, and nothing of Wirerace.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

NS_PER_SECOND = 10**9
HEAD_BYTES = 24
# The first four bytes give the byte order and the unit of a stamp's fraction, in nanoseconds.
MAGICS = {
    b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
}  # fmt: skip
ETHERNET = 1  # also that of Linux's lo
ETHERNET_BYTES = 14
IPV4, TCP = b"\x08\x00", 6
SYN, ACK = 2, 16
_IP = struct.Struct(">B x H 5x B 2x 4s 4s")  # version and head's length, whole length, protocol, from, to
_TCP = struct.Struct(">HHI 4x BB")  # from, to, sequence number, head's length, flags
LAP = 2**32  # sequence numbers begin again after that many bytes

Endpoint = tuple[bytes, int]
"""Address and port."""


class BadCapture(Exception):
    """A capture from which nothing can be said."""


class Segment(NamedTuple):
    """One TCP segment. `ip_bytes` is what it took at the IP layer, with all headers."""

    at_ns: int
    source: Endpoint
    target: Endpoint
    seq: int
    flags: int
    payload: bytes
    ip_bytes: int


class Passing(NamedTuple):
    """What a segment took: its time, direction, payload, and bytes at the IP layer."""

    at_ns: int
    is_up: bool
    payload_bytes: int
    ip_bytes: int


class Direction:
    """The bytes of one direction. `data` is what has come without a gap; what came twice is in it once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.first_seq: int | None = None  # that of the first byte: known from the SYN
        self._waiting: list[tuple[int, bytes]] = []
        self._ends: list[int] = []
        self._times: list[int] = []

    def add(self, at_ns: int, seq: int, payload: bytes) -> None:
        """Take the payload of one segment, which may be late, early, or known in part."""
        if self.first_seq is None:
            return
        known = len(self.data)
        ahead = (seq - self.first_seq - known) % LAP
        self._waiting.append((known + ahead - (LAP if ahead >= LAP // 2 else 0), payload))
        self._waiting.sort(key=lambda piece: piece[0])
        while self._waiting and self._waiting[0][0] <= len(self.data):
            start, piece = self._waiting.pop(0)
            self.data += piece[len(self.data) - start :]
        if len(self.data) > known:
            self._ends.append(len(self.data))
            self._times.append(at_ns)

    def whole_ns(self, end: int) -> int:
        """Return when the first `end` bytes were there."""
        return self._times[bisect_left(self._ends, end)]

    def growth(self) -> Iterator[tuple[int, int]]:
        """Yield by how many bytes it grew, each time with the instant."""
        before = 0
        for at_ns, end in zip(self._times, self._ends, strict=True):
            yield at_ns, end - before
            before = end


class Connection:
    """One connection from its SYN on. `up` goes from client to server, `down` back, `passed` has all its segments."""

    def __init__(self, client: Endpoint, server: Endpoint) -> None:
        self.client = client
        self.server = server
        self.up = Direction()
        self.down = Direction()
        self.passed: list[Passing] = []

    def add(self, segment: Segment) -> None:
        """Take one segment of either direction."""
        is_up = segment.source == self.client
        direction = self.up if is_up else self.down
        self.passed.append(Passing(segment.at_ns, is_up, len(segment.payload), segment.ip_bytes))
        if segment.flags & SYN:
            direction.first_seq = segment.seq + 1
        elif segment.payload:
            direction.add(segment.at_ns, segment.seq, segment.payload)


def connections_in(path: Path) -> list[Connection]:
    """Return the connections whose SYN is in a capture file, in the order of their SYNs.

    Raises OSError or BadCapture when the file cannot be read.
    """
    with path.open("rb") as file:
        return connections_of(segments_in(file))


def connections_of(segments: Iterable[Segment]) -> list[Connection]:
    """Return the connections whose SYN is among the segments. A pair of ports may be used again."""
    found: list[Connection] = []
    newest: dict[tuple[Endpoint, Endpoint], Connection] = {}
    for segment in segments:
        pair = segment.source, segment.target
        if segment.flags & (SYN | ACK) == SYN:
            known = newest.get(pair)
            if known is None or known.up.first_seq != segment.seq + 1:  # else the SYN was sent again
                newest[pair] = Connection(*pair)
                found.append(newest[pair])
        connection = newest.get(pair) or newest.get((segment.target, segment.source))
        if connection is not None:
            connection.add(segment)
    return found


def segments_in(file: BinaryIO) -> Iterator[Segment]:
    """Yield the TCP segments in a capture.

    Raises BadCapture when it is no pcap of Ethernet, or when it ends inside a packet or has parts of packets only.
    """
    head = file.read(HEAD_BYTES)
    if head[:4] not in MAGICS or len(head) < HEAD_BYTES:
        raise BadCapture(f"no pcap: it begins with {head[:4].hex() or 'nothing'}")
    order, unit_ns = MAGICS[head[:4]]
    (link,) = struct.unpack_from(f"{order}I", head, 20)
    if link & 0xFFFF != ETHERNET:
        raise BadCapture(f"link type {link & 0xFFFF}: capture on lo, whose type is {ETHERNET}")
    record = struct.Struct(f"{order}4I")
    while heading := file.read(record.size):
        if len(heading) < record.size:
            raise BadCapture("it ends inside a packet")
        seconds, fraction, kept_bytes, whole_bytes = record.unpack(heading)
        frame = file.read(kept_bytes)
        if len(frame) < kept_bytes:
            raise BadCapture("it ends inside a packet")
        segment = _segment_of(seconds * NS_PER_SECOND + fraction * unit_ns, frame)
        if segment is None:
            continue
        if kept_bytes < whole_bytes:
            raise BadCapture(f"it has {kept_bytes} of a packet's {whole_bytes} bytes: capture whole packets")
        yield segment


def _segment_of(at_ns: int, frame: bytes) -> Segment | None:
    """Return the TCP segment in a frame, None if there is something else in it."""
    if frame[12:ETHERNET_BYTES] != IPV4:
        return None
    try:
        first, ip_bytes, protocol, source, target = _IP.unpack_from(frame, ETHERNET_BYTES)
        if protocol != TCP:
            return None
        at = ETHERNET_BYTES + 4 * (first & 15)
        source_port, target_port, seq, offset, flags = _TCP.unpack_from(frame, at)
    except struct.error:
        raise BadCapture("it has a part of a packet's head only") from None
    ip_bytes = ip_bytes or len(frame) - ETHERNET_BYTES  # 0 if a packet is longer than the field can say
    payload = frame[at + 4 * (offset >> 4) : ETHERNET_BYTES + ip_bytes]
    return Segment(at_ns, (source, source_port), (target, target_port), seq, flags, payload, ip_bytes)
