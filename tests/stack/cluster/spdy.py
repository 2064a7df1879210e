"""SPDY/3.1 as kubectl speaks it, without I/O: bytes in, events out. It neither sends nor expects flow control.

kubectl's side (moby/spdystream) sends no WINDOW_UPDATE and counts no window.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.stack.cluster.dictionary import DICTIONARY

CONTROL, VERSION = 0x80000000, 3
SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 0x01
HEAD_BYTES = 8
MOST_DATA = 0xFFFFFF


class StreamOpened(NamedTuple):
    """The client has opened a stream; header names are in small letters."""

    stream: int
    headers: dict[str, str]


class StreamData(NamedTuple):
    """The client has sent data on a stream; with `is_last` it sends no more."""

    stream: int
    data: bytes
    is_last: bool


class StreamReset(NamedTuple):
    """The client has ended a stream in both directions."""

    stream: int


class Pinged(NamedTuple):
    """The client wants the number back."""

    number: int


class GoneAway(NamedTuple):
    """The client opens no more streams."""


Event = StreamOpened | StreamData | StreamReset | Pinged | GoneAway


class SpdyReader:
    """Reads what one client sends."""

    def __init__(self) -> None:
        self._held = b""
        self._headers = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events of all frames that are complete with these bytes."""
        self._held += data
        while len(self._held) >= HEAD_BYTES:
            first, second = struct.unpack_from(">II", self._held)
            end = HEAD_BYTES + (second & MOST_DATA)
            if len(self._held) < end:
                return
            body, self._held = self._held[HEAD_BYTES:end], self._held[end:]
            yield from self._event(first, second >> 24, body)

    def _event(self, first: int, flags: int, body: bytes) -> Iterator[Event]:
        is_last = bool(flags & FIN)
        if not first & CONTROL:
            yield StreamData(first, body, is_last)
            return
        kind = first & 0xFFFF
        if kind == GOAWAY:
            yield GoneAway()
            return
        number = int.from_bytes(body[:4]) & ~CONTROL
        if kind == SYN_STREAM:
            yield StreamOpened(number, headers_in(self._headers.decompress(body[10:])))
            if is_last:
                yield StreamData(number, b"", is_last)
        elif kind == RST_STREAM:
            yield StreamReset(number)
        elif kind == PING:
            yield Pinged(number)


class SpdyWriter:
    """Makes the frames for one client, in the order in which they are sent."""

    def __init__(self) -> None:
        self._headers = zlib.compressobj(zdict=DICTIONARY)

    def reply(self, stream: int) -> bytes:
        """Return the frame that accepts a stream."""
        block = self._headers.compress(headers_of({})) + self._headers.flush(zlib.Z_SYNC_FLUSH)
        return _control(SYN_REPLY, struct.pack(">I", stream) + block)

    def data(self, stream: int, data: bytes, *, is_last: bool = False) -> bytes:
        """Return a frame of data."""
        return struct.pack(">II", stream, (FIN if is_last else 0) << 24 | len(data)) + data

    def ping(self, number: int) -> bytes:
        """Return the answer to a ping."""
        return _control(PING, struct.pack(">I", number))


def headers_in(block: bytes) -> dict[str, str]:
    """Return the headers of a block that is not compressed any more."""
    words, at = [], 4
    for _ in range(2 * int.from_bytes(block[:4])):
        end = at + 4 + int.from_bytes(block[at : at + 4])
        words.append(block[at + 4 : end].decode())
        at = end
    return dict(zip(words[::2], words[1::2], strict=True))


def headers_of(headers: Mapping[str, str]) -> bytes:
    """Return the block of headers before its compression."""
    words = [word.encode() for pair in headers.items() for word in pair]
    return len(headers).to_bytes(4) + b"".join(len(word).to_bytes(4) + word for word in words)


def _control(kind: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, kind, len(body)) + body
