"""The clock: whether somebody set it in the window."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, Finding, milliseconds


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the wall clock."""
    trial = evidence.trial
    median, stepped = trial.latency_seconds.p50, abs(trial.machine.clock_stepped_seconds)
    most = max(thresholds.CLOCK_STEP_OF_MEDIAN * (median or 0), thresholds.CLOCK_READING_SECONDS)
    if stepped > most:
        text = f"the wall clock was set by {milliseconds(stepped)} in the window"
        yield Finding("reason", f"{text}: latencies are differences of it")
