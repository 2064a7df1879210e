"""Arrivals of several channels: what clients that spread over them in turn see, as means over all of these clients."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wirerace.theory.closed_forms import Arrivals, Batches, LongPolls


class Channel(NamedTuple):
    """One channel's arrivals, and the number of its clients."""

    arrivals: Arrivals
    clients: int


class Channels(NamedTuple):
    """The channels that have clients. A mean over polls or time weighs each channel by its clients.

    A mean over updates or answers weighs it by how many of them its clients get as well.
    """

    channels: Sequence[Channel]

    @property
    def rate_per_second(self) -> float:
        """Updates that a client gets a second."""
        return self._mean(lambda arrivals: arrivals.rate_per_second)

    def empty_fraction(self, interval_seconds: float) -> float:
        """Return the fraction of polls without an update."""
        return self._mean(lambda arrivals: arrivals.empty_fraction(interval_seconds))

    def updates_per_poll(self, interval_seconds: float) -> float:
        """Return the updates of a poll."""
        return self._mean(lambda arrivals: arrivals.updates_per_poll(interval_seconds))

    def latest_wait_seconds(self, interval_seconds: float) -> float | None:
        """Return how old the newest update is at a poll that has any."""
        return weighted(
            (channel.arrivals.latest_wait_seconds(interval_seconds), channel.clients * (1 - empty))
            for channel in self.channels
            for empty in [channel.arrivals.empty_fraction(interval_seconds)]
        )

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float | None:
        """Return the age at a client."""
        return weighted(
            (channel.arrivals.age_seconds(delay_seconds, lookback_seconds), channel.clients)
            for channel in self.channels
        )

    def batched(self, batch_seconds: float) -> Batches | None:
        """Return how updates fare in batches, of which each channel has its own; None when one of them is not known."""
        found = [
            (batches, channel) for channel in self.channels if (batches := channel.arrivals.batched(batch_seconds))
        ]
        if len(found) < len(self.channels):
            return None
        per_second = [(batches, channel.clients * batches.batches_per_second) for batches, channel in found]
        means = (
            weighted((batches.wait_seconds, one.clients * one.arrivals.rate_per_second) for batches, one in found),
            weighted((batches.age_seconds, one.clients) for batches, one in found),
            weighted((batches.latest_wait_seconds, weight) for batches, weight in per_second),
            weighted((batches.batches_per_second, one.clients) for batches, one in found),
        )
        return Batches(*(mean for mean in means if mean is not None)) if None not in means else None

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Return the means of long polling; None when those of one channel are not known."""
        found = [
            (polls, channel)
            for channel in self.channels
            if (polls := channel.arrivals.long_polled(repoll_seconds, hold_seconds, delay_seconds))
        ]
        if len(found) < len(self.channels):
            return None
        answers = [(polls, one.clients * polls.responses_per_second) for polls, one in found]
        with_data = [(polls, weight * (1 - (polls.empty_fraction or 0.0))) for polls, weight in answers]
        return LongPolls(
            wait_seconds=weighted(
                (polls.wait_seconds, one.clients * one.arrivals.rate_per_second) for polls, one in found
            ),
            age_seconds=weighted((polls.age_seconds, one.clients) for polls, one in found),
            empty_fraction=weighted((polls.empty_fraction, weight) for polls, weight in answers),
            updates_per_response=weighted((polls.updates_per_response, weight) for polls, weight in with_data),
            responses_per_second=weighted((polls.responses_per_second, one.clients) for polls, one in found) or 0.0,
            latest_wait_seconds=weighted((polls.latest_wait_seconds, weight) for polls, weight in with_data),
        )

    def _mean(self, of: Callable[[Arrivals], float]) -> float:
        return weighted((of(channel.arrivals), channel.clients) for channel in self.channels) or 0.0


def weighted(values: Iterable[tuple[float | None, float]]) -> float | None:
    """Return the mean of values by their weights, without those that are None; None when nothing has a weight."""
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def clients_in_turn(clients: int, channels: int) -> list[int]:
    """Return how many of the clients each channel has when they take the channels in turn."""
    return [clients // channels + (place < clients % channels) for place in range(channels)]
