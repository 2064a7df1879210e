"""The path: whether its proxy, the link, forwarded when it had to."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.experiment.paths import SEGMENT_BYTES, NetworkPath
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the proxy, if there is one."""
    path, proxy = evidence.raw.path, evidence.trial.proxy
    if not path.has_proxy:
        return
    is_asked = evidence.ends("proxy") or evidence.faults("stall", "proxy")
    if is_asked and not path.has_reverse_proxy:  # else it was asked of that one
        yield Finding("unchecked", "whether the proxy kept the delay: a fault was asked of it")
        return
    if proxy is None:
        yield Finding("unchecked", "whether the proxy kept the delay")
        return
    late, latest, demanded_seconds = proxy.late_seconds.p99, proxy.late_seconds.max, demanded(path)
    if demanded_seconds and late is not None and late > thresholds.PROXY_LATE_ALLOWED_SECONDS:
        text = f"the proxy forwarded 1 % {milliseconds(late)} late or later"
        yield from against(thresholds.PROXY_LATE_FRACTION, late / demanded_seconds, "the proxy's lateness", text)
    if latest is not None:
        text = f"the proxy forwarded something {milliseconds(latest)} late"
        yield from against(thresholds.STALLED_PROXY_SECONDS, latest, "the proxy's lateness", text)
    text = f"the proxy had work {percent(proxy.utilisation)} of the time"
    yield from against(thresholds.PROXY_UTILISATION, proxy.utilisation, "the proxy's CPU time", text)


def demanded(path: NetworkPath) -> float:
    """Return the longest that a link demands of a full segment; 0 if it adds no time of its own."""
    bits = path.bandwidth_bits_per_second
    return path.most_way_seconds + (8 * SEGMENT_BYTES / bits if bits else 0.0)
