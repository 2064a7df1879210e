"""A contestant whose capacity is known, and a search for it without a process."""

import random
from typing import NamedTuple

from wirerace.analysis.capacity.search import Says, next_value
from wirerace.experiment.capacity import CapacityOptions

MOST_TRIALS = 5000
"""Far above what any search of these tests takes: one that gets here does not end."""


class Contestant(NamedTuple):
    """Meets the objectives below its capacity and misses them above it.

    In a band around it, which reaches from `1 - band` to `1 + band` of it, the probability falls from 1 to 0. A part
    `void` of the trials does not count.
    """

    capacity: float
    band: float = 0.0
    void: float = 0.0

    def says(self, value: float, chance: random.Random) -> Says:
        """Return what a trial at a value says."""
        if chance.random() < self.void:
            return "void"
        over = value / self.capacity - 1
        met = (over <= 0) if self.band == 0 else chance.random() < (self.band - over) / (2 * self.band)
        return "met" if met else "missed"


Tried = dict[float, list[Says]]


def searched(contestant: Contestant, start: float, options: CapacityOptions, seed: int = 0) -> Tried:
    """Return all marks of a search, in the order of the values as they were first tried."""
    marks: Tried = {}
    chance = random.Random(seed)
    for _ in range(MOST_TRIALS):
        if (value := next_value(marks, start, options)) is None:
            return marks
        marks.setdefault(value, []).append(contestant.says(value, chance))
    raise AssertionError(f"no end: {contestant}, {start}, {options}")
