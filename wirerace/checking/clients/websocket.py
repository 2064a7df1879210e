"""A WebSocket: it shakes hands once, and receives frames."""

import os

import msgspec

from wirerace.checking.clients.client import ContractClient, expect_status
from wirerace.checking.http import Answer
from wirerace.checking.verdicts import Unkept
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import FrameError, Message, Opcode, close_code_of, encode_frame
from wirerace.wire.message import ACKNOWLEDGED, REFUSED

MOST_MESSAGE_BYTES = 16 * 1024 * 1024
HEADERS = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


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


def parts_of(payload: bytes) -> list[bytes]:
    """Return the updates in a message: one, or those of a batch."""
    if not payload.startswith(b"["):
        return [payload]
    try:
        return [bytes(part) for part in msgspec.json.decode(payload, type=list[msgspec.Raw])]
    except msgspec.DecodeError as error:
        raise Unkept("one update, or an array of them", f"something else ({error})", payload) from None


Client = FrameClient
