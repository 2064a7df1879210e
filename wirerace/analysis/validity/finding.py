"""What a check looks at, and how it says what it has found."""

from collections.abc import Iterator
from typing import NamedTuple

from wirerace.analysis.thresholds import Limit
from wirerace.experiment.faults import Fault, FaultKind, FaultPlace
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Finding, Trial


class Evidence(NamedTuple):
    """What a trial is judged by: what was asked for, the raw record, and the figures with their theory."""

    plan: Plan
    raw: Raw
    trial: Trial

    @property
    def experiment(self) -> Experiment:
        """What was asked for."""
        return self.plan.experiment

    def faults(self, kind: FaultKind, *places: FaultPlace) -> list[Fault]:
        """Return the faults of a kind that were asked for; on one of some places, where any are named."""
        return [one for one in self.experiment.faults if one.kind == kind and (not places or one.on in places)]


def against(limit: Limit, value: float | None, name: str, spelled: str) -> Iterator[Finding]:
    """Yield what a value means that must not be above a limit; `spelled` says what it is, `name` what is unknown."""
    if value is None:
        yield Finding("unchecked", name)
    elif limit.invalid is not None and value > limit.invalid:
        yield Finding("reason", spelled, limit.why, limit.cure)
    elif limit.doubt is not None and value > limit.doubt:
        yield Finding("doubt", spelled, limit.why, limit.cure)


def percent(fraction: float | None) -> str:
    """Return a fraction as people read it."""
    return "" if fraction is None else f"{100 * fraction:.3g} %"


def seconds(duration_seconds: float) -> str:
    """Return a long duration as people read it."""
    return f"{duration_seconds:.3g} s"


def milliseconds(seconds: float | None) -> str:
    """Return a duration as people read it."""
    return "" if seconds is None else f"{1000 * seconds:.3g} ms"
