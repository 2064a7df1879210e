"""Batching: updates of a short time are sent as one frame, a JSON array."""

import asyncio
from collections.abc import Sequence

from services.fanout import Fanout
from services.recent import Kept
from wirerace.wire.frames import Opcode, encode_frame, payload_of


class Batcher:
    """Collects updates for `batch_seconds` after the first of them, and then sends all as one frame.

    What is kept for clients that catch up is one update a frame, an array as well.
    """

    def __init__(self, fanout: Fanout, batch_seconds: float) -> None:
        self._fanout = fanout
        self._batch_seconds = batch_seconds
        self._updates: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._payload_bytes = 0
        self._latest = Kept(0, b"", 0)
        fanout.before_joining = self.flush

    def add(self, updates: Sequence[Kept]) -> None:
        """Collect updates, each of which is packed as a frame of its own."""
        if not self._updates:
            self._timer = asyncio.get_running_loop().call_later(self._batch_seconds, self.flush)
        for update in updates:
            self._updates.append(payload_of(update.encoded)[1:-1])
            self._payload_bytes += update.payload_bytes
        self._latest = updates[-1]

    def flush(self) -> None:
        """Send what was collected: a client that joins afterwards has it already, or gets it from what is kept."""
        if self._timer is None:
            return
        self._timer.cancel()  # a batch that is sent early must not end the next one early
        self._timer = None
        updates, payload_bytes = self._updates, self._payload_bytes
        self._updates, self._payload_bytes = [], 0
        self._fanout.deliver_all([array_frame(b",".join(updates))], payload_bytes, len(updates))
        self._fanout.deliver_latest(self._latest, len(updates))


def array_frame(encoded: bytes) -> bytes:
    """Return updates, which are encoded and joined by commas, as one frame."""
    return encode_frame(Opcode.TEXT, b"[" + encoded + b"]")
