"""A mixture of arrivals: what clients see that spread over several channels, as means over all of these clients."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wirerace.theory.closed_forms import Arrivals, Batches, LongPolls
from wirerace.theory.distribution import Waits


class Group(NamedTuple):
    """The clients of one channel: its arrivals, and their number."""

    arrivals: Arrivals
    clients: int


class Mixture(NamedTuple):
    """The groups of all channels. A mean over polls or time weighs each group by its clients.

    A mean over updates or answers weighs it by how many of them its clients get as well.
    """

    groups: Sequence[Group]

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
            (group.arrivals.latest_wait_seconds(interval_seconds), group.clients * (1 - empty))
            for group in self.groups
            for empty in [group.arrivals.empty_fraction(interval_seconds)]
        )

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float | None:
        """Return the age at a client."""
        return weighted(
            (group.arrivals.age_seconds(delay_seconds, lookback_seconds), group.clients) for group in self.groups
        )

    def batched(self, batch_seconds: float) -> Batches | None:
        """Return how updates fare in batches of each channel; None when those of one channel are not known."""
        found = [(batches, group) for group in self.groups if (batches := group.arrivals.batched(batch_seconds))]
        if len(found) < len(self.groups):
            return None
        per_second = [(batches, group.clients * batches.batches_per_second) for batches, group in found]
        means = (
            weighted(
                (batches.wait_seconds, group.clients * group.arrivals.rate_per_second) for batches, group in found
            ),
            weighted((batches.age_seconds, group.clients) for batches, group in found),
            weighted((batches.latest_wait_seconds, weight) for batches, weight in per_second),
            weighted((batches.batches_per_second, group.clients) for batches, group in found),
        )
        return Batches(*(mean for mean in means if mean is not None)) if None not in means else None

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Return the means of long polling; None when those of one channel are not known."""
        found = [
            (polls, group)
            for group in self.groups
            if (polls := group.arrivals.long_polled(repoll_seconds, hold_seconds, delay_seconds))
        ]
        if len(found) < len(self.groups):
            return None
        answers = [(polls, group.clients * polls.responses_per_second) for polls, group in found]
        with_data = [(polls, weight * (1 - (polls.empty_fraction or 0.0))) for polls, weight in answers]
        return LongPolls(
            wait_seconds=weighted(
                (polls.wait_seconds, group.clients * group.arrivals.rate_per_second) for polls, group in found
            ),
            age_seconds=weighted((polls.age_seconds, group.clients) for polls, group in found),
            empty_fraction=weighted((polls.empty_fraction, weight) for polls, weight in answers),
            updates_per_response=weighted((polls.updates_per_response, weight) for polls, weight in with_data),
            responses_per_second=weighted((polls.responses_per_second, group.clients) for polls, group in found) or 0.0,
            latest_wait_seconds=weighted((polls.latest_wait_seconds, weight) for polls, weight in with_data),
        )

    def latest_waits(self, interval_seconds: float) -> Waits | None:
        """Return the waits of the newest update at a poll that has any."""
        return self._mixed(lambda arrivals: arrivals.latest_waits(interval_seconds))

    def batch_waits(self, batch_seconds: float, *, latest_only: bool) -> Waits | None:
        """Return the waits in the batches of each channel."""
        return self._mixed(lambda arrivals: arrivals.batch_waits(batch_seconds, latest_only=latest_only))

    def long_poll_waits(
        self, repoll_seconds: Sequence[float], hold_seconds: float, *, latest_only: bool
    ) -> Waits | None:
        """Return the waits for clients that are away."""
        return self._mixed(
            lambda arrivals: arrivals.long_poll_waits(repoll_seconds, hold_seconds, latest_only=latest_only)
        )

    def _mixed(self, of: Callable[[Arrivals], Waits | None]) -> Waits | None:
        """Return the waits of all groups, each by its clients; None when those of one are not known."""
        found = [(of(group.arrivals), group.clients) for group in self.groups]
        known = [(waits, clients) for waits, clients in found if waits is not None]
        if len(known) < len(found):
            return None
        return [piece._replace(weight=piece.weight * clients) for waits, clients in known for piece in waits]

    def _mean(self, of: Callable[[Arrivals], float]) -> float:
        return weighted((of(group.arrivals), group.clients) for group in self.groups) or 0.0


def weighted(values: Iterable[tuple[float | None, float]]) -> float | None:
    """Return the mean of values by their weights, without those that are None; None when nothing has a weight."""
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def clients_in_turn(clients: int, channels: int) -> list[int]:
    """Return how many of the clients each channel has when they take the channels in turn."""
    return [clients // channels + (place < clients % channels) for place in range(channels)]
