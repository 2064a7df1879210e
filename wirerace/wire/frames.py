"""WebSocket frames (RFC 6455): what they carry, and how they are written."""

import struct
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


FIN, MASKED = 0x80, 0x80
SHORT, LENGTH_16, LENGTH_64 = 125, 126, 127
"""The most bytes that a length of 7 bits means, and the values that say that 16 or 64 bits follow."""


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
    flag = MASKED if mask else 0
    if size <= SHORT:
        head = struct.pack("!BB", FIN | opcode, flag | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", FIN | opcode, flag | LENGTH_16, size)
    else:
        head = struct.pack("!BBQ", FIN | opcode, flag | LENGTH_64, size)
    return head + mask + (masked_with(payload, mask) if mask else payload)


def size_of_frame(payload_bytes: int) -> int:
    """Return the bytes of a server's frame with a payload of that size."""
    return payload_bytes + (2 if payload_bytes <= SHORT else 4 if payload_bytes < 1 << 16 else 10)


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


def masked_with(payload: bytes, mask: bytes) -> bytes:
    """Return a payload with a mask of 4 bytes put on it or taken from it (RFC 6455, section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
