"""Server-Sent Events: each client asks once, and every update is pushed to it as an event of an answer without end."""

from typing import Annotated

from msgspec import Meta

from wirerace.transports.transport import AT_SERVER, Transport, TransportOptions


class SseOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SSE: a client asks once and receives an event stream."""

    heartbeat_seconds: Annotated[
        float,
        Meta(ge=0, le=3600, description="time between two heartbeats, which are comments; 0 for none", extra=AT_SERVER),
    ] = 15.0
    retry_seconds: Annotated[
        float,
        Meta(ge=0, le=3600, description="time that a browser waits before it reconnects", extra=AT_SERVER),
    ] = 1.0


TRANSPORT = Transport(
    name="sse",
    title="SSE",
    path="/sse",
    port=8004,
    options=SseOptions,
    user_class="SseUser",
    color="#CC79A7",
    asks=False,
)
