"""WebSocket frames (RFC 6455), to and from bytes; without an extension every reserved bit is an error."""

import struct
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from wirerace.errors import WireraceError


class Opcode(IntEnum):
    """The kind of a frame (RFC 6455, section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends (RFC 6455, section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    BAD_PAYLOAD = 1007
    POLICY = 1008
    TOO_BIG = 1009


_OPCODES = frozenset(Opcode)
_CONTROL = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})
_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_SHORT, _LENGTH_16, _LENGTH_64 = 125, 126, 127
_WHOLE_TEXT = _FIN | Opcode.TEXT
# What a peer may send as a close code (RFC 6455, section 7.4, and the codes registered since).
_SENDABLE_CLOSE = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


class FrameError(WireraceError):
    """The peer broke the protocol; `code` is the close code to answer with."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Message(NamedTuple):
    """A whole message or a control frame."""

    opcode: Opcode
    payload: bytes


def encode_frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """Return one unfragmented frame; `mask` is 4 bytes from a client and empty from a server.

    `opcode` may have reserved bits that an extension sets.
    """
    size = len(payload)
    flag = _MASKED if mask else 0
    if size <= _SHORT:
        head = struct.pack("!BB", _FIN | opcode, flag | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _FIN | opcode, flag | _LENGTH_16, size)
    else:
        head = struct.pack("!BBQ", _FIN | opcode, flag | _LENGTH_64, size)
    return head + mask + (_masked(payload, mask) if mask else payload)


def payload_of(frame: bytes) -> bytes:
    """Return the payload of one whole frame that is not masked."""
    short = frame[1] & 0x7F
    return frame[2 + (0 if short < 126 else 2 if short == 126 else 8) :]


def encode_close(code: CloseCode, reason: str = "", mask: bytes = b"") -> bytes:
    """Return a close frame; `reason` must fit into 123 bytes."""
    return encode_frame(Opcode.CLOSE, struct.pack("!H", code) + reason.encode(), mask)


def close_code_of(payload: bytes) -> int | None:
    """Return the code in a close frame's payload, None when it carries none."""
    return int(struct.unpack_from("!H", payload)[0]) if payload else None


class FrameReader:
    """Turns a stream of bytes into messages, however the stream is split.

    `masked` says whether the peer must mask its frames: a client masks all, a server none. A message, or one frame,
    larger than `max_message_bytes` is refused at its header, before its bytes are kept. `frames` counts frames.
    """

    __slots__ = ("_fragments", "_fragments_opcode", "_masked", "_max_message_bytes", "_most_frames", "_tail", "frames")

    def __init__(self, *, masked: bool, max_message_bytes: int, most_frames: int = sys.maxsize) -> None:
        self._masked = masked
        self._max_message_bytes = max_message_bytes
        self._most_frames = most_frames
        self._tail = b""
        self._fragments = bytearray()
        self._fragments_opcode: Opcode | None = None
        self.frames = 0

    @property
    def is_unfinished(self) -> bool:
        """Return whether the bytes so far end inside a message."""
        return bool(self._tail) or self._fragments_opcode is not None

    @property
    def is_cut(self) -> bool:
        """Return whether the bytes so far end inside a frame."""
        return bool(self._tail)

    @property
    def cut_bytes(self) -> int:
        """The bytes so far of that frame."""
        return len(self._tail)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that `data` completes, in order. Exhaust the iterator before the next call.

        Raises FrameError after the last good message when the peer broke the protocol, or when `data` holds more than
        `most_frames` frames. The reader cannot be used after that.
        """
        text = self._plain_text(data)
        if text is not None:
            yield Message(Opcode.TEXT, text)
            return
        buffer = self._tail + data if self._tail else data
        self._tail = b""
        position, end = 0, len(buffer)
        frames_before = self.frames
        while end - position >= 2:
            first, second = buffer[position], buffer[position + 1]
            size, body = second & 0x7F, position + 2
            if size > _SHORT:
                body += 2 if size == _LENGTH_16 else 8
                if body > end:
                    self._check_head(first, second)
                    break
                size = _extended_length(size, buffer[position + 2 : body])
            if self._masked:
                body += 4
            self._check_head(first, second)
            self._check_size(first, size)
            if body + size > end:
                break
            self.frames += 1
            if self.frames - frames_before > self._most_frames:
                raise FrameError(CloseCode.POLICY, f"more than {self._most_frames} frames at once")
            payload = buffer[body : body + size]
            if self._masked:
                payload = _masked(payload, buffer[body - 4 : body])
            position = body + size
            message = self._message(first, payload)
            if message is not None:
                yield message
        self._tail = buffer[position:]

    def _plain_text(self, data: bytes) -> bytes | None:
        """Return the payload when `data` is exactly one unmasked text frame of ASCII, and no frame is unfinished.

        Nearly every read brings such a frame. The general code takes twice as long.
        """
        size = len(data)
        if size < 4 or data[0] != _WHOLE_TEXT or self._masked or self._tail or self._fragments_opcode is not None:
            return None
        announced, body = data[1], 2
        if announced == _LENGTH_16:
            announced, body = data[2] << 8 | data[3], 4
        if announced != size - body or (announced > _SHORT) is not (body == 4) or announced > self._max_message_bytes:
            return None
        payload = data[body:]
        return payload if payload.isascii() else None

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set, and no extension was agreed on")
        if opcode not in _OPCODES:
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"opcode {opcode} is not defined")
        if bool(second & _MASKED) is not self._masked:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a client masks every frame, a server none")
        if opcode in _CONTROL and (not first & _FIN or second & 0x7F > _SHORT):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a control frame has at most 125 bytes and no fragments")
        if opcode == Opcode.CONTINUATION and self._fragments_opcode is None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a continuation of no message")
        if opcode in {Opcode.TEXT, Opcode.BINARY} and self._fragments_opcode is not None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a new message before the end of a fragmented one")

    def _check_size(self, first: int, size: int) -> None:
        if size and first & 0x0F not in _CONTROL and len(self._fragments) + size > self._max_message_bytes:
            raise too_big(self._max_message_bytes)

    def _message(self, first: int, payload: bytes) -> Message | None:
        opcode = Opcode(first & 0x0F)
        if opcode in _CONTROL:
            if opcode is Opcode.CLOSE:
                _check_close(payload)
            return Message(opcode, payload)
        if first & _FIN and self._fragments_opcode is None:
            return self._whole(opcode, payload)
        return self._defragment(opcode, payload, last=bool(first & _FIN))

    def _defragment(self, opcode: Opcode, payload: bytes, *, last: bool) -> Message | None:
        if self._fragments_opcode is None:
            self._fragments_opcode = opcode
        self._fragments += payload  # in one piece, because a list takes many times the memory of small fragments
        if not last:
            return None
        message = self._whole(self._fragments_opcode, bytes(self._fragments))
        self._fragments, self._fragments_opcode = bytearray(), None
        return message

    def _whole(self, opcode: Opcode, payload: bytes) -> Message:
        if opcode is Opcode.TEXT and not payload.isascii():
            _check_utf8(payload)
        return Message(opcode, payload)


def too_big(max_message_bytes: int) -> FrameError:
    """Return the error for a message that is larger than the limit."""
    return FrameError(CloseCode.TOO_BIG, f"a message has at most {max_message_bytes} bytes")


def _extended_length(flag: int, field: bytes) -> int:
    size = int.from_bytes(field, "big")
    if size < 1 << 16 and (flag == _LENGTH_64 or size <= _SHORT):
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a length must use as few bytes as it can")
    if size >= 1 << 63:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "the highest bit of a 64-bit length must be 0")
    return size


def _check_close(payload: bytes) -> None:
    if not payload:
        return
    if len(payload) == 1 or close_code_of(payload) not in _SENDABLE_CLOSE:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a close frame carries a defined code or nothing")
    _check_utf8(payload[2:])


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise FrameError(CloseCode.BAD_PAYLOAD, "text must be UTF-8") from None


def _masked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
