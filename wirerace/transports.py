"""The transports: the only list. Names, options and defaults of each."""

from typing import Annotated

import msgspec
from msgspec import Meta


class TransportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of a client of one transport. Each subclass is a table of an experiment file."""

    @property
    def pause_seconds(self) -> float:
        """The longest time for which a client asks nothing of its own accord."""
        return 0.0

    def longest_gap_seconds(self, exchange_seconds: float) -> float:  # noqa: ARG002 -- of clients that ask
        """Return the longest time between two requests of a client at the server, when an exchange takes so long."""
        return 0.0


HeaderBytes = Annotated[
    int, Meta(ge=0, le=16_384, description="bytes of headers added to each request; a browser sends some 500 to 1,000")
]
AT_SERVER = {"at": "server"}
"""Marks an option that is the server's, not the client's."""


class HttpOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of every client that asks."""

    keep_alive: Annotated[bool, Meta(description="keep the connection; if not, open one for every request")] = True
    extra_header_bytes: HeaderBytes = 0


class PollingOptions(HttpOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Polling: a client asks at a fixed rate."""

    interval_seconds: Annotated[float, Meta(ge=0.01, le=3600, description="time between two polls of a client")] = 1.0

    @property
    def pause_seconds(self) -> float:
        """One poll interval."""
        return self.interval_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:
        """One poll interval; a poll that falls due before the answer to the one before it leaves after that answer."""
        return max(self.interval_seconds, exchange_seconds)


class LongPollingOptions(HttpOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Long polling: a client asks, the server holds."""

    # 25 s lies below the shortest proxy timeout in common use, 30 s.
    hold_seconds: Annotated[float, Meta(ge=0, le=3600, description="how long the server may hold a request")] = 25.0
    repoll_delay_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="how long a client waits before it asks again")
    ] = 0.0

    @property
    def pause_seconds(self) -> float:
        """The re-poll delay."""
        return self.repoll_delay_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:
        """An exchange, after which the client waits for the re-poll delay."""
        return exchange_seconds + self.repoll_delay_seconds


class WebSocketOptions(TransportOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """WebSocket: a client listens."""

    ping_interval_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time between two pings of the server; 0 for none", extra=AT_SERVER)
    ] = 0.0


class Transport(msgspec.Struct, frozen=True):
    """One way to deliver.

    `name` is module, container, DNS name, metric label and report row alike; `options` is its table in an experiment
    file, `user_class` the name of its Locust user.
    """

    name: str
    title: str
    path: str
    port: int
    options: type[TransportOptions]
    user_class: str


TRANSPORTS: dict[str, Transport] = {
    transport.name: transport
    for transport in (
        Transport("polling", "Polling", "/poll", 8001, PollingOptions, "PollingUser"),
        Transport("longpolling", "Long polling", "/longpoll", 8002, LongPollingOptions, "LongPollingUser"),
        Transport("websocket", "WebSocket", "/ws", 8003, WebSocketOptions, "WebSocketUser"),
    )
}

PRODUCER_PORT = 8000


def title_of(transport: str, variant: str) -> str:
    """Return what people see of a transport at one setting."""
    title = TRANSPORTS[transport].title
    return f"{title} ({variant})" if variant else title
