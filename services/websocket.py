"""WebSocket: each update is sent once, as one text frame, to every client that is connected."""

import asyncio
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.batching import Batcher, array_frame
from services.channel import Channel
from services.deflate import FANOUTS, DeflateFanout, DeflateSettings
from services.echo import ECHO_PATH, Echo
from services.fanout import Fanout
from services.handshake import accept_of, switching
from services.host import Port
from services.incoming import Destination, Receiving
from services.parameters import fan_out_of, parameters_of, start_of
from services.push import PushedClient
from services.transport import ServerOptions, TransportService
from services.upkeep import send_as_upkeep
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
    max_echo_bytes: Annotated[int, Meta(ge=125, description="largest message that /echo returns")] = 1_048_576
    ping_interval_seconds: Annotated[float, Meta(ge=0, description="time between two pings; 0 for none")] = 0.0
    batch_seconds: Annotated[
        float, Meta(ge=0, le=60, description="time over which updates are collected for one frame; 0: a frame each")
    ] = 0.0
    deflate: Annotated[Deflate, Meta(description="compression: off, shared (once for all clients) or per-client")] = (
        "off"
    )
    deflate_window_bits: Annotated[
        int,
        Meta(
            ge=LEAST_WINDOW_BITS,
            le=MOST_WINDOW_BITS,
            description="window of a compressor: 2 to the power of this, in bytes",
        ),
    ] = 12
    deflate_memory_level: Annotated[
        int,
        Meta(
            ge=LEAST_MEMORY_LEVEL,
            le=MOST_MEMORY_LEVEL,
            description="memory besides the window: 512 bytes × 2 to the power of this",
        ),
    ] = 5


class Audience:
    """The clients of one channel.

    `plain` is the fan-out of those without compression. `to_all` is that of those with it, and reaches the others, too.
    Without compression they are the same.
    """

    def __init__(
        self, channel: Channel, options: WebSocketServerOptions, metrics: ServiceMetrics, settings: DeflateSettings
    ) -> None:
        self.deflated = None if options.deflate == "off" else FANOUTS[options.deflate](metrics, settings)
        self.to_all = self.deflated or Fanout(metrics, options.high_water_bytes, SLOW_READER)
        self.plain = self.to_all if self.deflated is None else self.deflated.plain
        self.fanouts = {self.plain, self.to_all}
        self._batcher = Batcher(self.to_all, options.batch_seconds) if options.batch_seconds else None
        if self.deflated is not None:
            channel.listen(self.deflated.listener(self._batcher))
        else:
            channel.listen(self._batcher.add if self._batcher is not None else self.plain.deliver)

    def end(self) -> None:
        """Send what was collected, and close every client's connection with 1001."""
        if self._batcher is not None:
            self._batcher.flush()
        for fanout in self.fanouts:
            fanout.end(GOING_AWAY)


class WebSocket(TransportService):
    """The WebSocket server."""

    name = TRANSPORT.name
    options_type = WebSocketServerOptions
    options: WebSocketServerOptions

    def __init__(self, options: WebSocketServerOptions) -> None:
        bits, level = options.deflate_window_bits, options.deflate_memory_level
        self._settings = DeflateSettings(bits, level, options.high_water_bytes, SLOW_READER)
        self._audiences: dict[Channel, Audience] = {}
        super().__init__(options, TRANSPORT.path)
        counts = EchoMetrics(self.registry).counts
        self._echo = Echo(counts, self.allowed_origins, options.max_echo_bytes, options.high_water_bytes)
        self.routes[ECHO_PATH] = {"GET": self._echo.answer}

    def open(self, channel: Channel) -> None:
        """Make the fan-outs of a channel."""
        super().open(channel)
        self._audiences[channel] = Audience(channel, self.options, self.metrics, self._settings)

    def pack(self, encoded: bytes, update: Update) -> bytes:  # noqa: ARG002 -- as its base
        """Return the update as a text frame; with batches it is an array of one."""
        frame = array_frame(encoded) if self.options.batch_seconds else encode_frame(Opcode.TEXT, encoded)
        return self._settings.deflater.frame(frame) if self.options.deflate == "shared" else frame

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Shake hands, then send each update until the client leaves."""
        accept = accept_of(request, self.allowed_origins)
        parameters = parameters_of(request)
        after, fan_out = start_of(parameters, channel), fan_out_of(parameters)
        audience = self._audiences[channel]
        agreement, answer = agreed_with(request, audience.deflated)
        fanout = audience.plain if agreement is None else audience.to_all
        client, recent = PushedClient(request, fanout, self.metrics), channel.recent
        # The cursor of the 101 claims no more than the client has: the link may break before the next frame.
        is_newest = after is None or recent.position(after) == recent.head
        cursor = recent.cursor if is_newest else after
        with client.welcome(switching(accept, f"{answer}{CURSOR_HEADER}: {cursor}\r\n")):
            if agreement is not None and audience.deflated is not None:
                audience.deflated.add(client.subscriber, agreement)
            destination = Destination(self.inbox, channel.name, fan_out)
            Receiving(client, self.options.max_message_bytes, agreement, destination).take_over(client)
            await client.subscribe(recent, await channel.reach(after))
            return client.leave_to(self.pushed)

    async def work(self) -> None:
        """Follow the feed, and ping."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().work())
            if self.options.ping_interval_seconds:
                tasks.create_task(self._ping_forever(self.options.ping_interval_seconds))

    async def _ping_forever(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            await send_as_upkeep(self._ping, self.metrics)

    def _ping(self) -> None:
        for audience in self._audiences.values():
            for fanout in audience.fanouts:
                fanout.ping(PING, NO_PONG)

    def end(self) -> None:
        """Close every client's connection with 1001."""
        super().end()
        for audience in self._audiences.values():
            audience.end()
        self._echo.end(GOING_AWAY)


SERVICE = WebSocket


def agreed_with(request: web.BaseRequest, deflated: DeflateFanout | None) -> tuple[Agreement | None, str]:
    """Return what is agreed on with a client, and the header that answers its offers, empty without an agreement.

    Raises BadInput when its header is malformed and compression is on.
    """
    if deflated is None:
        return None, ""
    found = deflated.agreed(",".join(request.headers.getall(EXTENSIONS_HEADER, ())))
    return (None, "") if found is None else (found[0], f"{EXTENSIONS_HEADER}: {found[1]}\r\n")
