"""Arrivals as they were made: the questions of `Arrivals` answered from the producer's record, exactly or by replay."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.observe.account import Window
from wirerace.theory.closed_forms import MOST_TIES, TIE_SECONDS, Batches, LongPolls
from wirerace.theory.distribution import Piece, Waits, pieces_of
from wirerace.theory.replay import Replay

MOST_ANSWERS = 1_000_000  # of one client; with more, it asks in a busy loop, and a replay would take seconds

MOST_REPLAYED = 60_000


class Recorded(msgspec.Struct, frozen=True):
    """The updates that were really made, and the window in which clients were measured.

    `made_ns` ascends. It is complete from one client pause (plus the delay) before the window to the window's end at
    least, and has the priming update or a later one before the window. Long polling is replayed until `replayed`
    answers have been given, by at least one client.
    """

    window: Window
    made_ns: Sequence[int]
    replayed: int = MOST_REPLAYED

    @property
    def rate_per_second(self) -> float:
        """Updates made a second, in the window."""
        made = bisect_left(self.made_ns, self.window.to_ns) - bisect_left(self.made_ns, self.window.from_ns)
        return made / self._window_seconds

    @property
    def _window_seconds(self) -> float:
        return (self.window.to_ns - self.window.from_ns) / NS_PER_SECOND

    def empty_fraction(self, interval_seconds: float) -> float:
        """Return the fraction of instants of the window without an update in the interval before them.

        It is Σ max(gap − T, 0) / W over the gaps between updates. A gap counts from one interval after its beginning to
        its end, as far as that lies in the window.
        """
        interval_ns, from_ns, end_ns = to_ns(interval_seconds), self.window.from_ns, self.window.to_ns
        times = pairwise([from_ns - interval_ns, *self.made_ns, end_ns])
        empty_ns = sum(max(0, min(after, end_ns) - max(before + interval_ns, from_ns)) for before, after in times)
        return empty_ns / (end_ns - from_ns)

    def updates_per_poll(self, interval_seconds: float) -> float:
        """Return how many updates were made in the interval before an instant of the window, on average.

        An update counts with the part of the interval after it that lies in the window.
        """
        interval_ns, from_ns, end_ns = to_ns(interval_seconds), self.window.from_ns, self.window.to_ns
        heard_ns = (max(0, min(made + interval_ns, end_ns) - max(made, from_ns)) for made in self.made_ns)
        return sum(heard_ns) / (end_ns - from_ns)

    def latest_wait_seconds(self, interval_seconds: float) -> float | None:
        """Return how old the newest update is, over the instants of the window that have one in the interval before."""
        waits = self.latest_waits(interval_seconds)
        weight = sum(piece.weight for piece in waits)
        return sum((piece.low + piece.high) / 2 * piece.weight for piece in waits) / weight if weight else None

    def latest_waits(self, interval_seconds: float) -> Waits:
        """Return the ages of the newest update over the same instants: from each update on, they rise with time."""
        interval_ns, from_ns, end_ns = to_ns(interval_seconds), self.window.from_ns, self.window.to_ns
        spans = (
            (made, max(made, from_ns), min(following, made + interval_ns, end_ns))
            for made, following in pairwise([*self.made_ns, end_ns])
        )
        return [
            Piece((low - made) / NS_PER_SECOND, (high - made) / NS_PER_SECOND, (high - low) / (end_ns - from_ns))
            for made, low, high in spans
            if low < high
        ]

    def age_seconds(self, delay_seconds: float, lookback_seconds: float = 0.0) -> float | None:
        """Return the time average of the age over the window: clients have the newest update of up to d + T before.

        An instant of the source is weighted with the part of the lookback after it, `delay_seconds` later, that lies in
        the window. Age and weight are linear between breaks, so Gauss's rule of two points is exact.
        """
        begin, end = -delay_seconds, self._window_seconds - delay_seconds
        area = weights = 0.0
        for low, high, newest in self._stretches(begin, end, lookback_seconds):
            middle, reach = (low + high) / 2, (high - low) / 2 / math.sqrt(3)
            for at in (middle - reach, middle + reach):
                weight = 1.0
                if lookback_seconds:
                    weight = (min(at + lookback_seconds, end) - max(at, begin)) / lookback_seconds
                area += weight * (at - newest) * (high - low)
                weights += weight * (high - low)
        return area / weights + lookback_seconds / 2 + delay_seconds if weights else None

    def batched(self, batch_seconds: float) -> Batches | None:
        """Return how the updates of the window wait in batches, of which the oldest known update begins the first."""
        sendings = self._sendings(batch_seconds)
        waits_ns, sent_ns = self._waits_ns(sendings or [])
        if sendings is None or not waits_ns or not sent_ns:
            return None
        area = weight = 0.0
        for (sent, *_, newest), (next_sent, *_) in pairwise([*sendings, (self.window.to_ns, 0)]):
            low, high = max(sent, self.window.from_ns), min(next_sent, self.window.to_ns)
            if low < high:
                area += (high - low) * ((low + high) / 2 - newest)
                weight += high - low
        if not weight:
            return None
        age_seconds = area / weight / NS_PER_SECOND
        wait_seconds, latest_wait_seconds = (sum(waits) / len(waits) / NS_PER_SECOND for waits in (waits_ns, sent_ns))
        return Batches(wait_seconds, age_seconds, latest_wait_seconds, len(sent_ns) / self._window_seconds)

    def batch_waits(self, batch_seconds: float, *, latest_only: bool) -> Waits | None:
        """Return how long each of these updates waits, or the newest of each batch."""
        sendings = self._sendings(batch_seconds)
        if sendings is None:
            return None
        waits_ns = self._waits_ns(sendings)[latest_only]
        return pieces_of([wait_ns / NS_PER_SECOND for wait_ns in waits_ns], 1 / self._window_seconds)

    def _sendings(self, batch_seconds: float) -> list[list[int]] | None:
        """Return each batch: when it is sent, and when its updates were made; None when ties decide too often."""
        sendings: list[list[int]] = []
        ties = 0
        for made in self.made_ns:
            ties += bool(sendings) and abs(made - sendings[-1][0]) < to_ns(TIE_SECONDS)
            if sendings and made < sendings[-1][0]:
                sendings[-1].append(made)
            else:
                sendings.append([made + to_ns(batch_seconds), made])
        return None if ties > MOST_TIES * len(self.made_ns) else sendings

    def _waits_ns(self, sendings: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
        """Return how long each update of the window waits in batches, and how long the newest of each batch does."""
        has = self.window.has
        waits_ns = [sent - made for sent, *updates in sendings for made in updates if has(made)]
        return waits_ns, [sent - newest for sent, *_, newest in sendings if has(newest)]

    def _stretches(self, begin: float, end: float, lookback: float) -> Iterator[tuple[float, float, float]]:
        """Yield the stretches between breaks of age or weight, with the newest making time; seconds from the start."""
        origin_ns, edges = self.window.from_ns, sorted({begin - lookback, begin, end - lookback, end})
        index = bisect_right(self.made_ns, origin_ns + to_ns(edges[0])) - 1
        last = bisect_left(self.made_ns, origin_ns + to_ns(edges[-1]))
        made = [(made_ns - origin_ns) / NS_PER_SECOND for made_ns in self.made_ns[max(index, 0) : last]]
        if not made:
            return
        newest = made[0]
        breaks = sorted([*(at for at in (*edges, *made) if at > max(newest, edges[0])), max(newest, edges[0])])
        later = iter([*made[1:], math.inf])
        following = next(later)
        for low, high in pairwise(breaks):
            while following <= low:
                newest, following = following, next(later)
            yield low, high, newest

    def long_polled(
        self, repoll_seconds: Sequence[float], hold_seconds: float, delay_seconds: float
    ) -> LongPolls | None:
        """Replay clients through the record; None when they ask in a busy loop.

        An answer counts when it reaches its client in the window, an update when it is made in it. The replay draws
        gaps from its own generator with a fixed seed, so its results repeat.
        """
        shift_ns = to_ns(delay_seconds)
        seen = Window(self.window.from_ns - shift_ns, self.window.to_ns - shift_ns)
        replay = self._replay(repoll_seconds, hold_seconds, seen)
        return None if replay is None else replay.outcome(self.age_seconds(delay_seconds))

    def long_poll_waits(
        self, repoll_seconds: Sequence[float], hold_seconds: float, *, latest_only: bool
    ) -> Waits | None:
        """Replay the same clients, and return how long updates waited for them."""
        replay = self._replay(repoll_seconds, hold_seconds, self.window)
        return None if replay is None else replay.latest_waits() if latest_only else replay.waits()

    def _replay(self, repoll_seconds: Sequence[float], hold_seconds: float, seen: Window) -> Replay | None:
        fastest_seconds = sum(repoll_seconds) / len(repoll_seconds) + hold_seconds
        begin_ns = min([self.window.from_ns, *self.made_ns[:1]])
        if self.window.to_ns - begin_ns > MOST_ANSWERS * fastest_seconds * NS_PER_SECOND:
            return None
        replay = Replay(self.made_ns, self.window, seen)
        replay.run([to_ns(gap) for gap in repoll_seconds], to_ns(hold_seconds), self.replayed)
        return replay
