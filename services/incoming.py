"""What a client sends on a WebSocket: pings are answered, and a close ends it. Messages are taken or returned."""

import asyncio
from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import NamedTuple

from services.deflate import reader_of
from services.inbox import Answer, Inbox
from services.push import PushedClient
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, FrameError, Message, Opcode, encode_close, encode_frame
from wirerace.wire.message import Acknowledgement, Refusal, encode
from wirerace.wire.negotiation import Agreement

MOST_FRAMES_AT_ONCE = 1_000
"""The limit for one read of a socket, because all other clients wait meanwhile."""
MOST_FRAMES_A_SECOND = 10_000
COUNTING_SECONDS = 1.0
MESSAGE_SECONDS = 10.0
"""The limit for a whole message, from its first byte."""
NO_TEXT = "a message is text: send it in a text frame"


class Destination(NamedTuple):
    """Where the messages of a connection go: to an inbox, for a channel, and with `fan_out` on to the producer."""

    inbox: Inbox
    channel: str
    fan_out: bool

    def take(self, encoded: bytes, answer: Answer) -> None:
        """Take a message, and answer it: now or later."""
        self.inbox.take(encoded, answer, channel=self.channel, fan_out=self.fan_out)


class Incoming(ABC):
    """Takes what aiohttp reads. Subclasses say what becomes of a message.

    Bytes are counted when the kind of their frame is known, because pongs are counted separately.
    """

    def __init__(self, client: PushedClient, reader: FrameReader) -> None:
        self._counts = False
        self._uncounted_bytes = 0
        self._subscriber = client.subscriber
        self._fanout = client.fanout
        self._metrics = client.metrics
        self._reader = reader
        self._time = asyncio.get_running_loop().time
        self._message_began: float | None = None

    def take_over(self, client: PushedClient) -> None:
        """Read frames from now on, instead of requests."""
        connection = client.connection
        client.reader = self
        connection.keep_alive(False)
        connection.set_parser(self)  # type: ignore[arg-type]  # aiohttp's annotation names its own reader, and it calls nothing that this one lacks
        connection.leave_counting()
        connection.end_if_message_is_late = self.end_if_late
        self._counts = True  # Bytes that came with the handshake, and were read just now, are counted already.

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes. The result means to aiohttp: continue, nothing is left over."""
        self._read(data)
        return False, b""

    def feed_eof(self) -> None:
        """Do nothing: aiohttp calls this when the connection is lost."""
        self._subscriber.open = False
        self._count(0)

    def _read(self, data: bytes) -> None:
        """Answer what is in the bytes; close where they break the protocol. After a close they are ignored."""
        self._uncounted_bytes += len(data) if self._counts else 0
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

    @abstractmethod
    def _take_message(self, message: Message) -> None:
        """Take a message of text or bytes."""

    def _answer_ping(self, payload: bytes) -> None:
        """Send a pong."""
        self._subscriber.write(encode_frame(Opcode.PONG, payload))

    def _look_at_the_clock(self) -> None:
        """Note when an unfinished message began."""
        if not self._reader.is_unfinished:
            self._message_began = None
        elif self._message_began is None:
            self._message_began = self._time()

    def end_if_late(self, now: float) -> None:
        """Close when a message should be whole by now."""
        if self._message_began is not None and now - self._message_began >= MESSAGE_SECONDS:
            self._message_began = None
            self._metrics.request_timeouts += 1
            self._close(encode_close(CloseCode.POLICY, f"a message must be whole within {MESSAGE_SECONDS:g} s"))

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
            self._answer_ping(message.payload)
        elif message.opcode is Opcode.PONG:
            subscriber.unanswered_pings = 0
            size_bytes = min(len(encode_frame(Opcode.PONG, message.payload, b"mask")), self._uncounted_bytes)
            self._uncounted_bytes -= size_bytes
            self._metrics.heartbeat_bytes += size_bytes
        else:
            self._take_message(message)

    def _close(self, frame: bytes) -> None:
        self._fanout.discard(self._subscriber)
        self._subscriber.finish(frame)


class Receiving(Incoming):
    """Takes a client's messages on the connection on which it gets updates, and ends a flood."""

    def __init__(
        self, client: PushedClient, max_message_bytes: int, agreement: Agreement | None, destination: Destination
    ) -> None:
        super().__init__(client, reader_of(agreement, max_message_bytes, MOST_FRAMES_AT_ONCE))
        self._destination = destination
        self._second_began, self._frames_before = self._time(), 0

    def _take_message(self, message: Message) -> None:
        """Take a message of text. One of bytes is refused."""
        if message.opcode is Opcode.TEXT:
            self._destination.take(message.payload, self._answer)
        else:
            self._destination.inbox.refuse(self._answer, Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, NO_TEXT))

    def _answer(self, answer: Acknowledgement | Refusal) -> None:
        self._write(encode_frame(Opcode.TEXT, encode(answer)))

    def _answer_ping(self, payload: bytes) -> None:
        """Send a pong."""
        self._write(encode_frame(Opcode.PONG, payload))

    def _write(self, frame: bytes) -> None:
        """Write a frame, unless the client leaves too much unread."""
        if not self._subscriber.open:
            return
        if self._fanout.is_slow(self._subscriber):
            self._fanout.cut(self._subscriber)
        else:
            self._subscriber.write(frame)

    def _look_at_the_clock(self) -> None:
        """Note when an unfinished message began.

        Raises FrameError when there were too many frames in a second.
        """
        super()._look_at_the_clock()
        frames, now = self._reader.frames, self._time()
        if now - self._second_began >= COUNTING_SECONDS:
            self._second_began, self._frames_before = now, frames
        elif frames - self._frames_before > MOST_FRAMES_A_SECOND:
            raise FrameError(CloseCode.POLICY, f"more than {MOST_FRAMES_A_SECOND} frames in a second")
