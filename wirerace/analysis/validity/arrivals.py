"""Arrivals: whose clock stamped them, how late they were read, and how many are upper bounds."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about stamps."""
    trial = evidence.trial
    if trial.clock == "user":
        cure = "use a kernel that stamps arrivals (SO_TIMESTAMPNS): Linux"
        text = "arrivals are read from the user-space clock"
        yield Finding("doubt", text, "the reader's lag is in every latency", cure)
        yield Finding("unchecked", "reader lag")
        return
    lag = trial.reader_lag_seconds.p99
    text = f"1 % of readings came {milliseconds(lag)} after their arrival or later"
    found = list(against(thresholds.READER_LAG_P99_SECONDS, lag, "reader lag", text))
    longest = trial.reader_lag_seconds.max
    if longest is not None and not any(finding.weight == "reason" for finding in found):
        text = f"something that had arrived was read {milliseconds(longest)} later"
        found += against(thresholds.STALLED_READER_SECONDS, longest, "reader lag", text)
    yield from found
    if trial.delivered:
        bounded = (trial.upper_bounds + evidence.raw.account.unstamped) / trial.delivered
        text = f"{percent(bounded)} of arrivals may have been earlier than their stamp"
        yield from against(thresholds.BOUNDED_FRACTION, bounded, "stamps", text)
