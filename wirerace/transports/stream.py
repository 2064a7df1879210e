"""HTTP streaming: each client asks once, and every update is pushed to it as a line of an answer without end."""

from typing import Annotated

from msgspec import Meta

from wirerace.transports.transport import AT_SERVER, Transport, TransportOptions


class StreamOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """HTTP streaming: a client asks once and receives a stream of lines."""

    heartbeat_seconds: Annotated[
        float,
        Meta(
            ge=0, le=3600, description="time between two heartbeats, which are empty lines; 0 for none", extra=AT_SERVER
        ),
    ] = 15.0


TRANSPORT = Transport(
    name="stream",
    title="HTTP streaming",
    path="/stream",
    port=8005,
    options=StreamOptions,
    user_class="StreamUser",
    color="#0072B2",
    asks=False,
)
