"""HTTP/2 frames on the wire: bytes in, whole frames out, without I/O (RFC 9113, section 4)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from wirerace.errors import BadAnswer, ConnectionLost, shown

HEAD_BYTES = 9
MOST_FRAME_BYTES = 16_384  # the initial SETTINGS_MAX_FRAME_SIZE, which nobody here raises
MOST_SAID_BYTES = 200

DATA = 0x0
SETTINGS = 0x4
GOAWAY = 0x7
END_STREAM = 0x1
ACK = 0x1
PADDED = 0x8

_HEAD = struct.Struct(">IBI")  # length and type, flags, stream
_GONE = struct.Struct(">II")
_UPDATE = struct.Struct(">IBII")
_WINDOW_UPDATE = 0x8
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
        """What it carries."""
        return self.wire[HEAD_BYTES:]


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
                if first >> 8 > MOST_FRAME_BYTES:
                    raise ConnectionLost(f"the server broke HTTP/2: a frame of {first >> 8} bytes")
                break
            yield WireFrame(first & 0xFF, flags, stream_id & _STREAM, buffer[position:end], end == size)
            position = end
        self._tail = buffer[position:]

    def _begin(self, buffer: bytes) -> None:
        first, flags, stream_id = _HEAD.unpack_from(buffer)
        if first & 0xFF != SETTINGS or flags & ACK or stream_id:
            raise no_http2(f"it answered {shown(_said(buffer))}")
        self._has_begun = True


def unpadded(wire: bytes) -> bytes:
    """Return the data of a padded DATA frame (section 6.1).

    Raises ConnectionLost when the padding is longer than the frame.
    """
    payload = wire[HEAD_BYTES:]
    size = len(payload) - payload[0] if payload else 0
    if size < 1:
        raise ConnectionLost("the server broke HTTP/2: a frame of padding")
    return payload[1:size]


class Farewell(NamedTuple):
    """What a GOAWAY says: the last stream that the server has taken or may take, why it goes, and its own words."""

    last_stream_id: int
    code: int
    words: str


def no_http2(why: str) -> BadAnswer:
    """Return the error for a server that speaks something else."""
    return BadAnswer(f"the server speaks no HTTP/2: {why}")


def farewell_in(payload: bytes) -> Farewell:
    """Return what is in the payload of a GOAWAY frame.

    Raises ConnectionLost when it is too short.
    """
    if len(payload) < _GONE.size:
        raise ConnectionLost(f"the server broke HTTP/2: a GOAWAY of {len(payload)} bytes")
    last_stream_id, code = _GONE.unpack_from(payload)
    return Farewell(last_stream_id & _STREAM, code, _said(payload[_GONE.size :]))


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame; stream 0 is the connection."""
    return _UPDATE.pack(4 << 8 | _WINDOW_UPDATE, 0, stream_id, increment)


def _said(data: bytes) -> str:
    """Return the first line of what a server says."""
    return data[:MOST_SAID_BYTES].partition(b"\r\n")[0].decode("latin-1")
