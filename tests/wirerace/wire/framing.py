"""WebSocket frames, right and wrong, and the results of a reader."""

import itertools
import struct
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st

from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, FrameError, Message

MOST_BYTES = 1 << 20
MASK = b"\x01\x80\xff\x00"


class Frame(NamedTuple):
    """A frame as it is sent, right or wrong. `length_bits` overrides the length's shortest form."""

    opcode: int
    payload: bytes
    fin: bool = True
    mask: bytes = b""
    reserved: int = 0
    length_bits: int = 0

    def encoded(self) -> bytes:
        size = len(self.payload)
        bits = self.length_bits or (7 if size < 126 else 16 if size < 1 << 16 else 64)
        short, extended = {
            7: (size, b""),
            16: (126, struct.pack("!H", size & 0xFFFF)),
            64: (127, struct.pack("!Q", size)),
        }[bits]
        head = bytes([self.fin << 7 | self.reserved << 4 | self.opcode, bool(self.mask) << 7 | short])
        masked = bytes(byte ^ key for byte, key in zip(self.payload, itertools.cycle(self.mask), strict=False))
        return head + extended + self.mask + (masked if self.mask else self.payload)


def splits_of(data: bytes) -> st.SearchStrategy[list[bytes]]:
    cuts = st.lists(st.integers(0, len(data)), max_size=12).map(sorted)
    return cuts.map(lambda places: [data[start:stop] for start, stop in itertools.pairwise([0, *places, len(data)])])


def outcome_of(
    chunks: Iterable[bytes], *, masked: bool, most_bytes: int = MOST_BYTES
) -> tuple[list[Message], CloseCode | None]:
    """Return the messages that came, and the code with which the peer broke the protocol, if it did."""
    reader = FrameReader(masked=masked, max_message_bytes=most_bytes)
    messages: list[Message] = []
    try:
        for chunk in chunks:
            messages.extend(reader.feed(chunk))
    except FrameError as error:
        return messages, error.code
    return messages, None


def read(chunks: Iterable[bytes], *, masked: bool, most_bytes: int = MOST_BYTES) -> list[Message]:
    messages, code = outcome_of(chunks, masked=masked, most_bytes=most_bytes)
    assert code is None
    return messages
