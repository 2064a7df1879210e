"""A WebSocket peer that sends frames, right and wrong ones, by hand; wsproto judges what the server sends back."""

import json
import os
import struct
from collections import deque
from typing import NamedTuple

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from tests.contract.clients import WebSocket
from tests.contract.raw import Raw
from tests.contract.stage import Stage

NO_MESSAGE, NO_TEXT = 400, 415
"""The statuses of refusals: of text that is no message, and of bytes."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Received(NamedTuple):
    """A frame that the server sent; a close's payload is its code."""

    opcode: int
    payload: bytes | int | None


def refusal_in(received: Received) -> int:
    """Return the status of a refusal, which must be whole in a frame of text."""
    assert TEXT == received.opcode
    assert isinstance(received.payload, bytes)
    fields = json.loads(received.payload)
    assert {"refused", "why"} == fields.keys(), fields
    return int(fields["refused"])


class Peer:
    """A connection whose handshake is done."""

    def __init__(self, raw: Raw, agreed: str = "") -> None:
        """`agreed` is the server's answer to an offer of compression."""
        self.raw = raw
        self.agreed = agreed
        self._reader = FrameProtocol(client=True, extensions=[])
        if agreed:
            deflate = PerMessageDeflate()
            deflate.finalize(agreed)
            self._reader = FrameProtocol(client=True, extensions=[deflate])
        self._unread: deque[Received] = deque()
        self._part = b""

    async def ask(self, data: bytes) -> Received:
        """Send bytes and return the next frame."""
        await self.raw.send(data)
        return await self.next()

    async def next(self) -> Received:
        """Return the next frame."""
        while not self._unread:
            data = await self.raw.some()
            if not data:
                raise ConnectionError("the server ended the connection")
            self._read(data)
        return self._unread.popleft()

    async def rest(self) -> list[Received]:
        """Return all frames to the end of the connection."""
        while data := await self.raw.some():
            self._read(data)
        frames = list(self._unread)
        self._unread.clear()
        return frames

    def _read(self, data: bytes) -> None:
        self._reader.receive_bytes(data)
        for received in self._reader.received_frames():
            payload = received.payload
            if isinstance(payload, tuple):
                code, _reason = payload
                self._unread.append(Received(CLOSE, None if code == 1005 else int(code)))
            else:
                self._part += payload.encode() if isinstance(payload, str) else bytes(payload)
                if received.message_finished:
                    self._unread.append(Received(int(received.opcode), self._part))
                    self._part = b""


async def shake_hands(stage: Stage, query: str = "", *headers: str, behind: bytes = b"", path: str = "") -> Peer:
    """Return a peer on the delivery path, or another; `behind` is sent in one segment with the handshake."""
    raw = await stage.connect()
    request = WebSocket.request(path, *headers) if path else stage.request(query, *headers)
    answer = await raw.ask(request + behind)
    assert 101 == answer.status, answer
    return Peer(raw, answer.headers.get("sec-websocket-extensions", ""))


async def echoing(stage: Stage, *headers: str, behind: bytes = b"") -> Peer:
    """Return a peer whose messages come back."""
    return await shake_hands(stage, "", *headers, behind=behind, path="/echo")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: bytes = b"",
) -> bytes:
    """Return a frame of a client; `length` overrides how the length is spelled."""
    size = len(payload)
    if not length:
        short, spelled = (size, b"") if size < 126 else (126, struct.pack("!H", size & 0xFFFF))
        length = bytes([short]) + spelled if size < 1 << 16 else b"\x7f" + struct.pack("!Q", size)
    head = bytes([final << 7 | reserved << 4 | opcode, masked << 7 | length[0]]) + length[1:]
    if not masked:
        return head + payload
    mask = os.urandom(4)
    repeated = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)


def fragments(opcode: int, *parts: bytes, between: bytes = b"") -> bytes:
    """Return a message in fragments, with other frames between them."""
    last = len(parts) - 1
    opcodes = [opcode, *[CONTINUATION] * last]
    return between.join(frame(opcodes[index], part, final=index == last) for index, part in enumerate(parts))


def close(code: int | None, reason: bytes = b"") -> bytes:
    """Return a close frame of a client."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)
