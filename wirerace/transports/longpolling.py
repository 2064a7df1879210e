"""Long polling: each request is held until there is an update, and each client asks again after its answer."""

from typing import Annotated

from msgspec import Meta

from wirerace.transports.transport import HttpOptions, Transport


class LongPollingOptions(HttpOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Long polling: a client asks, and the server holds the request."""

    # 25 s lies below the shortest proxy timeout in common use, 30 s.
    hold_seconds: Annotated[float, Meta(ge=0, le=3600, description="how long the server may hold a request")] = 25.0
    repoll_delay_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time between an answer and the next request of a client")
    ] = 0.0

    @property
    def pause_seconds(self) -> float:
        """The re-poll delay."""
        return self.repoll_delay_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:
        """An exchange, after which the client waits for the re-poll delay."""
        return exchange_seconds + self.repoll_delay_seconds


TRANSPORT = Transport(
    name="longpolling",
    title="Long polling",
    path="/longpoll",
    port=8002,
    options=LongPollingOptions,
    user_class="LongPollingUser",
    color="#56B4E9",
    asks=True,
)
