"""The link: whether its proxy kept the delay."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the link's proxy, where there is one."""
    delay_seconds, link = evidence.raw.link.delay_seconds, evidence.trial.link
    if not delay_seconds:
        return
    if link is None:
        yield Finding("unchecked", "whether the link's proxy kept the delay")
        return
    late, latest = link.late_seconds.p99, link.late_seconds.max
    if late is not None and late > thresholds.LINK_LATE_ALLOWED_SECONDS:
        text = f"the link's proxy forwarded 1 % {milliseconds(late)} late or later"
        yield from against(thresholds.LINK_LATE_FRACTION, late / delay_seconds, "the link's lateness", text)
    if latest is not None:
        text = f"the link's proxy forwarded something {milliseconds(latest)} late"
        yield from against(thresholds.STALLED_LINK_SECONDS, latest, "the link's lateness", text)
    text = f"the link's proxy had work {percent(link.utilisation)} of the time"
    yield from against(thresholds.LINK_UTILISATION, link.utilisation, "the link's CPU time", text)
