"""A server that takes messages and lies about them as a test says, on every transport; its claims are its record."""

import base64
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Literal

import msgspec
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from loadtests.connection import Address
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import Opcode, encode_frame
from wirerace.wire.message import Acknowledgement, ClientMessage, Refusal, encode
from wirerace.wire.update import CURSOR_HEADER
from wirerace.workload.upstream import Received, ReceivedMessage

HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
Lie = Literal[
    "honest",
    "unrecorded",
    "unread",
    "unanswered",
    "twice",
    "other",
    "past",
    "future",
    "refused",
    "later",
    "silent",
    "mute",
]
"""What happens to a message, at its first coming: it is acknowledged without being recorded, lost with its connection,
recorded and not acknowledged before its connection ends, acknowledged twice, answered for another one, stamped before
it was sent, or after its acknowledgement, refused for good or for now, or never answered; a mute server goes on reading
its WebSocket. Then the server is honest.
"""
STATUS = {"refused": 413, "later": 429}


class MessageServer:
    """Holds subscriptions, and takes messages. `came` counts the comings of each number, `claimed` is the record."""

    def __init__(self, lie_to: Callable[[int], Lie]) -> None:
        self.came: Counter[int] = Counter()
        self.claimed: dict[tuple[str, int], ReceivedMessage] = {}
        self.repeated = 0
        self.connections = 0
        self.heads: list[bytes] = []
        self.lie_to = lie_to
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.address = Address("127.0.0.1", self._server.server_port)

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def record(self) -> Received:
        """Return what the server says that it has received."""
        messages: dict[str, list[ReceivedMessage]] = {}
        for (client, _), message in self.claimed.items():
            messages.setdefault(client, []).append(message)
        return Received(complete=True, messages=messages, repeated=self.repeated)

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        self.connections += 1
        unread = b""
        with contextlib.closing(stream), contextlib.suppress(OSError):
            while data := stream.recv(65536):
                unread += data
                while b"\r\n\r\n" in unread:
                    head, _, unread = unread.partition(b"\r\n\r\n")
                    self.heads.append(head)
                    if head.startswith(b"POST"):
                        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                        while len(unread) < size:
                            unread += stream.recv(65536)
                        body, unread = unread[:size], unread[size:]
                        closes = b"Connection: close" in head
                        if not self._post(stream, body, closes=closes) or closes:
                            return
                    elif b"Upgrade" in head:
                        self._upgrade(stream, head)
                        return
                    else:
                        self._subscribe(stream, head)
                        if b"Connection: close" in head:
                            return

    def _subscribe(self, stream: socket.socket, head: bytes) -> None:
        path = head.split(b" ")[1]
        if path.startswith((b"/sse", b"/stream")):
            kind = b"text/event-stream" if path.startswith(b"/sse") else b"application/x-ndjson"
            stream.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n%b: e-0\r\n\r\n"
                % (kind, CURSOR_HEADER.encode())
            )
        elif not path.startswith(b"/longpoll") or b"hold=0" in path:
            closing = "Connection: close\r\n" if b"Connection: close" in head else ""
            stream.sendall(f"HTTP/1.1 204 No Content\r\n{CURSOR_HEADER}: e-0\r\n{closing}\r\n".encode())

    def _post(self, stream: socket.socket, body: bytes, *, closes: bool) -> bool:
        """Answer a message in a request, and return whether the connection stays."""
        answers, closing = self._take(msgspec.json.decode(body, type=ClientMessage)), b"Connection: close\r\n" * closes
        for answer in (answers or [])[:1]:
            if isinstance(answer, Refusal):
                stream.sendall(b"HTTP/1.1 %d No\r\n%bContent-Length: 3\r\n\r\nno\n" % (answer.refused, closing))
            else:
                encoded = encode(answer)
                stream.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (closing, len(encoded), encoded))
        return bool(answers)

    def _upgrade(self, stream: socket.socket, head: bytes) -> None:
        key = next(line for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))[19:]
        digest = hashlib.sha1(key + HANDSHAKE_GUID, usedforsecurity=False).digest()
        lines = (
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", f"{CURSOR_HEADER}: e-0",
        )  # fmt: skip
        stream.sendall("\r\n".join([*lines, "", ""]).encode())
        reader = FrameReader(masked=True, max_message_bytes=65536)
        while data := stream.recv(65536):
            for message in reader.feed(data):
                if message.opcode is Opcode.TEXT:
                    answers = self._take(msgspec.json.decode(message.payload, type=ClientMessage))
                    if answers is None:
                        continue
                    if not answers:
                        return
                    stream.sendall(b"".join(encode_frame(Opcode.TEXT, encode(answer)) for answer in answers))

    def _take(self, message: ClientMessage) -> list[Acknowledgement | Refusal] | None:
        """Take a message and return its answers, None if it stays without; an empty list ends the connection."""
        self.came[message.n] += 1
        lie: Lie = self.lie_to(message.n) if self.came[message.n] == 1 else "honest"
        received_ns = now_ns() + {"past": -NS_PER_SECOND, "future": NS_PER_SECOND}.get(lie, 0)
        if lie in STATUS:
            return [Refusal(STATUS[lie], "no", message.client, message.n)]
        if lie == "mute":
            return None
        if lie == "unread":
            return []
        key = (message.client, message.n)
        if key in self.claimed:
            self.repeated += 1
        elif lie != "unrecorded":
            self.claimed[key] = ReceivedMessage(message.n, message.ts, received_ns)
        if lie == "silent":
            Event().wait()
        if lie == "unanswered":
            return []
        answer = Acknowledgement(message.n + (1000 if lie == "other" else 0), message.client, received_ns)
        return [answer] * (2 if lie == "twice" else 1)
