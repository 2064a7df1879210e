"""Closed forms for arrivals at a nominal rate. `recorded.py` answers the same questions from a producer's record.

docs/theory.md derives every formula. Arrivals are stationary and without end: there is no window.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from wirerace.theory.distribution import Piece, Waits
from wirerace.workload.schedule import Source

TIE_SECONDS = 0.002
"""A server's timer is exact to a millisecond or two. Updates so close to the end of a batch may be in it or not."""


MOST_TIES = 0.1


class LongPolls(NamedTuple):
    """The means of long polling, over answers, updates or time.

    `wait_seconds` is how much longer an update waits than with a client that is never away, `latest_wait_seconds` the
    same for the newest update of each answer. `age_seconds` is the mean age at the client. `updates_per_response`
    counts only answers that have updates. A mean is None without any answer or update.
    """

    wait_seconds: float | None
    age_seconds: float | None
    empty_fraction: float | None
    updates_per_response: float | None
    responses_per_second: float
    latest_wait_seconds: float | None


class Batches(NamedTuple):
    """How updates fare that are collected for B after the first of them, and then sent together, in the mean.

    `wait_seconds` is how long an update waits, `latest_wait_seconds` how long the newest of a batch does. `age_seconds`
    is the mean age at a client without any other delay.
    """

    wait_seconds: float
    age_seconds: float
    latest_wait_seconds: float
    batches_per_second: float


class Arrivals(Protocol):
    """Arrivals of updates: a process with a nominal rate, or a record."""

    @property
    def rate_per_second(self) -> float:
        """Updates made a second."""

    def empty_fraction(self, interval_seconds: float) -> float:
        """Return the fraction of instants without an update in the interval before them."""

    def updates_per_poll(self, interval_seconds: float) -> float:
        """Return how many updates were made in the interval before an instant, on average over instants."""

    def latest_wait_seconds(self, interval_seconds: float) -> float | None:
        """Return how old the newest update is, on average over the instants that have one in the interval before them.

        None when there is no such instant.
        """

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float | None:
        """Return the mean age of information at a client.

        The client's last answer came at a time uniform over the last `lookback_seconds`. It contained everything made
        up to `delay_seconds` before that. None when there has been no update.
        """

    def batched(self, batch_seconds: float) -> Batches | None:
        """Return how updates fare in batches of `batch_seconds`.

        None when there has been no update, and when `TIE_SECONDS` decide for more than `MOST_TIES` of them which batch
        they are in.
        """

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Return the means of long polling with gaps drawn from `repoll_seconds`; None if no closed form is known.

        A client is held until an update is made or its hold ends. Then it is away for a gap. On its return it gets the
        updates made meanwhile at once. `delay_seconds` is added to the age.
        """

    def latest_waits(self, interval_seconds: float) -> Waits | None:
        """Return how the waits are distributed of which `latest_wait_seconds` is the mean; None if unknown."""

    def batch_waits(self, batch_seconds: float, *, latest_only: bool) -> Waits | None:
        """Return the waits of all updates in batches, or of the newest of each batch; None if unknown."""

    def long_poll_waits(
        self, repoll_seconds: Sequence[float], hold_seconds: float, *, latest_only: bool
    ) -> Waits | None:
        """Return the waits of all updates for clients that are away, or of the newest of answers; None if unknown."""


class Poisson(msgspec.Struct, frozen=True):
    """A Poisson process: gaps between updates are exponential and independent."""

    rate_per_second: float

    def empty_fraction(self, interval_seconds: float) -> float:
        """Return e^(−λT)."""
        return math.exp(-self.rate_per_second * interval_seconds)

    def updates_per_poll(self, interval_seconds: float) -> float:
        """Return λT."""
        return self.rate_per_second * interval_seconds

    def latest_wait_seconds(self, interval_seconds: float) -> float | None:
        """Return 1/λ − Te^(−λT)/(1 − e^(−λT)): the mean of an exponential time that is at most T."""
        some = -math.expm1(-self.rate_per_second * interval_seconds)
        return 1 / self.rate_per_second - interval_seconds * (1 - some) / some if some else None

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float:
        """Return 1/λ + T/2 + d."""
        return 1 / self.rate_per_second + lookback_seconds / 2 + delay_seconds

    def batched(self, batch_seconds: float) -> Batches:
        """Return the wait (B + λB²/2) / (1 + λB), and the age by renewal: a cycle is B and an exponential gap.

        At the end of a batch its newest update is (1 − e^(−λB))/λ old; the age grows for a cycle L from there, so its
        mean is that and E[L²]/2E[L].
        """
        rate, batch = self.rate_per_second, batch_seconds
        cycle, square = batch + 1 / rate, batch**2 + 2 * batch / rate + 2 / rate**2
        return Batches(
            wait_seconds=(batch + rate * batch**2 / 2) / (1 + rate * batch),
            age_seconds=(1 - math.exp(-rate * batch)) / rate + square / 2 / cycle,
            latest_wait_seconds=(1 - math.exp(-rate * batch)) / rate,
            batches_per_second=1 / cycle,
        )

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Return the renewal-reward formulas; None when a client neither goes away nor is held."""
        rate, gaps = self.rate_per_second, _gaps_of(repoll_seconds, self.rate_per_second)
        none_held = math.exp(-rate * hold_seconds)  # nothing is made while the client is held
        empty = gaps.quiet * none_held
        cycle_seconds = gaps.mean + gaps.quiet * (1 - none_held) / rate
        if not cycle_seconds:
            return None
        updates = rate * cycle_seconds
        some_seconds = (1 - gaps.quiet) / rate
        known_age = (some_seconds - gaps.quiet_mean * (1 - none_held) + empty * hold_seconds) / (1 - empty)
        behind = gaps.square / 2 - (gaps.mean - some_seconds) / rate + known_age * (gaps.mean - some_seconds)
        return LongPolls(
            wait_seconds=rate * gaps.square / 2 / updates,
            age_seconds=self.age_seconds(delay_seconds) + behind / cycle_seconds,
            empty_fraction=empty,
            updates_per_response=updates / (1 - empty),
            responses_per_second=1 / cycle_seconds,
            latest_wait_seconds=(some_seconds - gaps.quiet_mean) / (1 - empty),
        )

    def latest_waits(self, interval_seconds: float) -> None:
        """Return None: an exponential time that is at most T is no mixture of uniform ones."""

    def batch_waits(self, batch_seconds: float, *, latest_only: bool) -> Waits | None:
        """Return those of a batch: the first update waits B, and λB more come at a uniform time in it."""
        if latest_only:
            return None
        batches = self.rate_per_second / (1 + self.rate_per_second * batch_seconds)
        more = batches * self.rate_per_second * batch_seconds
        return [Piece(batch_seconds, batch_seconds, batches), Piece(0.0, batch_seconds, more)]

    def long_poll_waits(
        self, repoll_seconds: Sequence[float], hold_seconds: float, *, latest_only: bool
    ) -> Waits | None:
        """Return those of updates that see time averages: a client is away for a uniform part of a gap R, or held."""
        polls = None if latest_only else self.long_polled(repoll_seconds, hold_seconds, 0.0)
        if polls is None:
            return None
        per_gap = self.rate_per_second * polls.responses_per_second / len(repoll_seconds)
        away = [Piece(0.0, gap, per_gap * gap) for gap in repoll_seconds]
        return [Piece(0.0, 0.0, self.rate_per_second - sum(piece.weight for piece in away)), *away]


class Periodic(msgspec.Struct, frozen=True):
    """Updates at fixed intervals P = 1/λ; means are over their phase."""

    rate_per_second: float

    def empty_fraction(self, interval_seconds: float) -> float:
        """Return max(0, 1 − T/P)."""
        return max(0.0, 1 - self.rate_per_second * interval_seconds)

    def updates_per_poll(self, interval_seconds: float) -> float:
        """Return T/P."""
        return self.rate_per_second * interval_seconds

    def latest_wait_seconds(self, interval_seconds: float) -> float:
        """Return min(T, P)/2."""
        return min(interval_seconds, 1 / self.rate_per_second) / 2

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float:
        """Return P/2 + T/2 + d."""
        return (1 / self.rate_per_second + lookback_seconds) / 2 + delay_seconds

    def batched(self, batch_seconds: float) -> Batches | None:
        """Return those of batches of n = ⌊B/P⌋ + 1 updates: they wait B, B − P, … B − (n − 1)P.

        None when B is a small multiple of P: then luck decides whether the last of them is in the batch or begins the
        next one.
        """
        period = 1 / self.rate_per_second
        periods = round(batch_seconds / period)
        if abs(batch_seconds - periods * period) < TIE_SECONDS and MOST_TIES * (periods + 1) < 1:
            return None
        updates = math.floor(batch_seconds / period) + 1
        newest = batch_seconds - (updates - 1) * period
        wait_seconds = batch_seconds - (updates - 1) * period / 2
        return Batches(wait_seconds, newest + updates * period / 2, newest, self.rate_per_second / updates)

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Return the means if all gaps R are shorter than P ≤ R + H: then every client waits for every update.

        Otherwise the means depend on the relation of gaps, hold and period, and the result is None.
        """
        period_seconds = 1 / self.rate_per_second
        if max(repoll_seconds) >= period_seconds or min(repoll_seconds) + hold_seconds < period_seconds:
            return None
        return LongPolls(0.0, self.age_seconds(delay_seconds), 0.0, 1.0, self.rate_per_second, 0.0)

    def latest_waits(self, interval_seconds: float) -> Waits:
        """Return a time that is uniform over min(T, P)."""
        longest = min(interval_seconds, 1 / self.rate_per_second)
        return [Piece(0.0, longest, longest * self.rate_per_second)]

    def batch_waits(self, batch_seconds: float, *, latest_only: bool) -> Waits | None:
        """Return B, B − P, … or the last of them."""
        batches = self.batched(batch_seconds)
        if batches is None:
            return None
        newest, period = batches.latest_wait_seconds, 1 / self.rate_per_second
        updates = 1 if latest_only else round(self.rate_per_second / batches.batches_per_second)
        waits = [newest + number * period for number in range(updates)]
        return [Piece(wait, wait, batches.batches_per_second) for wait in waits]

    def long_poll_waits(
        self,
        repoll_seconds: Sequence[float],
        hold_seconds: float,
        *,
        latest_only: bool,  # noqa: ARG002 -- as its neighbours
    ) -> Waits | None:
        """Return no wait, for all updates or the newest of an answer alike, where a closed form is known."""
        polls = self.long_polled(repoll_seconds, hold_seconds, 0.0)
        return None if polls is None else [Piece(0.0, 0.0, self.rate_per_second)]


def closed_arrivals(source: Source) -> Arrivals | None:
    """Return the arrivals of a source that has closed forms; None for bursts and traces, which have none."""
    match source.arrivals:
        case "poisson":
            return Poisson(source.rate_per_second)
        case "periodic":
            return Periodic(source.rate_per_second)
        case _:
            return None


class _Gaps(NamedTuple):
    """Moments of a sample of gaps R: E[R], E[R²], and with the chance that nothing is made, E[e^(−λR)], E[Re^(−λR)]."""

    mean: float
    square: float
    quiet: float
    quiet_mean: float


def _gaps_of(repoll_seconds: Sequence[float], rate_per_second: float) -> _Gaps:
    chances = [math.exp(-rate_per_second * gap) for gap in repoll_seconds]
    sums = (
        sum(repoll_seconds),
        sum(gap * gap for gap in repoll_seconds),
        sum(chances),
        sum(gap * chance for gap, chance in zip(repoll_seconds, chances, strict=True)),
    )
    return _Gaps(*(total / len(repoll_seconds) for total in sums))
