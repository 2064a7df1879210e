"""Theory of visits: what visitors should find who come at known times, given the updates as they were really made.

A visitor has its first answer `first_seconds` after its arrival, and sees everything made `delay_seconds` before. Each
transport says how the next updates reach it. docs/theory.md derives the closed forms.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from wirerace.workload.schedule import Source

MOST_IN_CLOSED_FORM = 1000
"""The most updates of a visit for which closed forms are computed: sums of that many terms."""


class Visiting(NamedTuple):
    """Visitors and what they come for, in seconds since the first update: when updates were made and visitors came.

    `updates` is how many each takes. `delay_seconds` is the time from making to a client that waits, `first_seconds`
    that from a visitor's arrival to its first answer, `trip_seconds` that of a request, `gap_seconds` that between an
    answer and the next request of a client that asks at once.
    """

    made: Sequence[float]
    arrivals: Sequence[float]
    updates: int
    delay_seconds: float
    first_seconds: float
    trip_seconds: float = 0.0
    gap_seconds: float = 0.0

    def known(self, at: float) -> int:
        """Return how many updates a client can know at an instant."""
        return bisect_right(self.made, at - self.delay_seconds)


class Visited(NamedTuple):
    """What a visit takes: its requests, and the time from the arrival until its last update has come."""

    requests: float
    seconds: float


OneVisit = Callable[[float, int, int], Visited]
"""Returns what one visit takes that began at a time, with the first of the two numbers of updates, up to the second."""


def replayed(visiting: Visiting, one: OneVisit) -> Visited | None:
    """Return the mean over all visits whose last update was made, None without any. One update needs one request."""
    found = [one(arrival, known, last) for arrival, known, last in _whole(visiting)]
    if not found:
        return None
    return Visited(fmean(visit.requests for visit in found), fmean(visit.seconds for visit in found))


def first_age_seconds(visiting: Visiting) -> float | None:
    """Return how old the newest update is, on average over the visits, when it reaches the visitor."""
    ages = [
        arrival + visiting.first_seconds - visiting.made[known - 1]
        for arrival in visiting.arrivals
        if (known := visiting.known(arrival + visiting.first_seconds))
    ]
    return fmean(ages) if ages else None


def _whole(visiting: Visiting) -> Iterator[tuple[float, int, int]]:
    """Yield each visit whose updates were all made: its arrival, and how many updates there are at its ends."""
    for arrival in visiting.arrivals:
        known = visiting.known(arrival + visiting.first_seconds)
        last = known + visiting.updates - 1
        if known and last <= len(visiting.made):
            yield arrival, known, last


def pushed_to(visiting: Visiting) -> Visited | None:
    """Return what visits take that get each update at once, on one connection."""

    def one(arrival: float, known: int, last: int) -> Visited:
        waited = visiting.made[last - 1] + visiting.delay_seconds - arrival if last > known else 0.0
        return Visited(1.0, max(visiting.first_seconds, waited))

    return replayed(visiting, one)


def made_within(source: Source, seconds: float, fewer_than: int) -> float | None:
    """Return the probability that fewer than that many updates are made in a time that begins anywhere.

    None if there is no closed form for the arrivals.
    """
    expected = source.rate_per_second * max(seconds, 0.0)
    if source.arrivals == "periodic":
        return min(max(fewer_than - expected, 0.0), 1.0)
    if source.arrivals != "poisson":
        return None
    if not expected:
        return float(fewer_than > 0)
    return math.fsum(
        math.exp(count * math.log(expected) - expected - math.lgamma(count + 1)) for count in range(fewer_than)
    )


def closed_wait_seconds(source: Source, updates: int) -> float | None:
    """Return the mean time until `updates` more are made, from an instant that is independent of them."""
    if not updates:
        return 0.0
    gaps = {"poisson": updates, "periodic": updates - 0.5}.get(source.arrivals)
    return None if gaps is None else gaps / source.rate_per_second


def closed_first_age(source: Source, delay_seconds: float) -> float | None:
    """Return the mean age of the newest update at an instant that is independent of the updates, when it has come."""
    gaps = {"poisson": 1.0, "periodic": 0.5}.get(source.arrivals)
    return None if gaps is None else gaps / source.rate_per_second + delay_seconds


def closed_polls(source: Source, visiting: Visiting, interval_seconds: float) -> float | None:
    """Return the mean number of polls of a visit: 1 + Σ P(fewer than K − 1 updates until the j-th further poll)."""
    wanted = visiting.updates - 1
    if wanted > MOST_IN_CLOSED_FORM:
        return None
    polls, number = 1.0, 0
    while wanted:
        left = made_within(source, number * interval_seconds - visiting.first_seconds * (number > 0), wanted)
        if left is None:
            return None
        polls += left
        number += 1
        if left < 1e-9:
            break
    return polls
