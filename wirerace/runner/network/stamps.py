"""The kernel's stamps of what arrives at a link."""

import socket
import struct
import sys

from wirerace.clock import NS_PER_SECOND, now_ns

ANCILLARY_BYTES = 64
SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None  # as loadtests/connection.py switches it on
TIMESPEC = struct.Struct("@ll")


def lag_seconds(ancillary: list[tuple[int, int, bytes]]) -> float:
    """Return how long ago the kernel received the bytes just read; 0 without a stamp."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, fraction_ns = TIMESPEC.unpack(data)
            stamp_ns: int = seconds * NS_PER_SECOND + fraction_ns
            return max(0, now_ns() - stamp_ns) / NS_PER_SECOND
    return 0.0
