"""A producer for checks: it speaks the feed's contract, and makes, drops, cuts and falls silent when it is asked to."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from wirerace.addresses import spelled
from wirerace.checking.http import HEAD_END
from wirerace.errors import BadCursor, BadInput
from wirerace.wire.message import Passed
from wirerace.wire.update import CURSOR_HEADER, Cursor, Update, encode_update

HEARTBEAT_SECONDS = 1.0
HEARTBEAT = b"1\r\n\n\r\n"
LOOK_SECONDS = 0.01


class FeedRequest(NamedTuple):
    """A request of the server under test."""

    method: str
    path: str
    after: str
    body: bytes


class OwnFeed:
    """The producer that the server under test follows. `asked` has the cursor of each request for the feed."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heads: dict[str, int] = {}
        self.epoch = secrets.token_hex(3)
        self._number = 0
        self._first_kept = 1
        self._kept: list[bytes] = []
        self._keys: set[tuple[str, int]] = set()
        self._followers: set[asyncio.StreamWriter] = set()
        self._peers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._is_cut = self._is_mute = False
        self._server: asyncio.Server | None = None
        self._beating: asyncio.Task[None] | None = None
        self._host = ""

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises BadInput when the port is taken."""
        try:
            self._server = await asyncio.start_server(self._connected, host, port)
        except OSError as error:
            raise BadInput(
                f"our feed cannot listen on {spelled(host, port)}: {error.strerror or error}; name another --feed-port"
            ) from None
        self._host = host
        self._beating = asyncio.create_task(self._beat())

    @property
    def url(self) -> str:
        """Where the server under test finds it."""
        assert self._server is not None  # noqa: S101 -- it has been started
        host = self._host if self._host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 -- a comparison
        return f"http://{spelled(host, self._server.sockets[0].getsockname()[1])}"

    @property
    def is_followed(self) -> bool:
        """Whether a server has the feed now."""
        return any(not writer.transport.is_closing() for writer in self._followers)

    @property
    def cursor(self) -> Cursor:
        """The newest place in the feed."""
        return Cursor(self.epoch, self._number)

    def at(self, seq: int) -> str:
        """Return a cursor of the epoch."""
        return f"{self.epoch}-{seq}"

    @property
    def head(self) -> int:
        """The newest number of the default channel."""
        return self.heads.get("", 0)

    async def until_followed(self, seconds: float) -> bool:
        """Wait until a server follows; return whether one does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_followed:  # noqa: ASYNC110 -- followers come and go
                    await asyncio.sleep(LOOK_SECONDS)
        return self.is_followed

    async def until_asked(self, times: int, seconds: float) -> bool:
        """Wait until the feed was asked for that often in all; return whether it was."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.asked) < times:  # noqa: ASYNC110 -- the same
                    await asyncio.sleep(LOOK_SECONDS)
        return len(self.asked) >= times

    def make(self, *datas: str, channel: str = "") -> list[Update]:
        """Make an update of each payload, and send them at once."""
        return self._made([(channel, data, "", 0, 0) for data in datas])

    def _made(self, wanted: Iterable[tuple[str, str, str, int, int]]) -> list[Update]:
        updates = []
        for channel, data, client, n, sent in wanted:
            seq = self.heads[channel] = self.heads.get(channel, 0) + 1
            updates.append(Update(self.epoch, seq, time.time_ns(), data, channel, client, n, sent))
        lines = []
        for update in updates:
            self._number += 1
            line = encode_update(update) + b"\n"
            lines.append(_chunk(line if self._number == update.seq else b"%d %b" % (self._number, line)))
        self._kept += lines
        self._send(b"".join(lines))
        return updates

    def send_line(self, line: bytes) -> None:
        """Send a line that no producer would make."""
        self._send(_chunk(line + b"\n"))

    def begin_epoch(self, first: int = 1) -> None:
        """Be another producer, which has dropped all updates before the `first`."""
        self.epoch = secrets.token_hex(3)
        self.heads = {"": first - 1} if first > 1 else {}
        self._number, self._first_kept, self._kept = first - 1, first, []
        self._hang_up()

    def cut(self) -> None:
        """Break the connections, and refuse new ones."""
        self._is_cut = True
        self._hang_up()

    def mute(self) -> None:
        """Send nothing more, but keep connections open and take new ones."""
        self._is_mute = True

    def mend(self) -> None:
        """Be a feed again. What was mute is hung up, because it lacks updates."""
        if self._is_mute:
            self._hang_up()
        self._is_cut = self._is_mute = False

    async def close(self) -> None:
        """End."""
        self.cut()
        if self._beating is not None:
            self._beating.cancel()
        if self._server is not None:
            self._server.close()
        if serving := [task for task in self._peers.values() if task is not None]:
            await asyncio.wait(serving, timeout=HEARTBEAT_SECONDS)

    def _hang_up(self) -> None:
        for writer in self._peers:
            writer.transport.abort()

    def _send(self, data: bytes) -> None:
        if not self._is_mute:
            for writer in self._followers:
                writer.write(data)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._send(HEARTBEAT)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        self._peers[writer] = asyncio.current_task()
        try:
            while asked := await _request_in(reader):
                self._answer(asked, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the server has gone, or sends something that is no request
        except asyncio.CancelledError:
            pass  # the command was stopped, and nobody waits for this task
        finally:
            self._peers.pop(writer, None)
            self._followers.discard(writer)
            writer.transport.abort()

    def _answer(self, asked: FeedRequest, writer: asyncio.StreamWriter) -> None:
        match asked.method, asked.path:
            case "GET", "/feed":
                self.asked.append(asked.after)
                if not self._is_mute:
                    writer.write(self._feed_after(asked.after))
                    self._followers.add(writer)
            case "GET", "/health":
                writer.write(_json(b'{"service":"producer","live":true}', self.cursor))
            case "GET", "/schedule":
                writer.write(_json(b"null", self.cursor))
            case "POST", "/messages" if not self._is_mute:
                writer.write(_json(msgspec.json.encode(self._take(asked.body)), self.cursor))
            case _ if not self._is_mute:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _feed_after(self, after: str) -> bytes:
        """Return the head of the feed and what lies behind a cursor."""
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Cache-Control: no-store\r\n%b: %b\r\n\r\n" % (CURSOR_HEADER.encode(), str(self.cursor).encode())
        )
        named = self.heads if self.heads.keys() - {""} else None
        heads = _chunk(msgspec.json.encode({"heads": named}) + b"\n") if named else b""
        if not after:
            return head + heads
        try:
            cursor = Cursor.parse(after)
        except BadCursor:
            cursor = Cursor("0", 0)
        skipped = max(cursor.seq - self._first_kept + 1, 0) if cursor.epoch == self.epoch else 0
        return head + heads + b"".join(self._kept[skipped:])

    def _take(self, body: bytes) -> list[bool]:
        """Make updates of the messages that a server passes on; one that is known is not made again."""
        messages = msgspec.json.decode(body, type=list[Passed])
        for message in messages:
            if (message.client, message.n) not in self._keys and (not message.channel or message.channel in self.heads):
                self._keys.add((message.client, message.n))
                self._made([(message.channel, message.data, message.client, message.n, message.ts)])
        return [(message.client, message.n) in self._keys for message in messages]


async def _request_in(reader: asyncio.StreamReader) -> FeedRequest | None:
    """Return the next request, None when there is none."""
    try:
        head = await reader.readuntil(HEAD_END)
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    parts = urlsplit(target)
    return FeedRequest(method, parts.path, parse_qs(parts.query).get("after", [""])[-1], body)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(body: bytes, cursor: Cursor) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b: %b\r\n\r\n"
        % (len(body), CURSOR_HEADER.encode(), str(cursor).encode())
    ) + body
