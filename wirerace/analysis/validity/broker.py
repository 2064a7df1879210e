"""The broker that brings the feed to servers: whether it was at its limit."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, percent
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the broker, if there is one."""
    cost = evidence.trial.broker
    if cost is None:
        return
    if cost.utilisation is None:
        why = ": it was ended, as the experiment asks" if evidence.ends("broker") else ""
        yield Finding("unchecked", f"what the broker spent{why}")
        return
    text = f"the broker was busy {percent(cost.utilisation)} of a core"
    yield from against(thresholds.BROKER_UTILISATION, cost.utilisation, "the CPU time of the broker", text)
