"""The verdict: what all checks have found of a trial. A check that cannot be made is named."""

from collections.abc import Callable, Iterator

from wirerace.analysis.validity import (
    arrivals,
    clients,
    clock,
    load,
    machine,
    measured,
    network,
    producer,
    server,
    theory,
    trend,
)
from wirerace.analysis.validity.finding import Evidence, Finding, Weight
from wirerace.experiment.trial import Verdict

Check = Callable[[Evidence], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    load.check,
    arrivals.check,
    machine.check,
    server.check,
    producer.check,
    network.check,
    clock.check,
    measured.check,
    trend.check,
    clients.check,
)
"""Every check, in the order in which findings are listed. Theory comes last: it looks at what the others found."""


def verdict(evidence: Evidence) -> Verdict:
    """Return the verdict on a trial whose theory has been computed."""
    found: dict[Weight, list[str]] = {"reason": [], "doubt": [], "unchecked": []}
    for check in CHECKS:
        for weight, text in check(evidence):
            found[weight].append(text)
    for weight, text in theory.check(evidence, explained=bool(found["reason"] or found["doubt"])):
        found[weight].append(text)
    return Verdict(not found["reason"], found["reason"], found["doubt"], found["unchecked"])
