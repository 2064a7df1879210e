"""The parts of a reproduction: a published result, the experiment that shows it, and checks of the measurement."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from wirerace.experiment.model import Experiment, document_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import Study, alone, with_value
from wirerace.record.result import Raw
from wirerace.record.trial import Trial

Unit = Literal["seconds", "bytes", "microseconds", "fraction", "mbit", "ratio", "count"]


class Check(msgspec.Struct, frozen=True):
    """One published value beside the measured one. Seconds, bytes, Mbit/s or a plain number, as `unit` says.

    `published` is what the source says, or what follows from it; it is empty for a figure that Wirerace adds.
    `measured` must lie between `low` and `high`, which `tolerance` explains. A figure without bounds is only shown, and
    its `passed` is None.
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
"""The outcome of each trial, by its contestant; in a sweep by contestant and setting: websocket-at-0."""


Scene = Callable[[Study, Path], list[Check]]
"""Something that is played instead of trials: it gets the experiment and the directory of the run."""


class Reproduction(NamedTuple):
    """A published result that Wirerace can check.

    `line` describes it in a few words, `source` says where it was published, `setup` what is run here, and `words` what
    it shows and what it does not. `sweep` has the values of the keys that are swept, as in a file: clients.count. With
    a `scene` there are no trials: the scene itself returns the checks.
    """

    name: str
    line: str
    source: str
    setup: str
    words: str
    experiment: Experiment
    checks: Callable[[Outcomes], list[Check]]
    sweep: Mapping[str, Sequence[float]] = {}
    scene: Scene | None = None

    @property
    def study(self) -> Study:
        """The experiment at all settings of the sweep, or alone without one."""
        if not self.sweep:
            return alone(self.experiment)
        document = document_of(self.experiment)
        for key, values in self.sweep.items():
            document = with_value(document, key.split("."), list(values))
        return study_of(document, Path())


class Found(NamedTuple):
    """A measured quantity: its name, its unit, and its value."""

    what: str
    unit: Unit
    value: float | None


def near(found: Found, published: str, of: float, percent: float) -> Check:
    """Return the check that a value is within `percent` of another one."""
    margin = abs(of) * percent / 100
    return between(found, published, (of - margin, of + margin), f"± {percent:g} %")


def between(found: Found, published: str, bounds: tuple[float, float], tolerance: str) -> Check:
    """Return the check that a value lies between two bounds, inclusive. An unknown value has not passed."""
    low, high = bounds
    passed = found.value is not None and low <= found.value <= high
    return Check(found.what, found.unit, published, found.value, low, high, tolerance, passed)


def shown(found: Found) -> Check:
    """Return a figure that was not published, to show beside the others."""
    return Check(found.what, found.unit, "", found.value, None, None, "", None)


def ratio(above: float | None, below: float | None) -> float | None:
    """Return a ratio, None when a value is unknown or the divisor is 0."""
    return above / below if above is not None and below else None
