"""WebSocket: each update is sent once, as one text frame, to every client that is connected."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.batching import Batcher, array_frame
from services.deflate import FANOUTS, DeflateFanout, DeflateSettings
from services.echo import ECHO_PATH, Echo
from services.fanout import Fanout
from services.handshake import accept_of, switching
from services.host import Port
from services.incoming import Dropping
from services.push import PushedClient
from services.transport import ServerOptions, TransportService, cursor_of, parameters_of
from wirerace.observe.metrics import EchoMetrics, ServiceMetrics
from wirerace.transports.websocket import TRANSPORT, Deflate
from wirerace.wire.deflate import LEAST_MEMORY_LEVEL, LEAST_WINDOW_BITS, MOST_MEMORY_LEVEL, MOST_WINDOW_BITS
from wirerace.wire.frames import CloseCode, Opcode, encode_close, encode_frame
from wirerace.wire.negotiation import EXTENSIONS_HEADER, Agreement
from wirerace.wire.update import CURSOR_HEADER, Update

SLOW_READER = encode_close(CloseCode.POLICY, "you read too slowly; resume from your cursor")
PING = encode_frame(Opcode.PING, b"")
NO_PONG = encode_close(CloseCode.POLICY, "two pings were not answered")
GOING_AWAY = encode_close(CloseCode.GOING_AWAY, "the server stops")


class WebSocketServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of the WebSocket server."""

    port: Port = TRANSPORT.port
    max_message_bytes: Annotated[int, Meta(ge=125, description="largest message that a client may send on /ws")] = (
        65_536
    )
    max_echo_bytes: Annotated[int, Meta(ge=125, description="largest message that /echo returns")] = 1_048_576
    ping_interval_seconds: Annotated[float, Meta(ge=0, description="time between two pings; 0 for none")] = 0.0
    batch_seconds: Annotated[
        float, Meta(ge=0, le=60, description="updates of this time are sent as one frame; 0: one frame each")
    ] = 0.0
    deflate: Annotated[
        Deflate, Meta(description="compression: off, shared (once for all) or per-client (one each)")
    ] = "off"
    deflate_window_bits: Annotated[
        int,
        Meta(
            ge=LEAST_WINDOW_BITS,
            le=MOST_WINDOW_BITS,
            description="a compressor finds repetitions over 2 to the power of this",
        ),
    ] = 12
    deflate_memory_level: Annotated[
        int,
        Meta(
            ge=LEAST_MEMORY_LEVEL,
            le=MOST_MEMORY_LEVEL,
            description="memory of a compressor beside its window: 512 bytes × 2^level",
        ),
    ] = 5


class WebSocket(TransportService):
    """The WebSocket server."""

    name = TRANSPORT.name
    options_type = WebSocketServerOptions
    options: WebSocketServerOptions

    def __init__(self, options: WebSocketServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)
        counts = EchoMetrics(self.registry).counts
        self._echo = Echo(counts, self.allowed_origins, options.max_echo_bytes, options.high_water_bytes)
        self.routes[ECHO_PATH] = {"GET": self._echo.answer}
        self._deflated = deflated_of(options, self.metrics)
        self._fanout = self._to_all = Fanout(self.metrics, options.high_water_bytes, SLOW_READER)
        self._pack: Callable[[bytes], bytes] = array_frame if options.batch_seconds else text_frame
        if self._deflated is not None:
            self._fanout, self._to_all = self._deflated.plain, self._deflated
            self._pack = self._deflated.packing(self._pack)
        self._batcher = Batcher(self._to_all, options.batch_seconds) if options.batch_seconds else None
        if self._deflated is not None:
            self.feed.listen(self._deflated.listener(self._batcher))
        else:
            self.feed.listen(self._batcher.add if self._batcher is not None else self._fanout.deliver)

    def pack(self, encoded: bytes, update: Update) -> bytes:  # noqa: ARG002 -- as its base
        """Return the update as a text frame; with batches it is an array of one."""
        return self._pack(encoded)

    async def deliver(self, request: web.BaseRequest) -> web.StreamResponse:
        """Shake hands, then send each update until the client leaves."""
        accept = accept_of(request, self.allowed_origins)
        after = cursor_of(parameters_of(request))
        agreement, answer = self._agreed(request)
        fanout = self._fanout if agreement is None else self._to_all
        client, recent = PushedClient(request, fanout, self.metrics), self.feed.recent
        # The cursor of the 101 claims no more than the client has: the link may break before the next frame.
        is_newest = after is None or recent.position(after) == recent.head
        cursor = recent.cursor if is_newest else after
        with client.welcome(switching(accept, f"{answer}{CURSOR_HEADER}: {cursor}\r\n")):
            if agreement is not None and self._deflated is not None:
                self._deflated.add(client.subscriber, agreement)
            Dropping(client, self.options.max_message_bytes, agreement).take_over()
            await client.subscribe(recent, await self.feed.reach(after))
            return await client.until_lost()

    def _agreed(self, request: web.BaseRequest) -> tuple[Agreement | None, str]:
        """Return what is agreed on with a client, and the header that answers its offers: none without an agreement.

        Raises BadInput when its header is malformed and compression is on.
        """
        if self._deflated is None:
            return None, ""
        found = self._deflated.agreed(",".join(request.headers.getall(EXTENSIONS_HEADER, ())))
        return (None, "") if found is None else (found[0], f"{EXTENSIONS_HEADER}: {found[1]}\r\n")

    async def work(self) -> None:
        """Follow the feed, and ping."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().work())
            if self.options.ping_interval_seconds:
                tasks.create_task(self._ping_forever(self.options.ping_interval_seconds))

    async def _ping_forever(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            for fanout in {self._fanout, self._to_all}:
                fanout.ping(PING, NO_PONG)

    def end(self) -> None:
        """Close every client's connection with 1001."""
        super().end()
        if self._batcher is not None:
            self._batcher.flush()
        for fanout in {self._fanout, self._to_all}:
            fanout.end(GOING_AWAY)
        self._echo.end(GOING_AWAY)


SERVICE = WebSocket


def text_frame(encoded: bytes) -> bytes:
    """Return an encoded update as a frame of its own."""
    return encode_frame(Opcode.TEXT, encoded)


def deflated_of(options: WebSocketServerOptions, metrics: ServiceMetrics) -> DeflateFanout | None:
    """Return the fan-out of clients with compression, None when it is off."""
    if options.deflate == "off":
        return None
    bits, level = options.deflate_window_bits, options.deflate_memory_level
    return FANOUTS[options.deflate](metrics, DeflateSettings(bits, level, options.high_water_bytes, SLOW_READER))
