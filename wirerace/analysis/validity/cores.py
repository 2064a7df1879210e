"""Whether a process had a core when it wanted one: what checks of the load, the server and others share."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import against, percent
from wirerace.record.trial import Finding


def starved(who: str, ran: float | None, waited: float | None, window_seconds: float) -> Iterator[Finding]:
    """Yield the findings about a process's time of running and of waiting for a core that something else had."""
    if ran is None or waited is None:
        yield Finding("unchecked", f"how long {who} waited for a core")
    elif waited > thresholds.STARVED_LEAST * window_seconds:
        fraction = waited / (waited + ran)
        text = f"{who} had no core {percent(fraction)} of the time that it wanted one"
        yield from against(thresholds.STARVED_FRACTION, fraction, who, text, "machine")


def throttled(who: str, throttled_seconds: float | None, window_seconds: float) -> Iterator[Finding]:
    """Yield the findings about the time in which a process's quota was used up."""
    # The kernel adds the times of all cores, so the sum may be longer than the window.
    fraction = None if throttled_seconds is None else min(1.0, throttled_seconds / window_seconds)
    text = f"{who} was throttled {percent(fraction)} of the time"
    yield from against(thresholds.THROTTLED_FRACTION, fraction, f"throttling of {who}", text)
