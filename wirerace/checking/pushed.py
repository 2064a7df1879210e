"""Clients to which updates are pushed: WebSocket frames, events, lines."""

import os

import msgspec

from wirerace.checking.client import ContractClient, expect_status
from wirerace.checking.http import Answer, ChunkReader
from wirerace.checking.verdicts import Unkept
from wirerace.wire.event_stream import EventReader, EventTooLarge
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import FrameError, Message, Opcode, close_code_of, encode_frame
from wirerace.wire.message import ACKNOWLEDGED, REFUSED
from wirerace.wire.update import MOST_LINE_BYTES

MOST_MESSAGE_BYTES = 16 * 1024 * 1024


class CountingReader(FrameReader):
    """A reader that counts each frame, also one that is a whole message."""

    __slots__ = ()

    def plain_text(self, data: bytes) -> None:
        """Take no short cut."""


class FrameClient(ContractClient):
    """A WebSocket. `messages` has all messages of the server, `close_code` that of its close."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # as its base
        self.messages: list[Message] = []
        self.close_code: int | None = None
        self.reader: FrameReader = CountingReader(masked=False, max_message_bytes=MOST_MESSAGE_BYTES)

    async def subscribe(self) -> Answer:
        """Shake hands."""
        self.first = expect_status(await self.begin(), 101)
        self.cursor = self.first.cursor or self.cursor
        return self.first

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a frame."""
        await self.talk.send(encode_frame(opcode, payload, os.urandom(4)))

    async def listen(self, within: float) -> bool:
        """Read frames; pings are answered."""
        data = await self.talk.read(within)
        if not data:
            self.ended = "" if data is None else self.ended or "the end of the connection"
            return False
        try:
            for message in self.reader.feed(data):
                self.messages.append(message)
                await self._take(message)
        except FrameError as error:
            raise Unkept("frames of RFC 6455", str(error), data) from None
        return not self.ended

    async def _take(self, message: Message) -> None:
        if message.opcode == Opcode.PING:
            await self.send(Opcode.PONG, message.payload)
        elif message.opcode == Opcode.CLOSE:
            self.close_code = close_code_of(message.payload)
            self.ended = f"a close with code {self.close_code}"
        elif message.opcode == Opcode.TEXT and not message.payload.startswith((ACKNOWLEDGED, REFUSED)):
            for encoded in parts_of(message.payload):
                self.keep(encoded)


class ChunkedClient(ContractClient):
    """An answer without end. `body` has what came of it, without the chunks' heads."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # as its base
        self.body = bytearray()
        self._chunks: ChunkReader | None = None

    async def subscribe(self) -> Answer:
        """Ask."""
        self.first = expect_status(await self.begin(), 200)
        self._chunks = ChunkReader() if self.first.is_chunked else None
        self.cursor = self.first.cursor or self.cursor
        return self.first

    async def listen(self, within: float) -> bool:
        """Read more of the answer."""
        data = await self.talk.read(within)
        if not data:
            self.ended = "" if data is None else self.ended or "the end of the connection without a last chunk"
            return False
        if self._chunks is not None:
            data = self._chunks.feed(data)
            self.ended = "the last chunk" if self._chunks.has_ended else ""
        self.body += data
        self.take(data)
        return not self.ended

    def take(self, data: bytes) -> None:
        """Take a part of the body."""
        raise NotImplementedError


class LineClient(ChunkedClient):
    """Lines; an empty one is a heartbeat."""

    _unread = b""

    def take(self, data: bytes) -> None:
        """Take the lines that are whole."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.keep(line)
        if len(self._unread) > MOST_LINE_BYTES:
            raise Unkept("the end of a line", f"{len(self._unread)} bytes without one", self._unread)


class EventClient(ChunkedClient):
    """Events. `first_id` is the id before the first event, None until it came; `retry_ms` the time to wait."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.events = EventReader()
        self.ids: list[str] = []

    @property
    def retry_ms(self) -> int | None:
        """How long to wait before coming back."""
        return self.events.retry_ms

    def take(self, data: bytes) -> None:
        """Take the events that are whole."""
        try:
            found = self.events.feed(data)
        except EventTooLarge as error:
            raise Unkept("the end of an event", str(error), bytes(self.body)) from None
        self.cursor = self.events.last_id or self.cursor
        for event in found:
            self.ids.append(event.id)
            self.keep(event.data, event.id)


def parts_of(payload: bytes) -> list[bytes]:
    """Return the updates in a message: one, or those of a batch."""
    if not payload.startswith(b"["):
        return [payload]
    try:
        return [bytes(part) for part in msgspec.json.decode(payload, type=list[msgspec.Raw])]
    except msgspec.DecodeError as error:
        raise Unkept("one update, or an array of them", f"something else ({error})", payload) from None
