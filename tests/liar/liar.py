"""The lying server: delays, drops, repeats, swaps and withholds updates by plan, and keeps a record of its actions.

`python -m tests.liar.liar PLAN` prints its port, reads the time of its start (Unix nanoseconds), follows the plan,
prints an empty line when it is done, and prints its record when its standard input ends. A client has the number of its
connection.
"""

import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.liar.plan import PAUSE_NS, Plan
from wirerace.clock import NS_PER_SECOND
from wirerace.wire.frames import Opcode, encode_frame
from wirerace.wire.update import CURSOR_HEADER, Update, encode_update, join_batch

EPOCH = "liar"
HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
PAYLOAD = "x" * 40
EXACT_NS = PAUSE_NS // 4
"""A turn that comes later than that is sent with a longer delay: no update may cross an end of the window."""


class Sent(NamedTuple):
    """An update written to the kernel for a client: its making time in the update, and the time before and after."""

    client: int
    seq: int
    ts: int
    before_ns: int
    after_ns: int


class Record(msgspec.Struct):
    """The record of the liar.

    `late_ns` is how late each update's turn came, `answered` has which client was answered when, with updates or
    without, and `forgotten` counts the cursors that were not given back.
    """

    late_ns: list[int] = []
    sent: list[Sent] = []
    answered: list[tuple[int, int]] = []
    clients: int = 0
    forgotten: int = 0


class Client(asyncio.Protocol):
    """One connection of one client; transports differ in what they do with a request and with updates."""

    stream: asyncio.Transport

    def __init__(self, liar: "Liar") -> None:
        self.liar = liar
        self.plan = liar.plan
        self.number = liar.join(self)
        self.turns = liar.plan.story(self.number).turns
        self.turn = 0
        self.made_ns: dict[int, int] = {}
        self.outbox: list[int] = []
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.stream = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for request in requests:
            self.catch_up()
            self.asked(request.decode())

    def asked(self, request: str) -> None:
        """Handle a request of the client."""
        raise NotImplementedError

    def updated(self) -> None:
        """Handle updates that may have become ready."""
        raise NotImplementedError

    def catch_up(self) -> None:
        """Take the turns that are due: their updates can be sent from now on."""
        while self.turn < len(self.turns) and (due_ns := self.liar.due_ns(self.turn + 1)) <= time.time_ns():
            self.turn += 1
            self.made_ns[self.turn] = self.ready_ns(due_ns) - self.plan.delay_ns
            self.outbox += self.turns[self.turn - 1]

    def ready_ns(self, due_ns: int) -> int:
        """Return when an update whose turn has come can be sent: now, so that a pushed update has its delay."""
        return min(time.time_ns(), due_ns + EXACT_NS)

    def flush(self, encode: Callable[[list[bytes]], bytes]) -> None:
        """Write everything in the outbox to the kernel, in one piece."""
        seqs, self.outbox = self.outbox, []
        encoded = encode([encode_update(Update(EPOCH, seq, self.made_ns[seq], PAYLOAD)) for seq in seqs])
        before_ns = time.time_ns()
        self.stream.write(encoded)
        after_ns = time.time_ns()
        assert not self.stream.get_write_buffer_size(), "the kernel did not take it all at once"
        sent = (Sent(self.number, seq, self.made_ns[seq], before_ns, after_ns) for seq in seqs)
        self.liar.record.sent.extend(sent)


class Asking(Client):
    """A client that asks. Its cursor must be the one of its last answer, with any updates in that answer."""

    def __init__(self, liar: "Liar") -> None:
        super().__init__(liar)
        self.query: dict[str, str] = {}
        self.cursor = ""
        self.is_waiting = False

    def asked(self, request: str) -> None:
        query = parse_qs(urlsplit(request.split(" ")[1]).query)
        self.query = {name: values[-1] for name, values in query.items()}
        self.liar.record.forgotten += self.query.get("after", "") != self.cursor
        self.is_waiting = True
        self.updated()

    def answer(self) -> None:
        """Answer with everything in the outbox."""
        self.is_waiting = False
        self.cursor = f"{EPOCH}-{self.turn}"
        self.liar.record.answered.append((self.number, time.time_ns()))
        self.flush(self._response)

    def _response(self, updates: list[bytes]) -> bytes:
        body = join_batch(updates) if updates else b""
        status = f"200 OK\r\nContent-Length: {len(body)}" if updates else "204 No Content"
        return f"HTTP/1.1 {status}\r\n{CURSOR_HEADER}: {self.cursor}\r\n\r\n".encode() + body


class Polling(Asking):
    """Answers at once, except in a stall."""

    def ready_ns(self, due_ns: int) -> int:
        return due_ns  # requests from then on get it, even if the timer came late

    def updated(self) -> None:
        if self.is_waiting and not self.plan.is_stalled(self.turn):
            self.answer()


class LongPolling(Asking):
    """Answers when there is something to send; a request that must not be held, at once."""

    def updated(self) -> None:
        if self.is_waiting and (self.outbox or self.query["hold"] == "0"):
            self.answer()


class WebSocket(Client):
    """Sends all frames of one turn in one piece."""

    def asked(self, request: str) -> None:
        headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:])
        digest = hashlib.sha1(headers["Sec-WebSocket-Key"].encode() + HANDSHAKE_GUID, usedforsecurity=False).digest()
        lines = (
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", f"{CURSOR_HEADER}: {EPOCH}-{self.turn}",
        )  # fmt: skip
        self.stream.write("\r\n".join([*lines, "", ""]).encode())

    def updated(self) -> None:
        if self.outbox:
            self.flush(lambda updates: b"".join(encode_frame(Opcode.TEXT, update) for update in updates))


class Streaming(Client):
    """Sends all chunks of one turn in one piece."""

    content_type = "application/x-ndjson"

    def asked(self, request: str) -> None:
        assert f"Accept: {self.content_type}" in request
        lines = (
            "HTTP/1.1 200 OK", f"Content-Type: {self.content_type}", "Transfer-Encoding: chunked",
            f"{CURSOR_HEADER}: {EPOCH}-{self.turn}",
        )  # fmt: skip
        self.stream.write("\r\n".join([*lines, "", ""]).encode())

    def updated(self) -> None:
        if self.outbox:
            self.flush(lambda updates: b"".join(self.chunk_of(update) for update in updates))

    def chunk_of(self, update: bytes) -> bytes:
        return b"%x\r\n%b\n\r\n" % (len(update) + 1, update)


class EventStream(Streaming):
    """The same, as events."""

    content_type = "text/event-stream"

    def chunk_of(self, update: bytes) -> bytes:
        return b"%x\r\ndata: %b\n\n\r\n" % (len(update) + 8, update)


CLIENTS = {
    "polling": Polling,
    "longpolling": LongPolling,
    "websocket": WebSocket,
    "sse": EventStream,
    "stream": Streaming,
}


class Liar:
    """Listens, and gives every update its turn."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.record = Record()
        self._clients: list[Client] = []
        self._start_ns = 2**62

    def join(self, client: Client) -> int:
        """Note a new client and return its number."""
        self._clients.append(client)
        self.record.clients += 1
        return self.record.clients - 1

    def due_ns(self, seq: int) -> int:
        """Return when an update has its turn."""
        return self._start_ns + self.plan.due_ns(seq)

    async def serve(self) -> None:
        """Serve from here to the end."""
        client = CLIENTS[self.plan.transport]
        server = await asyncio.get_running_loop().create_server(lambda: client(self), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- its parent reads it
        if start := await asyncio.to_thread(sys.stdin.readline):
            self._start_ns = int(start)
            await self._give_turns()
            print(flush=True)  # noqa: T201 -- the same
        await asyncio.to_thread(sys.stdin.read)
        sys.stdout.buffer.write(msgspec.json.encode(self.record))

    async def _give_turns(self) -> None:
        for seq in self.plan.seqs:
            while (left_ns := self.due_ns(seq) - time.time_ns()) > 0:  # noqa: ASYNC110 -- the clock sends no event
                await asyncio.sleep(left_ns / NS_PER_SECOND)
            self.record.late_ns.append(-left_ns)
            for client in self._clients:
                client.catch_up()
                client.updated()


if __name__ == "__main__":
    asyncio.run(Liar(msgspec.json.decode(sys.argv[1], type=Plan)).serve())
