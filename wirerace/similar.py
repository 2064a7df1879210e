"""Names that were mistyped: which of those that there are may have been meant."""

import difflib
from collections.abc import Collection

MOST_MEANT = 3
ALIKE = 0.6
"""How much two names have in common if one may be the other, from 0 to 1."""


def similar(name: str, known: Collection[str], alike: float = ALIKE) -> list[str]:
    """Return the names that may have been meant, the most similar first: those like it, then those it is a part of."""
    close = difflib.get_close_matches(name, known, n=MOST_MEANT, cutoff=alike)
    within = [one for one in known if name in one.split("_") or one.startswith(f"{name}_")]
    return list(dict.fromkeys([*close, *within]))[:MOST_MEANT]


def did_you_mean(names: Collection[str]) -> str:
    """Return the question of an error, with the semicolon before it; a semicolon alone without a name."""
    return f"; did you mean {' or '.join(names)}?" if names else ";"
