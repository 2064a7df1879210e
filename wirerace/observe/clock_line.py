"""Another host's clock as a line: how far it is ahead of ours, how fast it drifts, and how well that is known."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.wire.probe import ClockProbe, spacing_ns

STEADY_NS = 10_000
"""Probes of a pair that were as far apart on arrival as on leaving, to this, met no queue of others."""
DRIFT_NS, LEAST_DRIFT = 2 * NS_PER_SECOND, 1e-5
"""A shorter time says nothing about drift, unless round trips are so short that they cannot feign that much of it."""
PIECE_NS = 60 * NS_PER_SECOND
"""How long a clock is taken to be a straight line. Its crystal warms up, and NTP changes its speed."""


class ClockLine(NamedTuple):
    """How far a clock is ahead of ours at an instant of ours, and by how much that grows in each nanosecond."""

    at_ns: int
    ahead_ns: float
    drift: float

    def ahead(self, at_ns: int) -> float:
        """Return how far it is ahead at an instant of ours."""
        return self.ahead_ns + (at_ns - self.at_ns) * self.drift


class Fit(NamedTuple):
    """A line through probes. It is wrong by at most `error_ns` between the first of them and the last.

    `least_ns` is the least round trip.
    """

    line: ClockLine
    error_ns: float
    least_ns: int


def fit(probes: Sequence[ClockProbe]) -> Fit | None:
    """Return the line through probes, one of each round, with the least round trips; None without any probe.

    A quarter of the rounds is used, and the first and the last one in any case. Each probe used leaves half of its
    round trip open, on either side, and the line passes it by a residual: the error is the largest sum of both. Between
    two probes the truth is as straight as the line.
    """
    if not probes:
        return None
    least = min(probe.round_trip_ns for probe in probes)
    most = sorted(probe.round_trip_ns for probe in probes)[len(probes) // 4]
    used = [probe for probe in probes[1:-1] if probe.round_trip_ns <= most]
    used = [probes[0], *used, *([probes[-1]] if len(probes) > 1 else [])]
    line = _line(used)
    error = max(probe.round_trip_ns / 2 + abs(probe.ahead_ns - line.ahead(probe.at_ns)) for probe in used)
    return Fit(line, error, least)


def _line(probes: Sequence[ClockProbe]) -> ClockLine:
    """Return the line of least squares, with weights: a probe counts by the inverse square of its round trip."""
    best = min(probes, key=lambda probe: probe.round_trip_ns)
    span_ns, trips_ns = probes[-1].at_ns - probes[0].at_ns, probes[0].round_trip_ns + probes[-1].round_trip_ns
    if span_ns < DRIFT_NS and trips_ns > 2 * LEAST_DRIFT * span_ns:
        return ClockLine(best.at_ns, best.ahead_ns, 0.0)
    start_ns = probes[0].at_ns
    weights = [1.0 / max(probe.round_trip_ns, 1) ** 2 for probe in probes]
    whole = sum(weights)
    at = [float(probe.at_ns - start_ns) for probe in probes]
    base = probes[0].ahead_ns  # may be seconds: small numbers are exact
    ahead = [probe.ahead_ns - base for probe in probes]
    mean_at = sum(map(_product, weights, at)) / whole
    mean_ahead = sum(map(_product, weights, ahead)) / whole
    spread = sum(weight * (one - mean_at) ** 2 for weight, one in zip(weights, at, strict=True))
    together = sum(
        weight * (one - mean_at) * (other - mean_ahead) for weight, one, other in zip(weights, at, ahead, strict=True)
    )
    drift = together / spread if spread else 0.0
    return ClockLine(start_ns + round(mean_at), base + mean_ahead, drift)


def _product(one: float, other: float) -> float:
    return one * other


class Probes:
    """The probes of one other clock that are kept: the best of each round."""

    def __init__(self) -> None:
        self.kept: list[ClockProbe] = []
        self.sent = 0
        self.answered = 0

    def add(self, pairs: Sequence[Sequence[ClockProbe]]) -> None:
        """Take the answers to a round of pairs: none, one or two each. A pair that stayed as close is preferred."""
        self.answered += sum(map(len, pairs))
        if found := [_ranked(sorted(pair)) for pair in pairs if pair]:
            self.kept.append(min(found)[1])

    def between(self, from_ns: int, to_ns: int) -> list[ClockProbe]:
        """Return those between two instants of ours, with the one before and the one after."""
        first = bisect_right(self.kept, from_ns, key=_instant) - 1
        last = bisect_left(self.kept, to_ns, key=_instant) + 1
        return self.kept[max(0, first) : last]

    def latest(self, span_ns: int) -> list[ClockProbe]:
        """Return those of the last seconds."""
        return self.between(self.kept[-1].at_ns - span_ns, self.kept[-1].at_ns) if self.kept else []

    def surround(self, from_ns: int, to_ns: int) -> bool:
        """Return whether there is one before an interval, and one after it."""
        return bool(self.kept) and self.kept[0].at_ns <= from_ns and self.kept[-1].at_ns >= to_ns


def _ranked(pair: Sequence[ClockProbe]) -> tuple[tuple[bool, int], ClockProbe]:
    """Return the better one of a pair, behind its rank: whether it may have met a queue, and its round trip."""
    best = min(pair, key=lambda probe: probe.round_trip_ns)
    is_queued = len(pair) < 2 or spacing_ns(pair[0], pair[1]) > STEADY_NS
    return (is_queued, best.round_trip_ns), best


def _instant(probe: ClockProbe) -> int:
    return probe.at_ns


def pieces(from_ns: int, to_ns: int) -> list[tuple[int, int]]:
    """Return an interval in equal pieces of `PIECE_NS` or less."""
    count = max(1, -(-(to_ns - from_ns) // PIECE_NS))
    edges = [from_ns + (to_ns - from_ns) * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))
