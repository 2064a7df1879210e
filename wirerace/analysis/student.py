"""Student's t distribution, for whole degrees of freedom: intervals over few repeats, and the test of a slope."""

import math
from functools import lru_cache

HIGHEST_T, HALVINGS = 1e6, 80


def probability_within(t: float, freedom: int) -> float:
    """Return the probability that |T| is at most `t`, with `freedom` degrees of freedom, at least 1.

    The finite series of Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(t, math.sqrt(freedom))
    cos, odd = math.cos(angle), freedom % 2
    term = total = cos if odd else 1.0
    if freedom == 1:
        total = 0.0
    for factor in range(2 if odd else 1, freedom - 2, 2):
        term *= cos * cos * factor / (factor + 1)
        total += term
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


@lru_cache
def t_within(probability: float, freedom: int) -> float:
    """Return the t that |T| does not exceed with this probability, below 1: 0.95 for a 95 % interval."""
    low, high = 0.0, HIGHEST_T
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if probability_within(middle, freedom) < probability else (low, middle)
    return high
