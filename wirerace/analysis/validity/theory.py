"""Theory: which quantities are outside of their tolerance, by how much, and the possible cause."""

from collections.abc import Iterator
from typing import NamedTuple

from wirerace.analysis.tolerances import FAR
from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.model import Experiment
from wirerace.record.trial import Cell, Condition, Finding, Trial
from wirerace.theory import find_theory
from wirerace.theory.conditions import CONDITIONS

CLOSER = "look at the parts of the latency and at the server's log in logs/, and measure again"


def is_predicted(experiment: Experiment) -> bool:
    """Return whether theory applies: only to clients that stay, and to parts that run without a break."""
    return experiment.clients.shape == "steady" and not experiment.faults


def check(evidence: Evidence, *, explained: bool) -> Iterator[Finding]:
    """Yield the findings about theory. A deviation is `explained` if another check found anything."""
    trial, transport = evidence.trial, evidence.plan.transport.name
    if is_predicted(evidence.experiment) and not trial.theory:
        is_known = find_theory(transport) is not None
        text = "theory: too little was measured to predict from" if is_known else f"no theory of {transport}"
        yield Finding("unchecked", text)
    cause = _cause(trial, explained=explained)
    for cell in trial.theory:
        if cell.within is False:
            ratio = "" if cell.ratio is None else f", {cell.ratio:.3g} × the {cell.kind}"
            text = f"{cell.quantity.removesuffix('_seconds').replace('_', ' ')} is outside of what theory allows{ratio}"
            far = is_far(cell) and not cause.excuses
            yield Finding("reason" if far else "doubt", text, cause.why, cause.cure)


def is_far(cell: Cell) -> bool:
    """Return whether a measurement is so far from theory that another setting must have been measured."""
    if cell.measured is None or cell.given is None:
        return False
    relative, absolute = FAR[cell.quantity]
    return abs(cell.measured - cell.given) > relative * abs(cell.given) + absolute


class _Cause(NamedTuple):
    """The possible cause of a deviation. It `excuses` a deviation of any size when theory does not apply."""

    why: str
    cure: str
    excuses: bool = False


def _cause(trial: Trial, *, explained: bool) -> _Cause:
    broken = [condition for condition in trial.conditions if not condition.holds]
    if broken:
        words = " and ".join(CONDITIONS[one.name].broken(one.value) for one in broken)
        excuses = any(_excuses(one) for one in broken)
        return _Cause(f"theory does not hold here, because {words}", CONDITIONS[broken[0].name].cure, excuses)
    if explained:
        return _Cause("see the other findings", "do what they say")
    return _Cause("nothing else was found that would explain it", CLOSER)


def _excuses(condition: Condition) -> bool:
    limit = CONDITIONS[condition.name].excuses
    return limit is not None and condition.value >= limit
