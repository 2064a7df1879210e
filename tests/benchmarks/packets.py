"""Packets that tests write: TCP connections on loopback, segment by segment, and the capture file that has them."""

import io
import struct
from typing import Any

from benchmarks.packets import ACK, SYN, Connection, connections_of, segments_in

EPOCH = "k3f9"
HEAD_BYTES = 54  # Ethernet 14, IPv4 20, TCP 20
LOOPBACK = bytes([127, 0, 0, 1])
MAGICS = {("<", 1): 0xA1B23C4D, (">", 1): 0xA1B23C4D, ("<", 1000): 0xA1B2C3D4, (">", 1000): 0xA1B2C3D4}


def update(seq: int, ts: int, data: str = "xy", epoch: str = EPOCH) -> bytes:
    return b'{"epoch":"%b","seq":%d,"ts":%d,"data":"%b"}' % (epoch.encode(), seq, ts, data.encode())


def answer(*updates: bytes, epoch: str = EPOCH) -> bytes:
    body = b'{"updates":[' + b",".join(updates) + b"]}"
    head = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: %b-9\r\nContent-Length: %d\r\n\r\n"
    return head % (epoch.encode(), len(body)) + body


def request(path: str = "/poll") -> bytes:
    return b"GET %b?after=k3f9-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode()


def frame(source: int, target: int, seq: int, payload: bytes = b"", flags: int = ACK) -> bytes:
    """Return a frame from one port of 127.0.0.1 to another."""
    ip_bytes = HEAD_BYTES - 14 + len(payload)
    ip = struct.pack(">BBHIBBH", 0x45, 0, ip_bytes, 0, 64, 6, 0) + LOOPBACK + LOOPBACK
    tcp = struct.pack(">HHIIBBHI", source, target, seq % 2**32, 0, 5 << 4, flags, 0, 0)
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


class Wire:
    """Frames, which are captured in the order of their times."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def pcap(self, order: str = "<", unit_ns: int = 1, link: int = 1, whole: int = 0) -> bytes:
        """Return the capture file. Each packet says that it had `whole` more bytes than are kept."""
        parts = [struct.pack(f"{order}IHHiIII", MAGICS[order, unit_ns], 2, 4, 0, 0, 262_144, link)]
        for at_ns, data in sorted(self.frames, key=lambda one: one[0]):
            seconds, fraction_ns = divmod(at_ns, 10**9)
            sizes = len(data), len(data) + whole
            parts.append(struct.pack(f"{order}4I", seconds, fraction_ns // unit_ns, *sizes) + data)
        return b"".join(parts)


class Talk:
    """One connection; each call is a segment. Bytes that are `skipped` are sent later, by `at`."""

    def __init__(self, wire: Wire, at_ns: int, client: int = 40_000, server: int = 8001, first_seq: int = 1000) -> None:
        self.wire = wire
        self.ports = client, server
        self.first = {True: first_seq + 1, False: first_seq + 5_000_001}
        self.sent = {True: 0, False: 0}
        wire.frames.append((at_ns, frame(client, server, first_seq, flags=SYN)))
        wire.frames.append((at_ns + 1, frame(server, client, first_seq + 5_000_000, flags=SYN | ACK)))
        self.up(at_ns + 2, b"")

    def up(self, at_ns: int, payload: bytes) -> None:
        self._send(at_ns, payload, self.sent[True], is_up=True)
        self.sent[True] += len(payload)

    def down(self, at_ns: int, payload: bytes) -> None:
        self.at(at_ns, payload, self.sent[False])
        self.sent[False] += len(payload)

    def skip(self, payload: bytes) -> int:
        """Leave a place for bytes to clients, and return it."""
        self.sent[False] += len(payload)
        return self.sent[False] - len(payload)

    def at(self, at_ns: int, payload: bytes, place: int) -> None:
        """Send bytes to the client that have a place."""
        self._send(at_ns, payload, place, is_up=False)

    def _send(self, at_ns: int, payload: bytes, place: int, *, is_up: bool) -> None:
        source, target = self.ports if is_up else self.ports[::-1]
        self.wire.frames.append((at_ns, frame(source, target, self.first[is_up] + place, payload)))


def raw_of(account: dict[str, Any], from_ns: int, to_ns: int, before: list[int], after: list[int]) -> dict[str, Any]:
    """Return the parts of a raw record that are compared; `before` and `after` are bytes and segments, out and in."""
    names = ("bytes_out", "bytes_in", "segments_out", "segments_in")
    return {
        "window": {"from_ns": from_ns, "to_ns": to_ns},
        "truth": {"epochs": [{"epoch": EPOCH}]},
        "account": {
            "traffic": [dict(zip(names, one, strict=True)) for one in (before, after)],
            "processes": [{"from_ns": from_ns, "to_ns": to_ns}],
            **account,
        },
        "measured": {"server": None},
    }


def read(wire: Wire, **options: Any) -> list[Connection]:
    return connections_of(segments_in(io.BytesIO(wire.pcap(**options))))
