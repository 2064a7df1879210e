"""A long-polling client looked at in every tick of the clock: the oracle for the replay, which jumps between events."""

from collections.abc import Sequence
from typing import NamedTuple

from wirerace.observe.account import Window


class Watched(NamedTuple):
    """The observations of a client, in ticks.

    `answers` has how many updates each answer of the window brought, `waits` how long each update made in the window
    waited for its answer, `ages` the age in the middle of each tick of the window.
    """

    answers: list[int]
    waits: list[int]
    ages: list[float]


def watch(made: Sequence[int], window: Window, gap: int, hold: int) -> Watched:
    """Watch a client that has the first update, from its making on, until every update of the window is answered."""
    seen, had, back_at, deadline = Watched([], [], []), made.count(made[0]), made[0] + gap, -1
    for now in range(made[0], window.to_ns + gap + 1):
        there = sum(at <= now for at in made)
        if now == back_at:
            deadline = now + hold
        if back_at <= now and (there > had or now == deadline):
            if window.has(now):
                seen.answers.append(there - had)
            seen.waits.extend(now - at for at in made[had:there] if window.has(at))
            had, back_at = there, now + gap
        if window.has(now):
            seen.ages.append(now + 0.5 - max(made[:had]))
    return seen
