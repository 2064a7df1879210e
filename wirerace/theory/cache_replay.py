"""Replaying pollers before a shared cache: all clients of a channel together, because they share what is stored."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean, stdev
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.paths import CACHE_TICK_SECONDS
from wirerace.observe.account import Window
from wirerace.streams import stream
from wirerace.theory.cache import CachedPolls, Polls, SharedCache
from wirerace.theory.distribution import Piece, pieces_of
from wirerace.theory.recorded import MOST_ANSWERS, Recorded

GOLDEN = (math.sqrt(5) - 1) / 2
"""The step from one client's phase to the next, as the load has it."""
LEAST_CLIENTS, MOST_CLIENTS = 20, 200
"""How many are replayed: of more, each adds little."""
MOST_DRAWS = 32
"""Of the phases, which no record has."""
NEAR_NS = 2_000_000
"""How exactly it is known when an answer was given: one just before a second begins was given in it."""
MOST_WAITS = 50_000
"""How many waits are listed. Of more, some stand for all."""


class Got(NamedTuple):
    """An answer with updates of the window: when it was given, the first of them, and the one after the last."""

    at_ns: int
    first: int
    end: int


def replayed(recorded: Recorded, cache: SharedCache, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return what clients got that asked through a cache, as means over possible phases.

    None without any update, and where a replay would take many seconds.

    The replay begins with the first recorded update: all clients wait for it, and an empty answer is stored.
    """
    if not recorded.made_ns:
        return None
    window, draw = recorded.window, stream(1, "cache").random
    rounds = max(1, (window.to_ns - recorded.made_ns[0]) // to_ns(polls.interval_seconds))
    if rounds * min(LEAST_CLIENTS, polls.clients) > MOST_ANSWERS:
        return None
    clients = min(max(1, polls.clients), MOST_CLIENTS, max(LEAST_CLIENTS, recorded.replayed // rounds))
    replay = CacheReplay(recorded, cache, polls, clients, to_ns(delay_seconds))
    draws = max(1, min(MOST_DRAWS, recorded.replayed // (rounds * clients)))
    for number in range(draws):
        replay.play(draw(), number)
    # With more clients, the mean one is a little later after the first of them.
    later_seconds = polls.after_first_seconds - polls._replace(clients=clients).after_first_seconds
    return replay.outcome(draws, later_seconds)


class CacheReplay:
    """Sums over the answers to all clients. Updates count that are made in the window, answers that arrive in it."""

    def __init__(self, recorded: Recorded, cache: SharedCache, polls: Polls, clients: int, delay_ns: int) -> None:
        self.made_ns, self.window, self.cache, self.polls = recorded.made_ns, recorded.window, cache, polls
        self.clients, self.delay_ns = clients, delay_ns
        self.seen = Window(self.window.from_ns - delay_ns, self.window.to_ns - delay_ns)
        self.answers = self.empty = self.updates = self.asked = 0
        self.delivered = self.wait_ns = self.area_ns2 = self.aged_ns = 0
        self.got: list[Got] = []
        self.means: list[tuple[float, float]] = []  # of each draw, wait and age in nanoseconds
        self._first, self._end = (bisect_left(self.made_ns, at) for at in (self.window.from_ns, self.window.to_ns))
        self._sums = [0, *accumulate(self.made_ns)]

    def play(self, phase: float, number: int) -> None:
        """Play clients whose phases are steps of the golden ratio from `phase`, and note their means.

        When the first answer was given depends on the `number` of the draw, too, if it is not known.
        """
        before = (self.delivered, self.wait_ns, self.aged_ns, self.area_ns2)
        self._play(phase, number)
        after = (self.delivered, self.wait_ns, self.aged_ns, self.area_ns2)
        delivered, wait_ns, aged_ns, area_ns2 = (new - old for new, old in zip(after, before, strict=True))
        if delivered and aged_ns:
            self.means.append((wait_ns / delivered, area_ns2 / aged_ns))

    def _play(self, phase: float, number: int) -> None:
        made_ns, lag_ns, seen = self.made_ns, to_ns(self.cache.lag_seconds), self.seen
        interval_ns, begin_ns = to_ns(self.polls.interval_seconds), made_ns[0]
        tick_ns, life_ticks = to_ns(CACHE_TICK_SECONDS), round(self.cache.longest_seconds / CACHE_TICK_SECONDS)
        first_tick = (begin_ns + lag_ns) // tick_ns + 1 + number % life_ticks
        phases_ns = sorted(int((phase + client * GOLDEN) % 1 * interval_ns) for client in range(self.clients))
        first_ns = self.cache.first_ns - self.delay_ns
        if begin_ns < first_ns < self.window.from_ns:
            first_tick = (first_ns + lag_ns + NEAR_NS) // tick_ns
            phases_ns = _turned(phases_ns, interval_ns, first_tick * tick_ns - lag_ns - begin_ns, first_ns - begin_ns)
        had, since_ns = [0] * self.clients, [seen.from_ns] * self.clients
        newest = 0  # how many updates have been made
        stored = {0: (first_tick, 0)}  # under the cursor that is asked with: when it is too old, and its own cursor
        last_ns = self.window.to_ns + interval_ns + life_ticks * tick_ns
        for round_ns in range(begin_ns, last_ns, interval_ns):
            for client, phase_ns in enumerate(phases_ns):
                at_ns, cursor = round_ns + phase_ns, had[client]
                tick = (at_ns + lag_ns) // tick_ns
                old_tick, has = stored.get(cursor, (0, 0))
                if old_tick <= tick:
                    has = newest = bisect_right(made_ns, at_ns, newest)
                    stored[cursor] = tick + life_ticks, has
                    self.asked += seen.has(at_ns)
                if seen.has(at_ns):
                    self.answers += 1
                    self.empty += has == cursor
                    self.updates += has - cursor
                if has > cursor:
                    self._deliver(at_ns, cursor, has)
                    self._age(cursor, since_ns[client], at_ns)
                    had[client], since_ns[client] = has, at_ns
        for cursor, since in zip(had, since_ns, strict=True):
            self._age(cursor, since, seen.to_ns)

    def _deliver(self, at_ns: int, had: int, has: int) -> None:
        """Add the waits of the updates of the window that an answer brings."""
        low, high = max(self._first, has - 1 if self.polls.latest_only else had), min(self._end, has)
        if low < high:
            self.got.append(Got(at_ns, low, high))
            self.delivered += high - low
            self.wait_ns += (high - low) * at_ns - (self._sums[high] - self._sums[low])

    def _age(self, has: int, since_ns: int, until_ns: int) -> None:
        """Add the age of what a client has over a span of time, as far as that lies in the window."""
        low, high = max(since_ns, self.seen.from_ns), min(until_ns, self.seen.to_ns)
        if has and low < high:
            self.area_ns2 += (high - low) * (low + high - 2 * self.made_ns[has - 1]) // 2
            self.aged_ns += high - low

    def outcome(self, draws: int, later_seconds: float) -> CachedPolls:
        """Return the means. Clients are `later_seconds` later than those that were played, on average."""
        full, seconds = self.answers - self.empty, self.window.seconds
        updates = full if self.polls.latest_only else self.updates
        age_ns = self.area_ns2 / self.aged_ns + self.delay_ns if self.aged_ns else None
        return CachedPolls(
            wait_seconds=self.wait_ns / self.delivered / NS_PER_SECOND + later_seconds if self.delivered else None,
            age_seconds=None if age_ns is None else age_ns / NS_PER_SECOND + later_seconds,
            empty_fraction=self.empty / self.answers if self.answers else None,
            updates_per_response=updates / full if full else None,
            asked_per_second=self.asked / draws / seconds,
            waits=self._waits(later_seconds, self.delivered / draws / self.clients / seconds),
            spread=max(map(_spread, zip(*self.means, strict=True)), default=0.0),
        )

    def _waits(self, later_seconds: float, per_second: float) -> list[Piece]:
        """Return how long updates waited, some of them for all where there are many."""
        some = self.got[:: self.delivered // MOST_WAITS + 1]
        waits = [
            (one.at_ns - made) / NS_PER_SECOND + later_seconds
            for one in some
            for made in self.made_ns[one.first : one.end]
        ]
        return pieces_of(waits, per_second / max(1, len(waits)))


def _turned(phases_ns: Sequence[int], interval_ns: int, from_ns: int, first_ns: int) -> list[int]:
    """Return phases by which the first client that asks from an instant on asks at another, a little later."""
    wait_ns = min((phase_ns - from_ns) % interval_ns for phase_ns in phases_ns)
    return sorted((phase_ns + first_ns - from_ns - wait_ns) % interval_ns for phase_ns in phases_ns)


def _spread(means: Sequence[float]) -> float:
    """Return the standard deviation of means of several draws, as a part of their mean."""
    return stdev(means) / fmean(means) if len(means) > 1 else 0.0
