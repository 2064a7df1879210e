"""The lean WebSocket client against a server made of the same frames, one byte at a time if need be."""

import base64
import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from loadtests.connection import Address
from loadtests.ws import MAX_MESSAGE_BYTES, WebSocketClient
from tests.loadtests.swarm import PATIENCE_SECONDS
from wirerace.errors import ConnectionLost, Refused
from wirerace.transports.websocket import Deflate
from wirerace.wire.deflate import RSV1, Deflater
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, FrameError, Message, Opcode, encode_close, encode_frame
from wirerace.wire.update import Cursor

HELLO = encode_frame(Opcode.TEXT, b"hello")


class Peer:
    """A server that shakes hands, sends `frames` in pieces and keeps what it receives."""

    def __init__(
        self, frames: bytes, *, piece_bytes: int = 0, accept: bytes | None = None, extensions: str = ""
    ) -> None:
        self.received: list[Message] = []
        self._frames = frames
        self._piece_bytes = piece_bytes or len(frames) or 1
        self._accept = accept
        self._extensions = f"Sec-WebSocket-Extensions: {extensions}\r\n".encode() if extensions else b""
        self.request = b""
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.address = Address("127.0.0.1", self._server.server_port)

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        with contextlib.closing(stream):
            self._talk(stream)

    def _talk(self, stream: socket.socket) -> None:
        request = self.request = stream.recv(65536)
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
        accept = base64.b64encode(digest) if self._accept is None else self._accept
        head = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: %b\r\n%bWirerace-Cursor: e-3\r\n\r\n"
        head %= accept, self._extensions
        stream.sendall(head + self._frames[: self._piece_bytes])
        for start in range(self._piece_bytes, len(self._frames), self._piece_bytes):
            stream.sendall(self._frames[start : start + self._piece_bytes])
            gevent.sleep(0)
        reader = FrameReader(masked=True, max_message_bytes=1000)
        while data := stream.recv(65536):
            self.received.extend(reader.feed(data))


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(frames: bytes, **options: Any) -> Peer:
        peers.append(Peer(frames, **options))
        return peers[-1]

    yield start
    for started in peers:
        started.stop()


@pytest.mark.long
@pytest.mark.parametrize("piece_bytes", [0, 1, 3])
def test_messages_are_read_however_they_are_split(peer: Callable[..., Peer], piece_bytes: int) -> None:
    big = b"x" * 70_000
    fragments = b"\x01\x02he" + encode_frame(Opcode.PING, b"") + b"\x80\x03llo"
    frames = HELLO + fragments + (encode_frame(Opcode.TEXT, big) if piece_bytes != 1 else HELLO)
    client = WebSocketClient(peer(frames, piece_bytes=piece_bytes).address, "/ws")
    assert client.cursor == Cursor("e", 3)
    messages: list[bytes] = []
    while len(messages) < 3:
        messages += client.receive()
    assert [b"hello", b"hello", big if piece_bytes != 1 else b"hello"] == messages
    client.close()


def test_read_that_ends_inside_a_frame_says_so(peer: Callable[..., Peer]) -> None:
    """The stamp belongs to the unfinished part: whole messages may have come before."""
    frames = HELLO + encode_frame(Opcode.TEXT, b"x" * 70_000)
    client = WebSocketClient(peer(frames, piece_bytes=len(HELLO) + 10).address, "/ws")
    assert client.receive() == [b"hello"]
    assert client.is_cut
    assert client.receive() == [b"x" * 70_000]
    assert not client.is_cut
    client.close()


def test_ping_is_answered_with_a_masked_pong(peer: Callable[..., Peer]) -> None:
    server = peer(encode_frame(Opcode.PING, b"are you there") + HELLO)
    client = WebSocketClient(server.address, "/ws")
    client.receive()
    with gevent.Timeout(PATIENCE_SECONDS):
        while not server.received:
            gevent.sleep(0.001)
    assert [Message(Opcode.PONG, b"are you there")] == server.received
    client.close()


def test_close_is_answered_and_ends_the_connection(peer: Callable[..., Peer]) -> None:
    client = WebSocketClient(peer(HELLO + encode_close(CloseCode.GOING_AWAY, "bye")).address, "/ws")
    assert client.receive() == [b"hello"]
    with pytest.raises(ConnectionLost, match="1001: bye"):
        client.receive()
    client.close()


def test_frame_that_breaks_the_protocol_is_an_error(peer: Callable[..., Peer]) -> None:
    client = WebSocketClient(peer(encode_frame(Opcode.TEXT, b"masked", b"abcd")).address, "/ws")
    with pytest.raises(FrameError, match="masks"):
        client.receive()
    client.close()


def test_handshake_with_a_wrong_accept_is_refused(peer: Callable[..., Peer]) -> None:
    with pytest.raises(Refused, match="Sec-WebSocket-Accept"):
        WebSocketClient(peer(HELLO, accept=b"nonsense").address, "/ws")


NAME = "permessage-deflate"
SHARED = f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
OWN = f"{NAME}; server_max_window_bits=12; client_max_window_bits=12"


def compressed(*payloads: bytes, takes_over: bool) -> bytes:
    deflater = Deflater(12, 5, takes_over=takes_over)
    return b"".join(deflater.frame(encode_frame(Opcode.TEXT, payload)) for payload in payloads)


@pytest.mark.parametrize("piece_bytes", [0, 1, 50])
@pytest.mark.parametrize(("deflate", "answer"), [("shared", SHARED), ("per-client", OWN)])
def test_compressed_messages_are_unpacked(
    peer: Callable[..., Peer], deflate: Deflate, answer: str, piece_bytes: int
) -> None:
    """Plain ones may come between them."""
    payloads = [b"hello, " * 10, b"", b"hello, " * 20]
    frames = compressed(*payloads, takes_over=deflate == "per-client") + HELLO
    server = peer(frames, extensions=answer, piece_bytes=piece_bytes)
    client = WebSocketClient(server.address, "/ws", deflate=deflate)
    assert NAME.encode() in server.request
    messages: list[bytes] = []
    while len(messages) < 4:
        messages += client.receive()
    assert [*payloads, b"hello"] == messages
    client.close()


def test_client_without_compression_offers_none(peer: Callable[..., Peer]) -> None:
    server = peer(HELLO)
    WebSocketClient(server.address, "/ws").close()
    assert b"Extensions" not in server.request


@pytest.mark.parametrize(
    ("deflate", "answer", "line"),
    [
        ("off", NAME, "an extension that was not offered: 'permessage-deflate'"),
        ("shared", "", "the server has declined permessage-deflate: start it with --deflate, as the client is"),
        ("shared", NAME, "expected server_no_context_takeover"),
        ("shared", f"{SHARED}; mystery", "mystery"),
        ("shared", f"{SHARED}, {SHARED}", "too many values"),
        ("per-client", "", "the server has declined"),
        ("per-client", "x-other", "an extension that was not offered: 'x-other'"),
        ("per-client", f"{NAME}; server_max_window_bits=16", "server_max_window_bits"),
        ("per-client", f"{NAME}; client_max_window_bits", "client_max_window_bits"),
        ("per-client", f"{NAME};", "expected token"),
        ("per-client", SHARED, "without a compressor per client"),
    ],
)
def test_answer_that_is_no_agreement_is_refused(
    peer: Callable[..., Peer], deflate: Deflate, answer: str, line: str
) -> None:
    """The measurement would be of something else."""
    with pytest.raises(Refused, match=line):
        WebSocketClient(peer(HELLO, extensions=answer).address, "/ws", deflate=deflate)


BOMB = compressed(bytes(MAX_MESSAGE_BYTES + 1), takes_over=False)


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (encode_frame(RSV1 | Opcode.TEXT, b"\xff\xff"), "a compressed message is damaged"),
        (BOMB, f"a message has at most {MAX_MESSAGE_BYTES} bytes"),
    ],
    ids=["damaged", "a bomb"],
)
def test_message_that_cannot_be_unpacked_ends_the_connection(
    peer: Callable[..., Peer], frames: bytes, line: str
) -> None:
    """What came before it counts."""
    server = peer(compressed(b"hello", takes_over=False) + frames, extensions=SHARED)
    client = WebSocketClient(server.address, "/ws", deflate="shared")
    assert client.receive() == [b"hello"]
    with pytest.raises(FrameError, match=line):
        client.receive()
    client.close()


def test_compressed_message_without_an_agreement_is_an_error(peer: Callable[..., Peer]) -> None:
    client = WebSocketClient(peer(compressed(b"hello", takes_over=False)).address, "/ws")
    with pytest.raises(FrameError, match="no extension was agreed on"):
        client.receive()
    client.close()
