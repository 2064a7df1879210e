"""A figure: a quantity of a trial that can be compared, and the words for comparing it."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from wirerace.record.trial import Trial


class Words(NamedTuple):
    """The words for a value that is smaller than another, larger than it, or a multiple of it.

    `fell` and `rose` say in one word that the same figure is smaller, or larger, than it was.
    """

    smaller: str
    larger: str
    times: str
    fell: str
    rose: str


LESS, CHEAPER, FEWER, SOONER, YOUNGER = (
    Words(*words)
    for words in (
        ("less", "more", "as much", "less", "more"),
        ("less", "more", "as much", "cheaper", "dearer"),
        ("fewer", "more", "as many", "fewer", "more"),
        ("sooner", "later", "as late", "faster", "slower"),
        ("younger", "older", "as old", "younger", "older"),
    )
)


class Figure(NamedTuple):
    """One comparable quantity of a trial; `of` returns None if the trial has none.

    `total` figures add up over repeats, and the others are averaged. `if_any` figures get a row only if a trial has a
    value other than 0. No value is below `least` or above `most`.
    """

    id: str
    unit: str
    label: str
    about: str
    of: Callable[[Trial], float | None]
    words: Words = LESS
    better: Literal["less", "more"] = "less"
    primary: bool = False
    total: bool = False
    if_any: bool = False
    least: float = 0.0
    most: float = math.inf
