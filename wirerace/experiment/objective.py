"""Objectives: what a figure must be, as an experiment file says it: latency.p99 < 0.2."""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from wirerace.errors import BadInput, shown

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_SIGNS = re.compile(r"[<>=!~≤≥≠]+")
_FIGURE = re.compile(r"[\w.]{1,80}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
EXAMPLE = '"latency.p99 < 0.2"'
RATIO = "x"
"""What follows the number of a ratio: 1.2x."""


class Objective(NamedTuple):
    """A figure, and the limit that it must keep to; `is_ratio` if the limit is for a ratio of two results."""

    text: str
    figure: str
    sign: str
    limit: float
    is_ratio: bool = False

    def holds(self, value: float) -> bool:
        """Return whether a value is as it says."""
        return OPERATORS[self.sign](value, self.limit)


def objective_of(text: str, at: str) -> Objective:
    """Return the objective in a text; errors call it `at`. Its figure need not exist.

    Raises BadInput, naming the cure.
    """
    found = condition_of(text, at, EXAMPLE)
    if found.is_ratio:
        number = f"{found.limit:g}"
        raise BadInput(
            f"{at}: {number}{RATIO} is a ratio, which only `wirerace compare --fail-if` knows, got {shown(text)}"
        )
    return found


def condition_of(text: str, at: str, example: str) -> Objective:
    """Return a figure with a limit, for a value or for a ratio: 0.2, or 1.2x.

    Raises BadInput, naming the cure and the example.
    """
    wanted = f"{at} must be a figure, one of {' '.join(OPERATORS)}, and a number, such as {example}, got {shown(text)}"
    sign = _SIGNS.search(text)
    if sign is None or sign.group() not in OPERATORS:
        raise BadInput(wanted)
    figure, number = text[: sign.start()].strip(), text[sign.end() :].strip()
    plain = number.removesuffix(RATIO)
    if _FIGURE.fullmatch(figure) is None:
        raise BadInput(wanted)
    if _NUMBER.fullmatch(plain) is None or not math.isfinite(float(plain)):
        raise BadInput(f"{wanted}: a number without a unit, in seconds, bytes or parts of 1")
    return Objective(text.strip(), figure, sign.group(), float(plain), plain != number)


def objectives_in(texts: Sequence[str], at: str = "objectives") -> Iterator[Objective]:
    """Yield the objectives of a list.

    Raises BadInput, naming the member and the cure, for one that is none, or that is there twice.
    """
    found: list[Objective] = []
    for number, text in enumerate(texts):
        objective = objective_of(text, f"{at}[{number}]")
        if any(objective[1:] == other[1:] for other in found):
            raise BadInput(f"{at}[{number}]: {shown(text)} is there already: leave it out")
        found.append(objective)
    yield from found
