"""WebSocket: the handshake, and what becomes of frames, right and wrong ones (RFC 6455)."""

import base64
import hashlib
import os
import struct

from wirerace.checking.clients.client import expect_status
from wirerace.checking.clients.websocket import HEADERS, FrameClient
from wirerace.checking.http import Answer
from wirerace.checking.promise import SOCKETS, promise
from wirerace.checking.scene import Scene
from wirerace.checking.verdicts import Unkept
from wirerace.wire.frames import FIN, CloseCode, Opcode, encode_frame

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
MASK = b"\x01\x02\x03\x04"
MOST_BYTES = 65_536
CLOSES = "When something breaks: The close codes"
FAULTS = {
    "an unmasked frame": (encode_frame(Opcode.TEXT, b"x"), CloseCode.PROTOCOL_ERROR),
    "a reserved opcode": (encode_frame(3, b"x", MASK), CloseCode.PROTOCOL_ERROR),
    "a reserved bit": (encode_frame(0x20 | Opcode.TEXT, b"x", MASK), CloseCode.PROTOCOL_ERROR),
    "a close of one byte": (encode_frame(Opcode.CLOSE, b"\x03", MASK), CloseCode.PROTOCOL_ERROR),
    "a ping of 126 bytes": (encode_frame(Opcode.PING, bytes(126), MASK), CloseCode.PROTOCOL_ERROR),
    "text that is not UTF-8": (encode_frame(Opcode.TEXT, b"ok \xff", MASK), CloseCode.BAD_PAYLOAD),
    "the head of a message above 64 KiB": (
        struct.pack("!BBQ", FIN | Opcode.TEXT, 0x80 | 127, MOST_BYTES + 1) + MASK,
        CloseCode.TOO_BIG,
    ),
}


def handshake(scene: Scene, *changes: str) -> bytes:
    """Return a handshake with lines of the head replaced: `Name: value`, or `Name:` to leave one out."""
    changed = {line.partition(":")[0]: line for line in changes}
    lines = {line.partition(":")[0]: line for line in HEADERS} | changed
    return scene.spelled(scene.transport.path, *(line for line in lines.values() if not line.endswith(":")))


@promise(
    "accept-key",
    "The answer to a handshake is 101 with the Sec-WebSocket-Accept of its key.",
    "Requests",
    on=SOCKETS,
    needs=(),
)
async def accept_key(scene: Scene) -> None:
    """RFC 6455, section 4.2.2: each key has its own."""
    for key in (b"dGhlIHNhbXBsZSBub25jZQ==", base64.b64encode(os.urandom(16))):
        head = expect_status(await scene.ask_head(handshake(scene, f"Sec-WebSocket-Key: {key.decode()}")), 101)
        wanted = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest()).decode()
        found = head.headers.get("sec-websocket-accept", "")
        if found != wanted:
            raise Unkept(f"Sec-WebSocket-Accept: {wanted}", found or "no such header", head.seen)
        if head.headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in _connection(head):
            raise Unkept("Upgrade: websocket and Connection: Upgrade", "others", head.seen)


def _connection(head: Answer) -> str:
    return head.headers.get("connection", "").lower()


@promise("version", "A request that does not ask for WebSocket 13 gets 426.", CLOSES, on=SOCKETS, needs=())
async def version(scene: Scene) -> None:
    """Also one that asks for no upgrade; the answer names the version."""
    for encoded in (scene.spelled(scene.transport.path), handshake(scene, "Sec-WebSocket-Version: 8")):
        head = expect_status(await scene.ask_head(encoded), 426)
        if head.headers.get("sec-websocket-version") != "13":
            raise Unkept("Sec-WebSocket-Version: 13", head.headers.get("sec-websocket-version", "none"), head.seen)


@promise("bad-key", "A handshake without a key of 16 bytes gets 400.", "Requests", on=SOCKETS, needs=())
async def bad_key(scene: Scene) -> None:
    """RFC 6455, section 4.2.1."""
    for line in ("Sec-WebSocket-Key:", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="):
        head = await scene.ask_head(handshake(scene, line))
        if head.status != 400:
            raise Unkept(f"400 for {line!r}", f"{head.status}", head.seen)


@promise("one-frame", "Each update is one text frame.", "Requests", on=SOCKETS)
async def one_frame(scene: Scene) -> None:
    """Neither in fragments nor in bytes. A batch of a server that collects is an array in one frame."""
    client: FrameClient = await scene.subscribe()
    await scene.expect(client, [*scene.make(3), *scene.make(1, 200_000)])
    kinds = {message.opcode for message in client.messages} - {Opcode.PING, Opcode.PONG}
    if kinds != {Opcode.TEXT}:
        raise Unkept("messages of text", f"opcodes {sorted(kinds)}", client.talk.seen)
    if client.reader.frames != len(client.messages):
        came = f"{client.reader.frames} frames for {len(client.messages)} messages"
        raise Unkept("one frame a message", came, client.talk.seen)


@promise("ping", "A ping is answered with its payload.", CLOSES, on=SOCKETS, needs=())
async def ping(scene: Scene) -> None:
    """An empty one, too, and one between fragments of a message."""
    for payload in (b"", b"\x00\xff" * 62, b"?"):
        client = await scene.subscribe()
        await client.send(Opcode.PING, payload)
        await _until_frame(scene, client, Opcode.PONG, "a pong")
        pong = next(message for message in client.messages if message.opcode == Opcode.PONG)
        if pong.payload != payload:
            raise Unkept(f"a pong with {payload!r}", f"one with {pong.payload!r}", client.talk.seen)


async def _until_frame(scene: Scene, client: FrameClient, opcode: Opcode, expected: str) -> None:
    if not await client.until(lambda: opcode in {message.opcode for message in client.messages}, scene.seconds):
        raise Unkept(expected, client.ended or f"none within {scene.seconds:g} s", client.talk.seen)


@promise("close", "A close is answered with its code, and the connection ends.", CLOSES, on=SOCKETS, needs=())
async def close(scene: Scene) -> None:
    """Its reason is the client's own business."""
    for code in (1000, 1001, 4999):
        client = await scene.subscribe()
        await client.send(Opcode.CLOSE, struct.pack("!H", code) + b"bye")
        await _until_frame(scene, client, Opcode.CLOSE, f"a close with code {code}")
        if client.close_code != code:
            raise Unkept(f"a close with code {code}", f"one with {client.close_code}", client.talk.seen)
        await client.talk.rest()


@promise(
    "bad-frames", "A fault in a frame closes the connection with its code, and harms no other.", CLOSES, on=SOCKETS
)
async def bad_frames(scene: Scene) -> None:
    """One of each kind. `python -m tests.conformance` has all others, for a server that echoes."""
    other = await scene.subscribe()
    for what, (data, code) in FAULTS.items():
        client = await scene.subscribe()
        await client.talk.send(data)
        await _until_frame(scene, client, Opcode.CLOSE, f"a close with code {code:d} after {what}")
        if client.close_code != code:
            raise Unkept(f"a close with code {code:d} after {what}", f"one with {client.close_code}", client.talk.seen)
    await scene.expect(other, scene.make())


@promise(
    "behind-handshake", "Frames that come in one segment with the handshake are read.", "Requests", on=SOCKETS, needs=()
)
async def behind_handshake(scene: Scene) -> None:
    """A client need not wait for the 101."""
    talk = await scene.connect()
    await talk.send(handshake(scene) + encode_frame(Opcode.PING, b"early", MASK))
    expect_status(await talk.head(), 101)
    data = b""
    while encode_frame(Opcode.PONG, b"early") not in data:
        data += await talk.some("a pong with b'early'")
