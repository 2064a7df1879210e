"""The verdict: the findings of all checks of a trial. A check that cannot be made is named."""

from collections.abc import Callable, Iterator

import msgspec

from wirerace.analysis.validity import (
    arrivals,
    broker,
    browsers,
    clients,
    clock,
    load,
    machine,
    measured,
    messages,
    network,
    parts,
    producer,
    proxy,
    publisher,
    reverse_proxy,
    server,
    theory,
    trend,
    visits,
)
from wirerace.analysis.validity.finding import Evidence
from wirerace.record.trial import Finding, Verdict, Weight

Check = Callable[[Evidence], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    load.check,
    arrivals.check,
    machine.check,
    server.check,
    parts.check,
    producer.check,
    publisher.check,
    proxy.check,
    reverse_proxy.check,
    broker.check,
    network.check,
    clock.check,
    measured.check,
    trend.check,
    clients.check,
    visits.check,
    messages.check,
    browsers.check,
)
"""Every check, in the order in which findings are listed. Theory comes last, because it reads the others' findings."""


def verdict(evidence: Evidence) -> Verdict:
    """Return the verdict on a trial whose theory has been computed."""
    findings = [_named(finding, check.__module__) for check in CHECKS for finding in check(evidence)]
    explained = any(finding.weight != "unchecked" for finding in findings)
    of_theory = theory.check(evidence, explained=explained)
    return verdict_from([*findings, *(_named(finding, theory.__name__) for finding in of_theory)])


def _named(finding: Finding, module: str) -> Finding:
    """Return a finding with the part that it is about: its check's name, unless the check has named another."""
    return finding if finding.part else msgspec.structs.replace(finding, part=module.rpartition(".")[2])


def verdict_from(findings: list[Finding]) -> Verdict:
    """Return the verdict of findings: one reason makes a trial invalid."""
    texts: dict[Weight, list[str]] = {"reason": [], "doubt": [], "unchecked": []}
    for finding in findings:
        texts[finding.weight].append(finding.text)
    return Verdict(not texts["reason"], texts["reason"], texts["doubt"], texts["unchecked"], findings)
