"""The path between producer and clients, as the values that predictions need."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.theory.cache import SharedCache
from wirerace.theory.link import LinkModel


class DeliveryPath(NamedTuple):
    """The path between producer and clients.

    `delay_seconds` is the time from making to the first client's arrival when nothing else waits. `send_seconds` is the
    time of each send in a fan-out to all clients. `repoll_seconds` is a sample of equally likely re-poll gaps, empty
    when unknown. `fitted_seconds` is the part of the mean delay that was taken from the latencies themselves.

    Conditions need the other fields: `cost_seconds`, the server's CPU time for a delivery or a poll, None when unknown;
    the part of all polls that were late; the part of all requests that failed; the part of all updates that were
    superseded for clients of the latest only.

    The clients spread over `channels`: an update is sent to those of its channel. What the `link` adds beyond its delay
    is in `delay_seconds` for clients that ask, and for others not. It closes `breaks_per_second` connections
    of each client that are idle. For the age, what polls bring comes `sooner_seconds` sooner: after a long gap the
    answer is a short one. A shared `cache` answers polls in the server's place.
    """

    delay_seconds: float
    clients: int = 1
    send_seconds: float = 0.0
    repoll_seconds: Sequence[float] = ()
    fitted_seconds: float = 0.0
    cost_seconds: float | None = None
    late_fraction: float = 0.0
    failed_fraction: float = 0.0
    superseded_fraction: float = 0.0
    channels: int = 1
    link: LinkModel = LinkModel()
    breaks_per_second: float = 0.0
    sooner_seconds: float = 0.0
    cache: SharedCache = SharedCache()

    @property
    def fan_out_seconds(self) -> float:
        """The time between the arrivals at the first client and at the last of its channel: (N/C − 1)s."""
        return max(0, self.clients / self.channels - 1) * self.send_seconds

    @property
    def push_seconds(self) -> float:
        """Mean delay from making to arrival when an update is sent to one client after the other: d + (N/C − 1)s/2."""
        return self.delay_seconds + self.fan_out_seconds / 2

    @property
    def answered(self) -> tuple[float, float]:
        """The constant and the uniform part of what answers take: of fan-out and jitter, the lesser is its mean."""
        fan_out, jitter = self.fan_out_seconds, self.link.jitter_seconds
        return (self.delay_seconds, fan_out) if fan_out >= jitter else (self.push_seconds - jitter / 2, jitter)
