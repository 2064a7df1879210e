"""What a server may send to `wirerace check`: damaged heads, chunks, batches, events, frames. And commands, URLs."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fuzz.fuzzing import damaged, damaged_text, fuzzed, refuses_by_errors_of_its_own
from wirerace.checking.address import address_in
from wirerace.checking.clients.client import ContractClient
from wirerace.checking.clients.polling import updates_in
from wirerace.checking.clients.sse import EventClient
from wirerace.checking.clients.stream import LineClient
from wirerace.checking.clients.websocket import FrameClient
from wirerace.checking.command import command_in
from wirerace.checking.http import Answer, ChunkReader, answer_in
from wirerace.wire.event_stream import encode_event
from wirerace.wire.frames import Opcode, encode_frame
from wirerace.wire.update import Update, encode_update, join_batch

UPDATES = [encode_update(Update("k3f9", seq, 1_790_000_000_000_000_000 + seq, "x\n")) for seq in range(1, 4)]
HEADS = [b"HTTP/1.1 200 OK\r\nWirerace-Cursor: k3f9-1\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.0 204 No Content\r\n\r\n"]
CHUNKS = [b"5\r\nhello\r\n0\r\n\r\n", b"a;x=y\r\n0123456789\r\n"]
EVENTS = [b"retry: 1000\nid: k3f9-0\n\n" + b"".join(encode_event(b"k3f9-1", update) for update in UPDATES)]
LINES = [b"\n".join([*UPDATES, b""])]
FRAMES = [b"".join(encode_frame(Opcode.TEXT, update) for update in (*UPDATES, b"[" + UPDATES[0] + b"]"))]
COMMANDS = [b"node server.js --port {port} --producer-url {producer}", b"python 'a b' {producer}"]
URLS = [b"http://127.0.0.1:9000", b"http://[::1]:80/", b"wss://a.example"]


@pytest.mark.long
@fuzzed
def test_heads(random: Random) -> None:
    def read(head: bytes) -> object:
        return answer_in(head).body_bytes("GET")

    refuses_by_errors_of_its_own(read, damaged(random, HEADS))


@fuzzed
def test_chunks(random: Random) -> None:
    refuses_by_errors_of_its_own(ChunkReader().feed, damaged(random, CHUNKS))


@fuzzed
def test_batches(random: Random) -> None:
    def read(body: bytes) -> object:
        return updates_in(Answer(200, {}, b"", body))

    refuses_by_errors_of_its_own(read, damaged(random, [join_batch(UPDATES), join_batch(UPDATES, has_more=True)]))


def fed(kind: Any, data: bytes) -> ContractClient:
    """Return a client that has read bytes, and then the end of its connection."""
    client: ContractClient = kind(None, None)
    parts = [data, b""]

    async def read(_within: float) -> bytes:
        return parts.pop(0)

    async def send(_data: bytes) -> None:
        pass

    client._talk = SimpleNamespace(read=read, send=send)  # type: ignore[assignment]
    client._chunks = None  # type: ignore[attr-defined]
    asyncio.run(client.until(lambda: False, 1.0))
    return client


@pytest.mark.long
@fuzzed
def test_events(random: Random) -> None:
    refuses_by_errors_of_its_own(lambda data: fed(EventClient, data), damaged(random, EVENTS))


@pytest.mark.long
@fuzzed
def test_lines(random: Random) -> None:
    refuses_by_errors_of_its_own(lambda data: fed(LineClient, data), damaged(random, LINES))


@pytest.mark.long
@fuzzed
def test_frames(random: Random) -> None:
    refuses_by_errors_of_its_own(lambda data: fed(FrameClient, data), damaged(random, FRAMES))


@pytest.mark.long
@fuzzed
def test_commands(random: Random) -> None:
    refuses_by_errors_of_its_own(lambda text: command_in(text, needs_producer=True), damaged_text(random, COMMANDS))


@fuzzed
def test_urls(random: Random) -> None:
    refuses_by_errors_of_its_own(address_in, damaged_text(random, URLS))
