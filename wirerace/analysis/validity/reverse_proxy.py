"""The reverse proxy: whether it was at its limit."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the reverse proxy, if the path has one."""
    path, cost = evidence.raw.path, evidence.trial.reverse_proxy
    if not path.has_reverse_proxy:
        return
    if cost is None or cost.share is None:
        why = ": it was ended, as the experiment asks" if evidence.ends("proxy") else ""
        yield Finding("unchecked", f"what {path.proxy} spent{why}")
        return
    text = f"{path.proxy} {cost.said_busy}"
    yield from against(thresholds.REVERSE_UTILISATION, cost.share, f"the CPU time of {path.proxy}", text)
