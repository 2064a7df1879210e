"""Random numbers: one generator for each purpose, derived from a seed and the purpose's name.

Two purposes with one generator, or two generators with the same start, would depend on each other. A burst's phase, for
example, would equal its own first gap.
"""

import random
import string

_LETTER_OF_BYTE = bytes(ord(string.ascii_lowercase[byte % 26]) for byte in range(256))


def stream(seed: int, *name: str | int) -> random.Random:
    """Return the generator of one purpose: the same for the same seed and name, independent of every other one."""
    return random.Random("/".join(map(str, (seed, *name))))


def letters_of(source: random.Random, count: int) -> str:
    """Return that many random letters, each of one byte."""
    return source.randbytes(count).translate(_LETTER_OF_BYTE).decode("ascii")
