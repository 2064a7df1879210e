"""The path: whether its proxy kept the delay."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the proxy, if there is one."""
    delay_seconds, proxy = evidence.raw.path.delay_seconds, evidence.trial.proxy
    if not delay_seconds:
        return
    if evidence.ends("proxy") or evidence.faults("stall", "proxy"):
        yield Finding("unchecked", "whether the proxy kept the delay: a fault was asked of it")
        return
    if proxy is None:
        yield Finding("unchecked", "whether the proxy kept the delay")
        return
    late, latest = proxy.late_seconds.p99, proxy.late_seconds.max
    if late is not None and late > thresholds.PROXY_LATE_ALLOWED_SECONDS:
        text = f"the proxy forwarded 1 % {milliseconds(late)} late or later"
        yield from against(thresholds.PROXY_LATE_FRACTION, late / delay_seconds, "the proxy's lateness", text)
    if latest is not None:
        text = f"the proxy forwarded something {milliseconds(latest)} late"
        yield from against(thresholds.STALLED_PROXY_SECONDS, latest, "the proxy's lateness", text)
    text = f"the proxy had work {percent(proxy.utilisation)} of the time"
    yield from against(thresholds.PROXY_UTILISATION, proxy.utilisation, "the proxy's CPU time", text)
