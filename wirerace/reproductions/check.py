"""What a reproduction is made of: a published result, the experiment that shows it, and checks of what was measured."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from wirerace.experiment.model import Experiment
from wirerace.record.result import Raw
from wirerace.record.trial import Trial

Unit = Literal["seconds", "bytes", "microseconds", "fraction", "mbit", "ratio", "count"]


class Check(msgspec.Struct, frozen=True):
    """One published value beside the measured one. Seconds, bytes, Mbit/s or a plain number, as `unit` says.

    `published` is what the source says, or what follows from it; nothing where Wirerace has a figure to add. `measured`
    must lie between `low` and `high`, which `tolerance` explains; a figure without bounds is shown, and `passed` is
    None.
    """

    what: str
    unit: Unit
    published: str
    measured: float | None
    low: float | None
    high: float | None
    tolerance: str
    passed: bool | None


class Outcome(NamedTuple):
    """A trial, and the raw record that it was computed from."""

    trial: Trial
    raw: Raw


Outcomes = Mapping[str, Outcome]
"""What came of each trial, by its contestant."""


class Reproduction(NamedTuple):
    """A published result that Wirerace can check.

    `line` says what it is in a few words, `source` where it was published, `setup` what is run here, `words` what it
    shows and what it does not.
    """

    name: str
    line: str
    source: str
    setup: str
    words: str
    experiment: Experiment
    checks: Callable[[Outcomes], list[Check]]


class Found(NamedTuple):
    """What was measured, the unit in which it is to be spelled, and its value."""

    what: str
    unit: Unit
    value: float | None


def near(found: Found, published: str, of: float, percent: float) -> Check:
    """Return the check that a value is within so many percent of another one."""
    margin = abs(of) * percent / 100
    return between(found, published, (of - margin, of + margin), f"± {percent:g} %")


def between(found: Found, published: str, bounds: tuple[float, float], tolerance: str) -> Check:
    """Return the check that a value lies between two others, bounds included. What is unknown has not passed."""
    low, high = bounds
    passed = found.value is not None and low <= found.value <= high
    return Check(found.what, found.unit, published, found.value, low, high, tolerance, passed)


def shown(found: Found) -> Check:
    """Return a figure that nobody has published, to be seen beside the others."""
    return Check(found.what, found.unit, "", found.value, None, None, "", None)


def ratio(above: float | None, below: float | None) -> float | None:
    """Return a ratio, None when one of both is unknown or there is nothing to divide by."""
    return above / below if above is not None and below else None
