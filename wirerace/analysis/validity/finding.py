"""The input of a check, and how a check reports its findings."""

from collections.abc import Iterator
from typing import NamedTuple

from wirerace.analysis.thresholds import Limit
from wirerace.experiment.faults import Fault, FaultKind, FaultPlace
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan
from wirerace.record.result import Raw
from wirerace.record.trial import Finding, Trial


class Evidence(NamedTuple):
    """What a trial is judged by: its plan, the raw record, and the figures with their theory."""

    plan: Plan
    raw: Raw
    trial: Trial

    @property
    def experiment(self) -> Experiment:
        """The experiment of the trial."""
        return self.plan.experiment

    def faults(self, kind: FaultKind, *places: FaultPlace) -> list[Fault]:
        """Return the experiment's faults of a kind; if places are given, only those at one of them."""
        return [one for one in self.experiment.faults if one.kind == kind and (not places or one.on in places)]

    def ends(self, place: FaultPlace) -> int:
        """Return how often the experiment ends a part, which is then started again."""
        return sum(one.ends_a_part and one.on == place for one in self.experiment.faults)

    @property
    def breaks_connections(self) -> bool:
        """Whether the experiment breaks connections of clients, other than by letting the load cut them."""
        return any(one.ends_a_part or (one.kind, one.on) == ("cut", "proxy") for one in self.experiment.faults)


def against(limit: Limit, value: float | None, name: str, spelled: str, part: str = "") -> Iterator[Finding]:
    """Yield the finding for a value above a limit. `spelled` is its text; `name` is the text if it is unknown.

    `part` is the part that it is about, if it is not the one that the check is named after.
    """
    if value is None:
        yield Finding("unchecked", name, part=part)
    elif limit.invalid is not None and value > limit.invalid:
        yield Finding("reason", spelled, limit.why, limit.cure, part)
    elif limit.doubt is not None and value > limit.doubt:
        yield Finding("doubt", spelled, limit.why, limit.cure, part)


def percent(fraction: float | None) -> str:
    """Return a fraction in percent."""
    return "" if fraction is None else f"{100 * fraction:.3g} %"


def seconds(duration_seconds: float) -> str:
    """Return a long duration in seconds, as text."""
    return f"{duration_seconds:.3g} s"


def milliseconds(seconds: float | None) -> str:
    """Return a duration in milliseconds, as text."""
    return "" if seconds is None else f"{1000 * seconds:.3g} ms"
