"""Reads WebSocket frames (RFC 6455); without an extension every reserved bit is an error."""

import sys
from collections.abc import Iterator

from wirerace.wire.frames import (
    FIN,
    LENGTH_16,
    LENGTH_64,
    MASKED,
    SHORT,
    CloseCode,
    FrameError,
    Message,
    Opcode,
    close_code_of,
    masked_with,
)
from wirerace.wire.utf8 import Utf8

CONTROL = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})
DATA = frozenset({Opcode.TEXT, Opcode.BINARY})

_OPCODES = frozenset(Opcode)
_RESERVED = 0x70
_WHOLE_TEXT = FIN | Opcode.TEXT
# What a peer may send as a close code (RFC 6455, section 7.4, and the codes registered since).
_SENDABLE_CLOSE = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


class FrameReader:
    """Turns a stream of bytes into messages, however the stream is split.

    `masked` says whether the peer must mask its frames: a client masks all, a server none. A message, or one frame,
    larger than `max_message_bytes` is refused at its header, before its bytes are kept. Text is refused at the byte
    that makes UTF-8 impossible. `frames` counts frames.
    """

    __slots__ = (
        "_fragments",
        "_is_last",
        "_mask",
        "_masked",
        "_max_message_bytes",
        "_missing_bytes",
        "_most_frames",
        "_opcode",
        "_tail",
        "_utf8",
        "frames",
    )

    def __init__(self, *, masked: bool, max_message_bytes: int, most_frames: int = sys.maxsize) -> None:
        self._masked = masked
        self._max_message_bytes = max_message_bytes
        self._most_frames = most_frames
        self._tail = b""
        self._opcode: Opcode | None = None  # of the message that is not whole yet
        self._fragments = bytearray()  # in one piece: a list takes many times the memory of small fragments
        self._utf8 = Utf8()
        self._missing_bytes, self._mask, self._is_last = 0, b"", False  # of the frame whose payload is not whole yet
        self.frames = 0

    @property
    def is_unfinished(self) -> bool:
        """Return whether the bytes so far end inside a message."""
        return bool(self._tail) or self._opcode is not None

    @property
    def is_cut(self) -> bool:
        """Return whether the bytes so far end inside a frame."""
        return bool(self._tail) or self._missing_bytes > 0

    @property
    def cut_bytes(self) -> int:
        """The bytes so far of that frame, as long as it may be a control frame."""
        return len(self._tail)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that `data` completes, in order. Exhaust the iterator before the next call.

        Raises FrameError after the last good message when the peer broke the protocol, or when `data` holds more than
        `most_frames` frames. The reader cannot be used after that.
        """
        text = self.plain_text(data)
        if text is not None:
            yield Message(Opcode.TEXT, text)
            return
        buffer = self._tail + data if self._tail else data
        position = min(self._missing_bytes, len(buffer))
        if position and (message := self._add_part(buffer[:position])) is not None:
            yield message
        most_frames = self.frames + self._most_frames
        while (head := self._head_at(buffer, position)) is not None:
            first, body, size = head
            self.frames += 1
            if self.frames > most_frames:
                raise FrameError(CloseCode.POLICY, f"more than {self._most_frames} frames at once")
            position = body + size
            payload = buffer[body:position]
            mask = buffer[body - 4 : body] if self._masked else b""
            if len(payload) < size:
                self._begin_parts(first, size, mask)
                message = self._add_part(payload)
            else:
                message = self._message(first, masked_with(payload, mask) if mask else payload)
            if message is not None:
                yield message
        self._tail = buffer[position:]

    def _head_at(self, buffer: bytes, position: int) -> tuple[int, int, int] | None:
        """Return the first byte of a frame, where its payload begins, and its size.

        Return None when the head is not whole, or the frame is a control frame and not whole.
        """
        body, end = position + 2, len(buffer)
        if body > end:
            return None
        first, second = buffer[position], buffer[position + 1]
        self._check_head(first, second)
        size = second & 0x7F
        if size > SHORT:
            body += 2 if size == LENGTH_16 else 8
            if body > end:
                return None
            size = _extended_length(size, buffer[position + 2 : body])
        self._check_size(first, size)
        if self._masked:
            body += 4
        needed = body + size if first & 0x0F in CONTROL else body
        return (first, body, size) if needed <= end else None

    def plain_text(self, data: bytes) -> bytes | None:
        """Return the payload when `data` is exactly one unmasked text frame of ASCII, and no frame is unfinished.

        Nearly every read brings such a frame. The general code takes twice as long.
        """
        size = len(data)
        if size < 4 or data[0] != _WHOLE_TEXT or self._masked or self._tail or self._opcode is not None:
            return None
        announced, body = data[1], 2
        if announced == LENGTH_16:
            announced, body = data[2] << 8 | data[3], 4
        if announced != size - body or (announced > SHORT) is not (body == 4) or announced > self._max_message_bytes:
            return None
        payload = data[body:]
        return payload if payload.isascii() else None

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set, and no extension was agreed on")
        if opcode not in _OPCODES:
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"opcode {opcode} is not defined")
        if bool(second & MASKED) is not self._masked:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a client masks every frame, a server none")
        if opcode in CONTROL and (not first & FIN or second & 0x7F > SHORT):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a control frame has at most 125 bytes and no fragments")
        if opcode == Opcode.CONTINUATION and self._opcode is None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a continuation of no message")
        if opcode in DATA and self._opcode is not None:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a new message before the end of a fragmented one")

    def _check_size(self, first: int, size: int) -> None:
        if size and first & 0x0F not in CONTROL and len(self._fragments) + size > self._max_message_bytes:
            raise too_big(self._max_message_bytes)

    def _message(self, first: int, payload: bytes) -> Message | None:
        opcode, is_last = Opcode(first & 0x0F), bool(first & FIN)
        if opcode in CONTROL:
            if opcode is Opcode.CLOSE:
                _check_close(payload)
            return Message(opcode, payload)
        if is_last and self._opcode is None:
            return self._whole(opcode, payload)
        self._opcode = self._opcode or opcode
        return self._add(payload, is_last=is_last)

    def _begin_parts(self, first: int, size: int, mask: bytes) -> None:
        """Begin a frame of a message whose payload is not whole."""
        self._opcode = self._opcode or Opcode(first & 0x0F)
        self._missing_bytes, self._mask, self._is_last = size, mask, bool(first & FIN)

    def _add_part(self, part: bytes) -> Message | None:
        """Add bytes of that payload, as they came."""
        self._missing_bytes -= len(part)
        if self._mask:
            part, turn = masked_with(part, self._mask), len(part) % 4
            self._mask = self._mask[turn:] + self._mask[:turn]
        return self._add(part, is_last=self._is_last and not self._missing_bytes)

    def _add(self, part: bytes, *, is_last: bool) -> Message | None:
        """Add a part to the message; return it when it is whole."""
        opcode = self._opcode
        self._check_part(part, is_last=is_last)
        self._fragments += part
        if not is_last or opcode is None:
            return None
        message = self._joined(opcode, bytes(self._fragments))
        self._fragments, self._opcode = bytearray(), None
        return message

    def _check_part(self, part: bytes, *, is_last: bool) -> None:
        if self._opcode is Opcode.TEXT and not self._utf8.takes(part, is_last=is_last):
            raise _no_utf8()

    def _joined(self, opcode: Opcode, payload: bytes) -> Message:
        """Return a message whose parts are checked."""
        return Message(opcode, payload)

    def _whole(self, opcode: Opcode, payload: bytes) -> Message:
        if opcode is Opcode.TEXT and not payload.isascii():
            _check_utf8(payload)
        return Message(opcode, payload)


def too_big(max_message_bytes: int) -> FrameError:
    """Return the error for a message that is larger than the limit."""
    return FrameError(CloseCode.TOO_BIG, f"a message has at most {max_message_bytes} bytes")


def _extended_length(flag: int, field: bytes) -> int:
    size = int.from_bytes(field, "big")
    if size < 1 << 16 and (flag == LENGTH_64 or size <= SHORT):
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
        raise _no_utf8() from None


def _no_utf8() -> FrameError:
    return FrameError(CloseCode.BAD_PAYLOAD, "text must be UTF-8")
