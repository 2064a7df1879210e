"""Refusals: a test asserts the place and the cure of an error line, not its sentence."""

import re
from collections.abc import Iterable


def lacking(line: str, place: str, facts: Iterable[str]) -> list[str]:
    """Return what a refusal lacks: that it is one line, the place at its beginning, each fact after it in any order.

    A fact is a value, a limit, a name or a list of choices. It counts as a whole: "1" is not in "10" or in "0.1". Each
    fact has its own piece of the line: the value "0" is not in the limit "above 0".
    """
    lacks = [] if [line] == line.splitlines() else ["one line"]
    rest = line.removeprefix(place)
    if not line.startswith(place) or (place and re.match(r"[\w.\[]", rest)):
        lacks.append(place)
    for fact in sorted(facts, key=len, reverse=True):
        rest, found = re.subn(rf"(?<![\w.-]){re.escape(fact)}(?!\w|\.\d)", "…", rest, count=1)
        if not found:
            lacks.append(fact)
    return lacks
