"""What a client sends on a WebSocket: pings are answered, a close ends it, messages are dropped, floods are cut off."""

import asyncio

from services.deflate import reader_of
from services.fanout import Fanout, Subscriber
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.frames import CloseCode, FrameError, Message, Opcode, encode_close, encode_frame
from wirerace.wire.negotiation import Agreement

MOST_FRAMES_AT_ONCE = 1_000
"""The limit for one read of a socket, because all other clients wait meanwhile."""
MOST_FRAMES_A_SECOND = 10_000
COUNTING_SECONDS = 1.0
MESSAGE_SECONDS = 10.0
"""The limit for a whole message, from its first byte."""


class Incoming:
    """Takes what aiohttp reads.

    Bytes are counted when the kind of their frame is known, because pongs are counted separately.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        fanout: Fanout,
        metrics: ServiceMetrics,
        max_message_bytes: int,
        agreement: Agreement | None = None,
    ) -> None:
        self.counts = False
        self._uncounted_bytes = 0
        self._subscriber = subscriber
        self._fanout = fanout
        self._metrics = metrics
        self._time = asyncio.get_running_loop().time
        self._reader = reader_of(agreement, max_message_bytes, MOST_FRAMES_AT_ONCE)
        self._second_began, self._frames_before = self._time(), 0
        self._message_began: float | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes. The result means to aiohttp: continue, nothing is left over."""
        self._uncounted_bytes += len(data) if self.counts else 0
        if self._subscriber.open:
            try:
                for message in self._reader.feed(data):
                    self._take(message)
                self._look_at_the_clock()
            except FrameError as error:
                if error.code is CloseCode.POLICY:
                    self._metrics.floods += 1
                self._metrics.responses["error"] += 1
                self._close(encode_close(error.code, str(error)))
        self._count(self._reader.cut_bytes if self._subscriber.open else 0)
        return False, b""

    def feed_eof(self) -> None:
        """Do nothing: aiohttp calls this when the connection is lost."""
        self._subscriber.open = False
        self._count(0)

    def end_if_late(self, now: float) -> None:
        """Close when a message should be whole by now."""
        if self._message_began is not None and now - self._message_began >= MESSAGE_SECONDS:
            self._message_began = None
            self._metrics.request_timeouts += 1
            self._close(encode_close(CloseCode.POLICY, f"a message must be whole within {MESSAGE_SECONDS:g} s"))

    def _look_at_the_clock(self) -> None:
        """Note when an unfinished message began.

        Raises FrameError when there were too many frames in a second.
        """
        reader, now = self._reader, self._time()
        if not reader.is_unfinished:
            self._message_began = None
        elif self._message_began is None:
            self._message_began = now
        if now - self._second_began >= COUNTING_SECONDS:
            self._second_began, self._frames_before = now, reader.frames
        elif reader.frames - self._frames_before > MOST_FRAMES_A_SECOND:
            raise FrameError(CloseCode.POLICY, f"more than {MOST_FRAMES_A_SECOND} frames in a second")

    def _count(self, rest_bytes: int) -> None:
        """Count what was received, without the last `rest_bytes`, which belong to an unfinished frame."""
        rest_bytes = min(rest_bytes, self._uncounted_bytes)
        self._metrics.received_bytes += self._uncounted_bytes - rest_bytes
        self._uncounted_bytes = rest_bytes

    def _take(self, message: Message) -> None:
        subscriber = self._subscriber
        if not subscriber.open:
            return
        if message.opcode is Opcode.CLOSE:
            self._close(encode_frame(Opcode.CLOSE, message.payload[:2]))
        elif message.opcode is Opcode.PING:
            if self._fanout.is_slow(subscriber):
                self._fanout.cut(subscriber)
            else:
                subscriber.write(encode_frame(Opcode.PONG, message.payload))
        elif message.opcode is Opcode.PONG:
            subscriber.unanswered_pings = 0
            size_bytes = min(len(encode_frame(Opcode.PONG, message.payload, b"mask")), self._uncounted_bytes)
            self._uncounted_bytes -= size_bytes
            self._metrics.heartbeat_bytes += size_bytes

    def _close(self, frame: bytes) -> None:
        self._fanout.discard(self._subscriber)
        self._subscriber.finish(frame)
