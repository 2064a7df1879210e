"""Echo: each message comes back to its client as it came. What it sends next waits until it has read enough of that."""

import asyncio

from aiohttp import web

from services.fanout import Drain, Fanout
from services.handshake import accept_of, switching
from services.incoming import Incoming
from services.push import PushedClient
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, Message, encode_close, encode_frame

ECHO_PATH = "/echo"
PORTION_BYTES = 4_096
"""What is read of one client before the others have their turn: 682 frames at most."""
SLOW_READER = encode_close(CloseCode.POLICY, "you do not read what comes back")


class Echo:
    """The path /echo. It needs no feed, and `metrics` are its own, because its clients are no clients of a race."""

    def __init__(
        self, metrics: ServiceMetrics, allowed_origins: frozenset[str], max_message_bytes: int, high_water_bytes: int
    ) -> None:
        self._metrics = metrics
        self._allowed_origins = allowed_origins
        self._max_message_bytes = max_message_bytes
        self._clients = Fanout(metrics, high_water_bytes, SLOW_READER)  # to which nothing is fanned out

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Shake hands, then return each message until the client leaves. Offers of extensions are declined."""
        accept = accept_of(request, self._allowed_origins)
        client = PushedClient(request, self._clients, self._metrics)
        with client.welcome(switching(accept)):
            reader = FrameReader(masked=True, max_message_bytes=self._max_message_bytes)
            echoing = Echoing(client, reader)
            echoing.take_over(client)
            await echoing.catch_up(request.writer.drain)
            return await client.until_lost()

    def end(self, farewell: bytes) -> None:
        """Send `farewell` to every client, and nothing after it."""
        self._clients.end(farewell)


class Echoing(Incoming):
    """Returns each message.

    What is kept for a client is bounded: nothing more is read from it while its answers wait for it to read them.
    """

    def __init__(self, client: PushedClient, reader: FrameReader) -> None:
        super().__init__(client, reader)
        self._connection = client.connection
        self._unread = b""
        self._is_behind = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes, the first portion at once."""
        self._unread += data
        if not self._is_behind.is_set():
            self._read_portion()
        return False, b""

    async def catch_up(self, drain: Drain) -> None:
        """Take the other portions, each when the client has read enough, until its last bytes are decided."""
        while self._subscriber.open:
            await self._is_behind.wait()
            await self._fanout.drained(self._subscriber, drain, at_any_pace=True)
            self._read_portion()

    def _read_portion(self) -> None:
        portion, self._unread = self._unread[:PORTION_BYTES], self._unread[PORTION_BYTES:]
        self._read(portion)
        if not self._subscriber.open:
            self._unread = b""
        is_behind = self._subscriber.open and (bool(self._unread) or self._connection.writing_paused)
        if is_behind:
            self._message_began = None  # It waits for us: its time begins again when we read on.
        if is_behind and not self._is_behind.is_set():
            self._is_behind.set()
            self._connection.pause_reading()
        elif self._is_behind.is_set() and not is_behind:
            self._is_behind.clear()
            self._connection.resume_reading()

    def _take_message(self, message: Message) -> None:
        self._metrics.responses["data"] += 1
        self._subscriber.write(encode_frame(message.opcode, message.payload))
