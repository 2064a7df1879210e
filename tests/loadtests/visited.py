"""A server of visitors that lies as a test says, and a load of visitors in a real Locust environment."""

import base64
import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import gevent
import msgspec
from gevent import socket
from gevent.server import StreamServer
from locust.env import Environment

from loadtests.load import LOADS, Load
from loadtests.options import read_options
from tests.loadtests.swarm import PATIENCE_SECONDS
from wirerace.clock import now_ns, to_ns
from wirerace.observe.account import AccountRecord, Window
from wirerace.transports import TRANSPORTS
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, Opcode, encode_close, encode_frame
from wirerace.wire.update import CURSOR_HEADER, Update, encode_update, join_batch
from wirerace.workload.order import LoadOrder
from wirerace.workload.population import Population
from wirerace.workload.truth import EpochMade, Truth

EPOCH = "liar"
GAP_SECONDS = 0.02
HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Lie(NamedTuple):
    """How a visitor is lied to: by how many updates its first is too old, and after how many updates something happens.

    The server closes `closes_after` updates of a connection, sends nothing more `silent_after`, leaves out the update
    at the place `drops` of a visit, and sends the one at `repeats` twice.
    """

    stale: int = 0
    closes_after: int = 0
    silent_after: int = 0
    drops: int = 0
    repeats: int = 0


HONEST = Lie()


class LyingServer:
    """One transport's server. Its visitors are numbered by their first requests; `sent` has what each was sent."""

    def __init__(self, transport: str, lie_to: Callable[[int], Lie]) -> None:
        self.made_ns: list[int] = [now_ns() - (20 - index) * to_ns(GAP_SECONDS) for index in range(20)]
        self.sent: list[list[int]] = []
        self.connections = 0
        self.requests: list[list[str]] = []
        self.goodbyes = 0
        self._cut: list[int] = []
        self._transport = TRANSPORTS[transport]
        self._lie_to = lie_to
        self._maker = gevent.spawn(self._make)
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def head(self) -> int:
        return len(self.made_ns)

    def truth(self) -> Truth:
        seqs = list(range(1, self.head + 1))
        return Truth(self.head, complete=True, epochs=[EpochMade(EPOCH, seqs, self.made_ns, [0] * self.head)])

    def stop(self) -> None:
        self._maker.kill()
        self._server.stop(timeout=0)

    def _make(self) -> None:
        while True:
            gevent.sleep(GAP_SECONDS)
            self.made_ns.append(now_ns())

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        self.connections += 1
        with contextlib.closing(stream), contextlib.suppress(OSError):
            unread, visitor = b"", None
            while True:
                while b"\r\n\r\n" not in unread:
                    if not (data := stream.recv(65_536)):
                        return
                    unread += data
                head, _, unread = unread.partition(b"\r\n\r\n")
                visitor = self._answer(stream, head.decode(), visitor)

    def _answer(self, stream: socket.socket, head: str, visitor: int | None) -> int:
        """Answer a request, and return the number of its visitor, which is None on a new connection."""
        target, lines = head.split(" ")[1], head.split("\r\n")[1:]
        query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        headers = dict(line.split(": ", 1) for line in lines)
        after = query.get("after") or headers.get("Last-Event-ID", "")
        if after:
            known = int(after.partition("-")[2])
            if visitor is None:
                visitor = next(number for number in self._cut if self.sent[number][-1] == known)
                self._cut.remove(visitor)
        else:
            visitor = len(self.sent)
            self.sent.append([])
            self.requests.append([])
            known = self.head - 1 - self._lie_to(visitor).stale
        self.requests[visitor].append(target)
        if self._transport.asks:
            self._asked(stream, visitor, known, is_held=query.get("hold", "0") != "0")
        else:
            self._push(stream, headers, visitor, known)
        return visitor

    def _asked(self, stream: socket.socket, visitor: int, known: int, *, is_held: bool) -> None:
        lie = self._lie_to(visitor)
        if lie.silent_after and len(self.sent[visitor]) >= lie.silent_after:
            gevent.sleep(PATIENCE_SECONDS)
        while is_held and self.head == known:
            gevent.sleep(GAP_SECONDS / 10)
        updates = [self._encoded(seq) for seq in self._told(visitor, range(known + 1, self.head + 1))]
        body = join_batch(updates) if updates else b""
        status = f"200 OK\r\nContent-Length: {len(body)}" if updates else "204 No Content"
        stream.sendall(f"HTTP/1.1 {status}\r\n{CURSOR_HEADER}: {EPOCH}-{self.head}\r\n\r\n".encode() + body)
        if lie.closes_after and len(self.requests[visitor]) == lie.closes_after:
            self._cut.append(visitor)
            raise ConnectionResetError

    def _push(self, stream: socket.socket, headers: dict[str, str], visitor: int, known: int) -> None:
        stream.sendall(self._head(headers, f"{EPOCH}-{known}"))
        lie, pushed = self._lie_to(visitor), 0
        reader = gevent.spawn(self._until_gone, stream)
        while not reader.ready():
            if lie.silent_after and len(self.sent[visitor]) >= lie.silent_after:
                reader.join()
            for seq in self._told(visitor, range(known + 1, self.head + 1)):
                stream.sendall(self._message(self._encoded(seq)))
                pushed += 1
                if lie.closes_after and len(self.requests[visitor]) == 1 and pushed == lie.closes_after:
                    reader.kill()
                    self._cut.append(visitor)
                    raise ConnectionResetError
            known = self.head
            gevent.sleep(GAP_SECONDS / 10)
        raise ConnectionResetError

    def _until_gone(self, stream: socket.socket) -> None:
        """Read until the visitor has gone; a WebSocket's close frame is answered."""
        frames = FrameReader(masked=True, max_message_bytes=200)
        with contextlib.suppress(OSError):
            while data := stream.recv(65_536):
                if any(message.opcode is Opcode.CLOSE for message in frames.feed(data)):
                    self.goodbyes += 1
                    stream.sendall(encode_close(CloseCode.NORMAL))
                    stream.shutdown(socket.SHUT_WR)

    def _told(self, visitor: int, seqs: range) -> Iterator[int]:
        """Yield what a visitor is sent of some updates, and note it."""
        lie, sent = self._lie_to(visitor), self.sent[visitor]
        first = sent[0] if sent else seqs.start
        for seq in seqs:
            place = seq - first + 1
            if place != lie.drops:
                sent.append(seq)
                yield seq
            if place == lie.repeats:
                yield seq

    def _encoded(self, seq: int) -> bytes:
        return encode_update(Update(EPOCH, seq, self.made_ns[seq - 1], "x" * 20))

    def _head(self, headers: dict[str, str], cursor: str) -> bytes:
        if self._transport.name != "websocket":
            lines = ["HTTP/1.1 200 OK", f"Content-Type: {headers['Accept']}", "Transfer-Encoding: chunked"]
        else:
            key = headers["Sec-WebSocket-Key"].encode() + HANDSHAKE_GUID
            accept = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()
            lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
            lines.append(f"Sec-WebSocket-Accept: {accept}")
        return "\r\n".join([*lines, f"{CURSOR_HEADER}: {cursor}", "", ""]).encode()

    def _message(self, encoded: bytes) -> bytes:
        if self._transport.name == "websocket":
            return encode_frame(Opcode.TEXT, encoded)
        line = encoded + b"\n" if self._transport.name == "stream" else b"data: " + encoded + b"\n\n"
        return b"%x\r\n%b\r\n" % (len(line), line)


class VisitSwarm:
    """The load of some visitors, evenly spread over a window that begins now."""

    def __init__(self, server: LyingServer, transport: str, population: Population, seconds: float) -> None:
        user = getattr(import_module(f"loadtests.{transport}"), TRANSPORTS[transport].user_class)
        options = {"interval_seconds": 0.05} if transport == "polling" else {}
        order = LoadOrder(transport=transport, options=options, url=server.url, population=population)
        given = {"contestant": msgspec.json.encode(order).decode()}
        self.environment = Environment(user_classes=[user])
        self.load = LOADS[self.environment] = Load(self.environment, read_options(given))
        self.account = self.load.account_of(TRANSPORTS[transport])
        self.runner = self.environment.create_local_runner()
        self.runner.start(1, spawn_rate=1)
        self.window = Window(now_ns(), now_ns() + to_ns(seconds))
        self.load.set_window(self.window)

    def finish(self, until_received: int = 0) -> AccountRecord:
        """Wait until all visitors have gone, or have received that number of updates, and return the account."""
        is_over = False
        with gevent.Timeout(PATIENCE_SECONDS):
            while not (is_over and not self.load.visits.now):
                if until_received and self.account.totals.received >= until_received:
                    break
                is_over = time.time_ns() >= self.window.to_ns
                gevent.sleep(0.005)  # after the end as well: on a busy machine the last visitors come in this pause
        return self.load.finish()

    def failures(self) -> list[str]:
        return [f"{error.method} {error.name}: {error.error}" for error in self.environment.stats.errors.values()]

    def close(self) -> None:
        self.runner.quit()
        self.load.stop()
        del LOADS[self.environment]
