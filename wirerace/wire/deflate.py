"""Compressed WebSocket messages (permessage-deflate, RFC 7692, section 7.2), to and from bytes."""

import sys
import zlib

from wirerace.wire.frame_reader import CONTROL, DATA, FrameReader, too_big
from wirerace.wire.frames import CloseCode, FrameError, Message, Opcode, encode_frame, payload_of

RSV1 = 0x40
"""The reserved bit that marks the first frame of a compressed message."""
EMPTY_BLOCK = b"\x00\x00\xff\xff"
"""The end of what a flush writes. It is not sent (RFC 7692, section 7.2.1)."""
LEAST_WINDOW_BITS, MOST_WINDOW_BITS = 9, 15  # zlib cannot compress with a window of 8 bits
LEAST_MEMORY_LEVEL, MOST_MEMORY_LEVEL = 1, 9
BYTES_OF_A_FRAME = 1024
"""What is unpacked counts as a frame for each of these, because it takes about as long."""

_AFTER_THE_LAST_BLOCK = b"\x00" + EMPTY_BLOCK


class Deflater:
    """Compresses messages. With `takes_over`, a message may refer back to those before it."""

    __slots__ = ("_compressor", "_memory_level", "_window_bits")

    def __init__(self, window_bits: int, memory_level: int, *, takes_over: bool) -> None:
        self._window_bits = window_bits
        self._memory_level = memory_level
        self._compressor = self._fresh() if takes_over else None

    def deflate(self, payload: bytes) -> bytes:
        """Return a compressed payload."""
        compressor = self._compressor or self._fresh()
        return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(EMPTY_BLOCK)]

    def frame(self, frame: bytes) -> bytes:
        """Return one whole text frame that is not masked as a compressed one."""
        return encode_frame(RSV1 | Opcode.TEXT, self.deflate(payload_of(frame)))

    def _fresh(self) -> "zlib._Compress":
        return zlib.compressobj(wbits=-self._window_bits, memLevel=self._memory_level)


class Inflater:
    """Unpacks messages, each up to `most_bytes`. With `takes_over`, a message may refer back to those before it.

    zlib's decompressor is made with the first message, and only kept when it is needed for the next one.
    """

    __slots__ = ("_decompressor", "_most_bytes", "_takes_over", "_window_bits")

    def __init__(self, window_bits: int, most_bytes: int, *, takes_over: bool) -> None:
        self._window_bits = window_bits
        self._most_bytes = most_bytes
        self._takes_over = takes_over
        self._decompressor: zlib._Decompress | None = None

    def inflate(self, payload: bytes) -> bytes:
        """Return an unpacked payload.

        Raises FrameError when it is damaged, or has more than `most_bytes`. One byte more is unpacked at most.
        """
        decompressor = self._decompressor or zlib.decompressobj(-self._window_bits)
        try:
            whole = decompressor.decompress(payload + EMPTY_BLOCK, self._most_bytes + 1)
        except zlib.error:
            raise _damaged() from None
        if len(whole) > self._most_bytes:
            raise too_big(self._most_bytes)
        if decompressor.eof:  # A message may end with a last block (section 7.2.3.4), after which zlib starts again.
            if decompressor.unused_data != _AFTER_THE_LAST_BLOCK:
                raise _damaged()
            decompressor = zlib.decompressobj(-self._window_bits, zdict=whole)
        if self._takes_over:
            self._decompressor = decompressor
        return whole


class InflatingReader(FrameReader):
    """A reader that also takes compressed messages. They count with their unpacked size, also among `frames`."""

    __slots__ = ("_inflater", "_is_compressed", "_most_compressed_bytes")

    def __init__(
        self, inflater: Inflater, *, masked: bool, max_message_bytes: int, most_frames: int = sys.maxsize
    ) -> None:
        super().__init__(masked=masked, max_message_bytes=max_message_bytes, most_frames=most_frames)
        self._inflater = inflater
        self._is_compressed = False
        # What does not compress grows by 5 bytes a block, and the smallest memory level has blocks of 127 bytes.
        self._most_compressed_bytes = max_message_bytes + max_message_bytes // 16 + 64

    def _check_head(self, first: int, second: int) -> None:
        is_data = first & 0x0F in DATA
        super()._check_head(first & ~RSV1 if is_data else first, second)
        if is_data:
            self._is_compressed = bool(first & RSV1)

    def _check_size(self, first: int, size: int) -> None:
        if not self._is_compressed:
            super()._check_size(first, size)
        elif first & 0x0F not in CONTROL and len(self._fragments) + size > self._most_compressed_bytes:
            raise too_big(self._max_message_bytes)

    def _check_part(self, part: bytes, *, is_last: bool) -> None:
        if not self._is_compressed:
            super()._check_part(part, is_last=is_last)

    def _joined(self, opcode: Opcode, payload: bytes) -> Message:
        return self._whole(opcode, payload) if self._is_compressed else super()._joined(opcode, payload)

    def _whole(self, opcode: Opcode, payload: bytes) -> Message:
        if self._is_compressed:
            payload = self._inflater.inflate(payload)
            self.frames += len(payload) // BYTES_OF_A_FRAME
        return super()._whole(opcode, payload)


def inflated(frame: bytes) -> bytes:
    """Return a whole compressed text frame, which refers to no other and is not masked, as a plain one."""
    return encode_frame(Opcode.TEXT, zlib.decompressobj(-MOST_WINDOW_BITS).decompress(payload_of(frame) + EMPTY_BLOCK))


def _damaged() -> FrameError:
    return FrameError(CloseCode.BAD_PAYLOAD, "a compressed message is damaged")
