"""WebSocket: each client connects once, and every update is pushed to it."""

from typing import Annotated

from msgspec import Meta

from wirerace.transports.transport import AT_SERVER, Transport, TransportOptions


class WebSocketOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """WebSocket: a client connects once and receives."""

    ping_interval_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time between two pings of the server; 0 for none", extra=AT_SERVER)
    ] = 0.0
    batch_seconds: Annotated[
        float,
        Meta(ge=0, le=60, description="updates of this time are sent as one frame; 0: one frame each", extra=AT_SERVER),
    ] = 0.0

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
)
