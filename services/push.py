"""Push: a client asks once, and every update is sent to it until its connection is lost."""

import asyncio
from email.utils import formatdate
from typing import Annotated, ClassVar, Self

from aiohttp import web
from msgspec import Meta

from services import heads
from services.answers import Encoded
from services.channel import Channel
from services.connection import ServerConnection
from services.fanout import Fanout, Subscriber
from services.parameters import latest_only_of, parameters_of, start_of
from services.pushed import PushedConnection, PushedConnections, Reader
from services.recent import Recent
from services.transport import ServerOptions, TransportService
from services.unchunked import UnchunkedFanout
from services.upkeep import send_as_upkeep
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import CURSOR_HEADER, Cursor

LAST_CHUNK = b"0\r\n\r\n"


class PushedClient:
    """One client of a fan-out: its connection, and its subscriber, which the fan-out writes to."""

    __slots__ = ("_is_left", "_latest_only", "_request", "connection", "fanout", "metrics", "reader", "subscriber")

    def __init__(self, request: web.BaseRequest, fanout: Fanout, metrics: ServiceMetrics) -> None:
        """Take the client of a request; with deliver=latest it gets the newest update only while it is behind.

        Raises ConnectionResetError when the client has gone, BadInput when `deliver` is malformed.
        """
        self._latest_only = latest_only_of(parameters_of(request))
        connection, transport = request.protocol, request.transport
        if transport is None or not isinstance(connection, ServerConnection) or connection.has_ended:
            raise ConnectionResetError("the client has gone")
        self.connection = connection
        self.subscriber = Subscriber(transport, metrics)
        self._request = request
        self._is_left = False
        self.reader: Reader | None = None  # of what the client sends
        self.fanout = fanout
        self.metrics = metrics

    def welcome(self, head: bytes) -> Self:
        """Write the head of an answer that has no end. As a context manager, it sends nothing more after the block.

        The client gets no update before `subscribe`. If the fan-out ends before that, it gets the farewell.
        """
        self.connection.join(self.metrics)
        self.connection.push()
        self.subscriber.write(head)
        self.fanout.welcome(self.subscriber)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if not self._is_left:
            self.fanout.discard(self.subscriber)

    async def subscribe(self, recent: Recent, position: int) -> None:
        """Send what came after `position`, and from then on every update."""
        subscribe = self.fanout.subscribe_to_latest if self._latest_only else self.fanout.subscribe
        await subscribe(self.subscriber, recent, position, self._request.writer.drain)

    def leave_to(self, connections: PushedConnections) -> Encoded:
        """Leave the client to the fan-out, and its connection to one that keeps nothing of aiohttp, or of a request.

        Return what to answer to aiohttp.
        """
        connection = PushedConnection(connections, self.fanout, self.subscriber, self.metrics, self.reader)
        self._is_left = self.connection.hand_over(connection)
        if not self._is_left:
            connections.discard(connection)
        return Encoded(b"", keep_alive=False)

    @staticmethod
    def until_lost() -> asyncio.Future[Encoded]:
        """Return a future without a result: the loss of the connection cancels the coroutine that waits for it.

        It is no coroutine of its own, because each client would keep one.
        """
        return asyncio.get_running_loop().create_future()


class ChunkedServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of servers whose answer is chunked and has no end."""

    heartbeat_seconds: Annotated[
        float,
        Meta(ge=0, le=3600, description="time between two heartbeats, which keep a connection open; 0: none"),
    ] = 15.0


class ChunkedService(TransportService):
    """A server whose answer to each client is chunked and has no end: one chunk an update, the same to all clients.

    HTTP/1.0 knows no chunks, so there the answer is the content alone.

    `content_type` is that of the answer, `heartbeat` what keeps a quiet connection open, `farewell` what a client gets
    that reads too slowly.
    """

    options: ChunkedServerOptions
    content_type: ClassVar[str]
    heartbeat: ClassVar[bytes]
    farewell: ClassVar[bytes]

    def __init__(self, options: ChunkedServerOptions, path: str) -> None:
        self._fanouts: dict[Channel, Fanout] = {}
        self._unchunked: dict[Channel, UnchunkedFanout] = {}
        super().__init__(options, path)

    def open(self, channel: Channel) -> None:
        """Make the fan-out of a channel."""
        super().open(channel)
        fanout = Fanout(self.metrics, self.options.high_water_bytes, chunk_of(self.farewell) + LAST_CHUNK)
        self._fanouts[channel] = fanout
        channel.listen(fanout.deliver)

    def _fanout_of(self, request: web.BaseRequest, channel: Channel) -> Fanout:
        """Return the fan-out that a request's client belongs to: HTTP/1.0 has one of its own, as soon as it is used."""
        if request.version >= (1, 1):
            return self._fanouts[channel]
        fanout = self._unchunked.get(channel)
        if fanout is None:
            fanout = UnchunkedFanout(self.metrics, self.options.high_water_bytes, self.farewell)
            self._unchunked[channel] = fanout
            channel.listen(fanout.deliver)
        return fanout

    def beginning(self, cursor: Cursor | None) -> bytes:  # noqa: ARG002 -- some say where the stream begins
        """Return what comes before the first update."""
        return b""

    def resumed_from(self, request: web.BaseRequest, channel: Channel) -> Cursor | None:
        """Return the cursor that a request resumes from, None without one.

        Raises BadInput when it is malformed.
        """
        return start_of(parameters_of(request), channel)

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Send what comes until the client goes."""
        after = self.resumed_from(request, channel)
        heads.refuse_unacceptable(request, self.content_type)
        client = PushedClient(request, self._fanout_of(request, channel), self.metrics)
        recent = channel.recent
        # The cursor of the head claims no more than the client has: the connection may break before the next chunk.
        is_newest = after is None or recent.position(after) == recent.head
        head = self._head(recent.cursor if is_newest else after, request)
        with client.welcome(head):
            await client.subscribe(recent, await channel.reach(after))
            return client.leave_to(self.pushed)

    def _head(self, cursor: Cursor | None, request: web.BaseRequest) -> bytes:
        is_chunked, beginning = request.version >= (1, 1), self.beginning(cursor)
        head = (
            f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: {self.content_type}\r\n"
            f"{CURSOR_HEADER}: {cursor}\r\nCache-Control: no-store\r\n{self.sharing.headers_for(request)}"
            f"{'Transfer-Encoding: chunked' if is_chunked else 'Connection: close'}\r\n\r\n"
        )
        return head.encode("latin-1") + (chunk_of(beginning) if beginning and is_chunked else beginning)

    async def work(self) -> None:
        """Follow the feed, and send heartbeats."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().work())
            if self.options.heartbeat_seconds:
                tasks.create_task(self._beat_forever(self.options.heartbeat_seconds))

    async def _beat_forever(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            await send_as_upkeep(self._beat, self.metrics)

    def _beat(self) -> None:
        heartbeat = chunk_of(self.heartbeat)
        for fanout in self._fanouts.values():
            fanout.send_heartbeat(heartbeat)
        for unchunked in self._unchunked.values():
            unchunked.send_heartbeat(self.heartbeat)

    def end(self) -> None:
        """End every answer in order."""
        super().end()
        for fanout in self._fanouts.values():
            fanout.end(LAST_CHUNK)
        for unchunked in self._unchunked.values():
            unchunked.end(b"")


def chunk_of(data: bytes) -> bytes:
    """Return bytes as one chunk (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def data_in(chunk: bytes) -> bytes:
    """Return what is in a chunk that `chunk_of` has made."""
    return chunk[chunk.index(b"\r\n") + 2 : -2]
