"""Long-polling clients in front of recorded updates: held, answered, away for a gap, and back."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import Window
from wirerace.streams import stream
from wirerace.theory.closed_forms import LongPolls
from wirerace.theory.distribution import Piece, pieces_of

MOST_CLIENTS = 2_000


class Visit(NamedTuple):
    """One round of a client: it left, was away, came back, was answered. It had `had` updates before, `has` after."""

    left_ns: int
    back_ns: int
    answered_ns: int
    had: int
    has: int


def visits(made_ns: Sequence[int], window: Window, hold_ns: int, draw_gap_ns: Callable[[], int]) -> Iterator[Visit]:
    """Yield the visits of one client, from the answer that brought the first recorded update to the window's end."""
    left_ns = min([window.from_ns, *made_ns[:1]])
    had = bisect_right(made_ns, left_ns)
    while left_ns < window.to_ns:
        answered_ns = back_ns = left_ns + draw_gap_ns()
        has = bisect_right(made_ns, back_ns, had)
        if has == had:
            answered_ns += hold_ns
            if has < len(made_ns) and made_ns[has] <= answered_ns:
                answered_ns = made_ns[has]
                has = bisect_right(made_ns, answered_ns, had)
        yield Visit(left_ns, back_ns, answered_ns, had, has)
        left_ns, had = answered_ns, has


class Replay:
    """Sums over visits of all clients. Updates count that are made in the window.

    Ages are taken in `seen`, and answers count that are given in it: these reach their clients in the window.
    """

    def __init__(self, made_ns: Sequence[int], window: Window, seen: Window) -> None:
        self.made_ns, self.window, self.seen = made_ns, window, seen
        self.first, self.end = bisect_left(made_ns, window.from_ns), bisect_left(made_ns, window.to_ns)
        self.clients = self.answers = self.empty = self.updates = 0
        self.wait_ns = self.behind_ns2 = 0
        self._missed: list[tuple[int, int, int]] = []  # the first update, that after the last, and when they came
        self._latest_ns: list[int] = []
        # Sums of making times, and the integral of the newest making time over time, up to each update.
        self._sums = [0, *accumulate(made_ns)]
        self._newest = [0, *accumulate(before * (after - before) for before, after in pairwise(made_ns))]

    def run(self, gaps_ns: Sequence[int], hold_ns: int, enough: int) -> None:
        """Play one client after the other, until there are enough answers; gaps are drawn from a fixed seed."""
        draw, count = stream(1, "replay").random, len(gaps_ns)
        most_clients = MOST_CLIENTS if len(set(gaps_ns)) > 1 else 1  # with one gap, all clients fare alike
        played = 0
        while played < enough and self.clients < most_clients:
            self.clients += 1
            for visit in visits(self.made_ns, self.window, hold_ns, lambda: gaps_ns[int(draw() * count)]):
                played += 1
                self._add(visit)

    def _add(self, visit: Visit) -> None:
        if self.seen.has(visit.answered_ns):
            self.answers += 1
            self.empty += visit.has == visit.had
            self.updates += visit.has - visit.had
        if self.window.has(visit.answered_ns) and visit.has > visit.had:
            self._latest_ns.append(visit.answered_ns - self.made_ns[visit.has - 1])
        if visit.answered_ns == visit.back_ns and visit.has > visit.had:
            self._add_missed(visit)

    def _add_missed(self, visit: Visit) -> None:
        """Add the waits of updates made while the client was away, and how far its newest update was behind: s × s."""
        low, high = max(visit.had, self.first), min(visit.has, self.end)
        if low < high:
            self._missed.append((low, high, visit.back_ns))
            self.wait_ns += (high - low) * visit.back_ns - (self._sums[high] - self._sums[low])
        from_ns, to_ns = max(visit.left_ns, self.seen.from_ns), min(visit.back_ns, self.seen.to_ns)
        if from_ns < to_ns and visit.had:
            had_ns = self.made_ns[visit.had - 1]
            self.behind_ns2 += self._newest_until(to_ns) - self._newest_until(from_ns) - had_ns * (to_ns - from_ns)

    def _newest_until(self, at_ns: int) -> int:
        """Return the integral of the newest making time, from the first update to an instant."""
        index = bisect_right(self.made_ns, at_ns) - 1
        return self._newest[index] + self.made_ns[index] * (at_ns - self.made_ns[index])

    def outcome(self, age_seconds: float | None) -> LongPolls:
        """Return the means; `age_seconds` is the age at clients that are never away."""
        window_ns = (self.window.to_ns - self.window.from_ns) * self.clients
        latest = self._latest_ns
        made, with_updates = (self.end - self.first) * self.clients, self.answers - self.empty
        return LongPolls(
            wait_seconds=self.wait_ns / made / NS_PER_SECOND if made else None,
            age_seconds=None if age_seconds is None else age_seconds + self.behind_ns2 / window_ns / NS_PER_SECOND,
            empty_fraction=self.empty / self.answers if self.answers else None,
            updates_per_response=self.updates / with_updates if with_updates else None,
            responses_per_second=self.answers / window_ns * NS_PER_SECOND,
            latest_wait_seconds=sum(latest) / len(latest) / NS_PER_SECOND if latest else None,
        )

    def waits(self) -> list[Piece]:
        """Return how long updates waited for clients that were away. Those that found clients waiting are at 0."""
        seconds = [
            (back_ns - made_ns) / NS_PER_SECOND
            for low, high, back_ns in self._missed
            for made_ns in self.made_ns[low:high]
        ]
        one, at_once = self._weight, (self.end - self.first) * self.clients - len(seconds)
        return [Piece(0.0, 0.0, one * at_once), *pieces_of(seconds, one)]

    def latest_waits(self) -> list[Piece]:
        """Return how long the newest update of each answer waited."""
        return pieces_of([wait_ns / NS_PER_SECOND for wait_ns in self._latest_ns], self._weight)

    @property
    def _weight(self) -> float:
        """One update in the window, for a client and second."""
        return 1 / (self.clients * self.window.seconds) if self.clients else 0.0
