"""Replaying pollers before a shared cache: all clients of a channel together, because they share what is stored."""

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate, count, starmap
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.paths import CACHE_TICK_SECONDS
from wirerace.observe.account import Window
from wirerace.streams import stream
from wirerace.theory.cache import CachedPolls, Polls, SharedCache
from wirerace.theory.distribution import Piece, pieces_of
from wirerace.theory.recorded import Recorded

GOLDEN = (math.sqrt(5) - 1) / 2
"""The step from one client's phase to the next, as the load has it."""
LEAST_CLIENTS, MOST_CLIENTS = 20, 200
"""How many are replayed: of more, each adds little."""
MOST_DRAWS = 32
"""Of the phases, which no record has."""
MOST_WAITS = 50_000
"""How many waits are listed. Of more, some stand for all."""


class Got(NamedTuple):
    """An answer with updates: when it was given, and how many updates of the record its client had before and after."""

    at_ns: int
    had: int
    has: int


def replayed(recorded: Recorded, cache: SharedCache, polls: Polls, delay_seconds: float) -> CachedPolls | None:
    """Return what clients got that asked through a cache, as means over possible phases; None without any update.

    The replay begins with the first recorded update: all clients wait for it, and an empty answer is stored.
    """
    if not recorded.made_ns:
        return None
    window, draw = recorded.window, stream(1, "cache").random
    rounds = max(1, (window.to_ns - recorded.made_ns[0]) // to_ns(polls.interval_seconds))
    clients = min(max(1, polls.clients), MOST_CLIENTS, max(LEAST_CLIENTS, recorded.replayed // rounds))
    replay = CacheReplay(recorded, cache, polls, clients, to_ns(delay_seconds))
    for number in range(max(1, min(MOST_DRAWS, recorded.replayed // (rounds * clients)))):
        replay.play(draw(), number)
    # With more clients, the mean one is a little later after the first of them.
    later_seconds = polls.after_first_seconds - polls._replace(clients=clients).after_first_seconds
    return replay.outcome(later_seconds)


class CacheReplay:
    """Sums over the answers to all clients. Updates count that are made in the window, answers that arrive in it."""

    def __init__(self, recorded: Recorded, cache: SharedCache, polls: Polls, clients: int, delay_ns: int) -> None:
        self.made_ns, self.window, self.cache, self.polls = recorded.made_ns, recorded.window, cache, polls
        self.clients, self.delay_ns = clients, delay_ns
        self.draws = self.answers = self.empty = self.updates = self.asked = self.area_ns2 = self.aged_ns = 0
        self.got: list[Got] = []
        self.first, self.end = (bisect_left(self.made_ns, at_ns) for at_ns in (self.window.from_ns, self.window.to_ns))
        self._sums = [0, *accumulate(self.made_ns)]

    def play(self, phase: float, number: int) -> None:
        """Play clients whose phases are steps of the golden ratio from `phase`."""
        self.draws += 1
        made_ns, delay_ns, lag_ns = self.made_ns, self.delay_ns, to_ns(self.cache.lag_seconds)
        seen = Window(self.window.from_ns - delay_ns, self.window.to_ns - delay_ns)
        interval_ns, begin_ns = to_ns(self.polls.interval_seconds), made_ns[0]
        tick_ns, life_ticks = to_ns(CACHE_TICK_SECONDS), round(self.cache.longest_seconds / CACHE_TICK_SECONDS)
        phases_ns = sorted(int((phase + client * GOLDEN) % 1 * interval_ns) for client in range(self.clients))
        had, since_ns = [0] * self.clients, [seen.from_ns] * self.clients
        newest = 0  # how many updates have been made
        first_tick = (begin_ns + lag_ns) // tick_ns + 1 + number % life_ticks
        stored = {0: (first_tick, 0)}  # under the cursor that is asked with: when it is too old, and its own cursor
        last_ns = self.window.to_ns + interval_ns + life_ticks * tick_ns
        for round_ns in count(begin_ns, interval_ns):
            if round_ns > last_ns:
                break
            for client, phase_ns in enumerate(phases_ns):
                at_ns, cursor = round_ns + phase_ns, had[client]
                tick = (at_ns + lag_ns) // tick_ns
                old_tick, has = stored.get(cursor, (0, 0))
                if old_tick <= tick:
                    newest = bisect_right(made_ns, at_ns, newest)
                    has = newest
                    stored[cursor] = tick + life_ticks, has
                    self.asked += seen.has(at_ns)
                if seen.has(at_ns):
                    self.answers += 1
                    self.empty += has == cursor
                    self.updates += has - cursor
                if has > cursor:
                    self.got.append(Got(at_ns, cursor, has))
                    self._age(cursor, since_ns[client], at_ns, seen)
                    had[client], since_ns[client] = has, at_ns
        for cursor, since in zip(had, since_ns, strict=True):
            self._age(cursor, since, seen.to_ns, seen)

    def _age(self, has: int, since_ns: int, until_ns: int, seen: Window) -> None:
        """Add the age of what a client has over a span of time, as far as that lies in the window."""
        low, high = max(since_ns, seen.from_ns), min(until_ns, seen.to_ns)
        if has and low < high:
            self.area_ns2 += (high - low) * (low + high - 2 * self.made_ns[has - 1]) // 2
            self.aged_ns += high - low

    def outcome(self, later_seconds: float) -> CachedPolls:
        """Return the means. Clients are `later_seconds` later than those that were played, on average."""
        full, seconds = self.answers - self.empty, self.window.seconds
        updates = full if self.polls.latest_only else self.updates
        spans = [(one, *span) for one in self.got if (span := self._span(one))]
        delivered, wait_ns = sum(high - low for _, low, high in spans), sum(starmap(self._wait_ns, spans))
        age_ns = self.area_ns2 / self.aged_ns + self.delay_ns if self.aged_ns else None
        return CachedPolls(
            wait_seconds=wait_ns / delivered / NS_PER_SECOND + later_seconds if delivered else None,
            age_seconds=None if age_ns is None else age_ns / NS_PER_SECOND + later_seconds,
            empty_fraction=self.empty / self.answers if self.answers else None,
            updates_per_response=updates / full if full else None,
            asked_per_second=self.asked / self.draws / seconds,
            waits=self._waits(spans[:: delivered // MOST_WAITS + 1], delivered / self.draws / self.clients / seconds),
        )

    def _span(self, one: Got) -> tuple[int, int] | None:
        """Return which of the window's updates an answer brought: the first, and that after the last."""
        low, high = max(self.first, one.has - 1 if self.polls.latest_only else one.had), min(self.end, one.has)
        return (low, high) if low < high else None

    def _wait_ns(self, one: Got, low: int, high: int) -> int:
        return (high - low) * one.at_ns - (self._sums[high] - self._sums[low])

    def _waits(self, spans: list[tuple[Got, int, int]], per_second: float) -> list[Piece]:
        """Return how long updates waited, some of which stand for all."""
        waits = [(one.at_ns - made) / NS_PER_SECOND for one, low, high in spans for made in self.made_ns[low:high]]
        return pieces_of(waits, per_second / max(1, len(waits)))
