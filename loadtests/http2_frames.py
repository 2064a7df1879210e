"""HTTP/2 frames on the wire: bytes in, whole frames out, and back, without I/O (RFC 9113, sections 4 and 6)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from wirerace.errors import BadAnswer, ConnectionLost, shown

HEAD_BYTES = 9
MOST_FRAME_BYTES = 16_384  # the initial SETTINGS_MAX_FRAME_SIZE, which nobody here raises
MOST_SAID_BYTES = 200

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, *range(3, 10)
END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20

_HEAD = struct.Struct(">IBI")  # length and type, flags, stream
_NUMBER = struct.Struct(">I")
_GONE = struct.Struct(">II")
_PRIORITY_BYTES = 5
_STREAM = 0x7FFFFFFF  # without the reserved bit


class WireFrame(NamedTuple):
    """A frame as it came. `is_last` says that nothing came behind it in the same bytes."""

    kind: int
    flags: int
    stream_id: int
    wire: bytes
    is_last: bool

    @property
    def payload(self) -> bytes:
        """What it carries, without padding and priority.

        Raises ConnectionLost when there is more of them than of the frame.
        """
        payload = self.wire[HEAD_BYTES:]
        if self.kind in {DATA, HEADERS} and self.flags & (PADDED | PRIORITY):
            start, end = 0, len(payload)
            if self.flags & PADDED:
                start, end = 1, end - (payload[0] if payload else 0)
            if self.kind == HEADERS and self.flags & PRIORITY:
                start += _PRIORITY_BYTES
            if start > end:
                raise broken("a frame of padding")
            return payload[start:end]
        return payload

    @property
    def number(self) -> int:
        """What a WINDOW_UPDATE or a RST_STREAM carries.

        Raises ConnectionLost when the frame has another size.
        """
        if len(self.wire) != HEAD_BYTES + _NUMBER.size:
            raise broken(f"a frame of type {self.kind} with {len(self.wire)} bytes")
        return int(_NUMBER.unpack_from(self.wire, HEAD_BYTES)[0])


class FrameSplitter:
    """Splits what a server sends into frames, however it comes.

    The first frame must be SETTINGS (section 3.4), else the server speaks something else.
    """

    __slots__ = ("_has_begun", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._has_begun = False

    @property
    def unfinished(self) -> bytes:
        """The bytes so far of a frame that is not whole."""
        return self._tail

    def feed(self, data: bytes) -> Iterator[WireFrame]:
        """Yield the frames that become whole. Exhaust the iterator before the next call.

        Raises BadAnswer when the server speaks no HTTP/2, ConnectionLost when a frame is larger than allowed.
        """
        buffer = self._tail + data if self._tail else data
        size, position = len(buffer), 0
        if not self._has_begun and size >= HEAD_BYTES:
            self._begin(buffer)
        while size - position >= HEAD_BYTES:
            first, flags, stream_id = _HEAD.unpack_from(buffer, position)
            end = position + HEAD_BYTES + (first >> 8)
            if end > size:
                break
            yield WireFrame(first & 0xFF, flags, stream_id & _STREAM, buffer[position:end], end == size)
            position = end
        self._tail = buffer[position:]
        if len(self._tail) >= HEAD_BYTES and (size := _HEAD.unpack_from(self._tail)[0] >> 8) > MOST_FRAME_BYTES:
            raise broken(f"a frame of {size} bytes")

    def _begin(self, buffer: bytes) -> None:
        first, flags, stream_id = _HEAD.unpack_from(buffer)
        if first & 0xFF != SETTINGS or flags & ACK or stream_id:
            raise no_http2(f"it answered {shown(_said(buffer))}")
        self._has_begun = True


class Farewell(NamedTuple):
    """What a GOAWAY says: the last stream that the server has taken or may take, why it goes, and its own words."""

    last_stream_id: int
    code: int
    words: str


def no_http2(why: str) -> BadAnswer:
    """Return the error for a server that speaks something else."""
    return BadAnswer(f"the server speaks no HTTP/2: {why}")


def broken(how: str) -> ConnectionLost:
    """Return the error for a server that does not keep to the protocol."""
    return ConnectionLost(f"the server broke HTTP/2: {how}")


def farewell_in(payload: bytes) -> Farewell:
    """Return what is in the payload of a GOAWAY frame.

    Raises ConnectionLost when it is too short.
    """
    if len(payload) < _GONE.size:
        raise broken(f"a GOAWAY of {len(payload)} bytes")
    last_stream_id, code = _GONE.unpack_from(payload)
    return Farewell(last_stream_id & _STREAM, code, _said(payload[_GONE.size :]))


def frame_of(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(len(payload) << 8 | kind, flags, stream_id) + payload


def head_frames(stream_id: int, block: bytes, most_bytes: int, *, is_end: bool) -> bytes:
    """Return a block of headers as frames of at most that many bytes."""
    first, rest = block[:most_bytes], block[most_bytes:]
    frames = frame_of(HEADERS, (END_STREAM * is_end) | (0 if rest else END_HEADERS), stream_id, first)
    while rest:
        part, rest = rest[:most_bytes], rest[most_bytes:]
        frames += frame_of(CONTINUATION, 0 if rest else END_HEADERS, stream_id, part)
    return frames


def numbered_frame(kind: int, stream_id: int, number: int) -> bytes:
    """Return a WINDOW_UPDATE, with an increment, or a RST_STREAM, with a reason. Stream 0 is the connection."""
    return frame_of(kind, 0, stream_id, _NUMBER.pack(number))


def _said(data: bytes) -> str:
    """Return the first line of what a server says."""
    return data[:MOST_SAID_BYTES].partition(b"\r\n")[0].decode("latin-1")
