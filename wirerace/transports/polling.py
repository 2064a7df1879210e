"""Polling: each client asks at a fixed rate, and each request is answered at once."""

from typing import Annotated

from msgspec import Meta

from wirerace.transports.transport import HttpOptions, Transport


class PollingOptions(HttpOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Polling: a client asks at a fixed rate."""

    interval_seconds: Annotated[float, Meta(ge=0.01, le=3600, description="time between two polls of a client")] = 1.0
    conditional: Annotated[
        bool, Meta(description="ask with If-None-Match, as browsers do; an empty answer is then 304")
    ] = False

    @property
    def period_seconds(self) -> float:
        """One poll interval."""
        return self.interval_seconds

    @property
    def pause_seconds(self) -> float:
        """One poll interval."""
        return self.interval_seconds

    def longest_gap_seconds(self, exchange_seconds: float) -> float:
        """One poll interval. A poll that is due before the previous answer has come leaves after that answer."""
        return max(self.interval_seconds, exchange_seconds)


TRANSPORT = Transport(
    name="polling",
    title="Polling",
    path="/poll",
    port=8001,
    options=PollingOptions,
    user_class="PollingUser",
    color="#E69F00",
    asks=True,
)
