"""Random numbers: one generator for each purpose, derived from a seed and the purpose's name.

Two purposes with one generator, or two generators with the same start, would depend on each other. A burst's phase, for
example, would equal its own first gap.
"""

import random


def stream(seed: int, *name: str | int) -> random.Random:
    """Return the generator of one purpose: the same for the same seed and name, independent of every other one."""
    return random.Random("/".join(map(str, (seed, *name))))
