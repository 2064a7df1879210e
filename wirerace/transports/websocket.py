"""WebSocket: each client connects once, and every update is pushed to it."""

from typing import Annotated, Literal

from msgspec import Meta

from wirerace.transports.transport import AT_BOTH, AT_SERVER, Transport, TransportOptions

Deflate = Literal["off", "shared", "per-client"]
"""How updates are compressed: not at all, once for all clients, or by a compressor of each client."""


class WebSocketOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """WebSocket: a client connects once and receives."""

    ping_interval_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time between two pings of the server; 0 for none", extra=AT_SERVER)
    ] = 0.0
    batch_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="time over which updates are collected for one frame; 0: a frame each",
            extra=AT_SERVER,
        ),
    ] = 0.0
    deflate: Annotated[
        Deflate, Meta(description="compression: off, shared (once for all clients) or per-client", extra=AT_BOTH)
    ] = "off"
    deflate_window_bits: Annotated[
        int,
        Meta(ge=9, le=15, description="window of a compressor: 2 to the power of this, in bytes", extra=AT_SERVER),
    ] = 12
    deflate_memory_level: Annotated[
        int,
        Meta(ge=1, le=9, description="memory besides the window: 512 bytes × 2 to the power of this", extra=AT_SERVER),
    ] = 5

    @property
    def pause_seconds(self) -> float:
        """The time of a batch."""
        return self.batch_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:  # noqa: ARG002 -- no request is waited for
        """The time of a batch, for which an update may wait at the server."""
        return self.batch_seconds


TRANSPORT = Transport(
    name="websocket",
    title="WebSocket",
    path="/ws",
    port=8003,
    options=WebSocketOptions,
    user_class="WebSocketUser",
    color="#009E73",
    asks=False,
    two_way=True,
)
