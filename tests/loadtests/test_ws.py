"""The lean WebSocket client against a server made of the same frames, one byte at a time if need be."""

import base64
import contextlib
import hashlib
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from loadtests.connection import Address
from loadtests.ws import WebSocketClient
from tests.loadtests.swarm import PATIENCE_SECONDS
from wirerace.errors import ConnectionLost, Refused
from wirerace.wire.frames import CloseCode, FrameError, FrameReader, Message, Opcode, encode_close, encode_frame
from wirerace.wire.update import Cursor

HELLO = encode_frame(Opcode.TEXT, b"hello")


class Peer:
    """A server that shakes hands, sends `frames` in pieces and keeps what it receives."""

    def __init__(self, frames: bytes, *, piece_bytes: int = 0, accept: bytes | None = None) -> None:
        self.received: list[Message] = []
        self._frames = frames
        self._piece_bytes = piece_bytes or len(frames) or 1
        self._accept = accept
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.address = Address("127.0.0.1", self._server.server_port)

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        with contextlib.closing(stream):
            self._talk(stream)

    def _talk(self, stream: socket.socket) -> None:
        request = stream.recv(65536)
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
        accept = base64.b64encode(digest) if self._accept is None else self._accept
        head = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: %b\r\nWirerace-Cursor: e-3\r\n\r\n" % accept
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

    def start(frames: bytes, *, piece_bytes: int = 0, accept: bytes | None = None) -> Peer:
        peers.append(Peer(frames, piece_bytes=piece_bytes, accept=accept))
        return peers[-1]

    yield start
    for started in peers:
        started.stop()


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
