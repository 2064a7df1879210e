"""How latency is distributed: an update waits, and then it has any place in a fan-out. docs/theory.md derives it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

MOST_PIECES = 200
"""Of more waits than this, neighbours are taken together: a drawing shows no more."""


class Piece(NamedTuple):
    """Some of the updates: their waits are uniform between two bounds, which may be equal; seconds.

    `weight` is in proportion to how many of these updates a client gets a second.
    """

    low: float
    high: float
    weight: float

    def area(self, seconds: float) -> float:
        """Return the integral, up to a wait, of the fraction of waits that are not longer."""
        if seconds >= self.high:
            return seconds - (self.low + self.high) / 2
        return (seconds - self.low) ** 2 / 2 / (self.high - self.low) if seconds > self.low else 0.0

    def within(self, seconds: float) -> float:
        """Return the fraction of its waits that are not longer."""
        if seconds >= self.high:
            return 1.0
        return (seconds - self.low) / (self.high - self.low) if seconds > self.low else 0.0


Waits = Sequence[Piece]
"""How long updates wait, all pieces together."""


class Distribution(NamedTuple):
    """A distribution of latencies: of waits, a delay that all have, and a time uniform over a fan-out."""

    waits: Waits
    delay_seconds: float
    fan_out_seconds: float = 0.0

    @property
    def least_seconds(self) -> float:
        """The shortest latency."""
        return self.delay_seconds + min(piece.low for piece in self.waits)

    @property
    def longest_seconds(self) -> float:
        """The longest latency."""
        return self.delay_seconds + max(piece.high for piece in self.waits) + self.fan_out_seconds

    def within(self, seconds: float) -> float:
        """Return the fraction of the deliveries that take at most that long.

        Of a wait with a uniform time of F after it, that is the mean of the wait's own fraction over the last F.
        """
        waited, over = seconds - self.delay_seconds, self.fan_out_seconds
        parts = (
            piece.weight * ((piece.area(waited) - piece.area(waited - over)) / over if over else piece.within(waited))
            for piece in self.waits
        )
        return min(1.0, sum(parts) / sum(piece.weight for piece in self.waits))


def distributed(waits: Waits | None, delay_seconds: float, fan_out_seconds: float = 0.0) -> Distribution | None:
    """Return the distribution of latencies; None when the waits are not known, or when there is no update."""
    found = [piece for piece in waits or () if piece.weight > 0]
    return Distribution(found, delay_seconds, fan_out_seconds) if found else None


def pieces_of(waits: Sequence[float], weight: float) -> list[Piece]:
    """Return single waits of one weight as pieces, in order. Neighbours taken together have their mean."""
    ordered, count = sorted(waits), len(waits)
    bounds = [count * number // MOST_PIECES for number in range(MOST_PIECES + 1)]
    if count <= MOST_PIECES:
        bounds = list(range(count + 1))
    means = ((sum(ordered[low:high]) / (high - low), high - low) for low, high in pairwise(bounds))
    return [Piece(mean, mean, weight * together) for mean, together in means]
