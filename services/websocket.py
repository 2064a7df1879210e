"""WebSocket: each update is sent once, as one text frame, to every client that is connected."""

import asyncio
import base64
import binascii
import hashlib
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services import heads
from services.batching import Batcher, array_frame
from services.channel import Channel
from services.deflate import FANOUTS, DeflateFanout, DeflateSettings
from services.fanout import Fanout
from services.host import Port
from services.incoming import Incoming
from services.push import PushedClient
from services.transport import ServerOptions, TransportService, cursor_of, parameters_of
from wirerace.errors import BadInput
from wirerace.observe.metrics import ServiceMetrics
from wirerace.transports.websocket import TRANSPORT, Deflate
from wirerace.wire.deflate import LEAST_MEMORY_LEVEL, LEAST_WINDOW_BITS, MOST_MEMORY_LEVEL, MOST_WINDOW_BITS
from wirerace.wire.frames import CloseCode, Opcode, encode_close, encode_frame
from wirerace.wire.negotiation import EXTENSIONS_HEADER, Agreement
from wirerace.wire.update import CURSOR_HEADER, Cursor, Update

HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
OTHER_VERSION_HEADERS = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
SLOW_READER = encode_close(CloseCode.POLICY, "you read too slowly; resume from your cursor")
PING = encode_frame(Opcode.PING, b"")
NO_PONG = encode_close(CloseCode.POLICY, "two pings were not answered")
GOING_AWAY = encode_close(CloseCode.GOING_AWAY, "the server stops")


class WebSocketServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of the WebSocket server."""

    port: Port = TRANSPORT.port
    max_message_bytes: Annotated[int, Meta(ge=125, description="largest message that a client may send")] = 65_536
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
        heads.refuse_foreign(request, self.allowed_origins)
        after = cursor_of(parameters_of(request))
        accept = accept_of(request)
        if request.headers.get("Sec-WebSocket-Version") != "13":
            return self.refuse(
                request, HTTPStatus.UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13", OTHER_VERSION_HEADERS
            )
        audience = self._audiences[channel]
        agreement, answer = agreed_with(request, audience.deflated)
        fanout = audience.plain if agreement is None else audience.to_all
        client, recent = PushedClient(request, fanout, self.metrics), channel.recent
        # The cursor of the 101 claims no more than the client has: the link may break before the next frame.
        is_newest = after is None or recent.position(after) == recent.head
        with client.welcome(switching(accept, recent.cursor if is_newest else after, answer)):
            if agreement is not None and audience.deflated is not None:
                audience.deflated.add(client.subscriber, agreement)
            self._take_frames(client, fanout, agreement)
            await client.subscribe(recent, await channel.reach(after))
            return await client.until_lost()

    def _take_frames(self, client: PushedClient, fanout: Fanout, agreement: Agreement | None) -> None:
        """Read frames from now on, instead of requests."""
        connection = client.connection
        connection.keep_alive(False)
        incoming = Incoming(client.subscriber, fanout, self.metrics, self.options.max_message_bytes, agreement)
        connection.set_parser(incoming)  # type: ignore[arg-type]  # aiohttp's annotation names its own reader, and it calls nothing that this one lacks
        connection.leave_counting()
        connection.end_if_message_is_late = incoming.end_if_late
        incoming.counts = True  # Bytes that came with the handshake, and were read just now, are counted already.

    async def work(self) -> None:
        """Follow the feed, and ping."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().work())
            if self.options.ping_interval_seconds:
                tasks.create_task(self._ping_forever(self.options.ping_interval_seconds))

    async def _ping_forever(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            for audience in self._audiences.values():
                for fanout in audience.fanouts:
                    fanout.ping(PING, NO_PONG)

    def end(self) -> None:
        """Close every client's connection with 1001."""
        super().end()
        for audience in self._audiences.values():
            audience.end()


SERVICE = WebSocket


def agreed_with(request: web.BaseRequest, deflated: DeflateFanout | None) -> tuple[Agreement | None, str]:
    """Return what is agreed on with a client, and the answer to its offers, which is empty without an agreement.

    Raises BadInput when its header is malformed and compression is on.
    """
    if deflated is None:
        return None, ""
    return deflated.agreed(",".join(request.headers.getall(EXTENSIONS_HEADER, ()))) or (None, "")


def switching(accept: str, cursor: Cursor | None, extensions: str = "") -> bytes:
    """Return the answer to a handshake."""
    agreed = f"{EXTENSIONS_HEADER}: {extensions}\r\n" if extensions else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{agreed}{CURSOR_HEADER}: {cursor}\r\n\r\n"
    ).encode("latin-1")


def accept_of(request: web.BaseRequest) -> str:
    """Return the Sec-WebSocket-Accept of a handshake (RFC 6455, section 4.2).

    Raises BadInput when the request is not a handshake.
    """
    headers = request.headers
    upgrades = request.version >= (1, 1) and "websocket" in heads.tokens_of(headers, "Upgrade")
    if not upgrades or "upgrade" not in heads.tokens_of(headers, "Connection"):
        raise BadInput("this path speaks WebSocket: send Upgrade: websocket and Connection: Upgrade")
    key = headers.get("Sec-WebSocket-Key", "").encode(errors="surrogateescape")
    try:
        nonce = base64.b64decode(key, validate=True)
    except binascii.Error:
        nonce = b""
    if len(nonce) != 16:
        raise BadInput("Sec-WebSocket-Key must be 16 bytes in base64")
    return base64.b64encode(hashlib.sha1(key + HANDSHAKE_GUID, usedforsecurity=False).digest()).decode()
