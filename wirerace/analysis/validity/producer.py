"""The producer: whether it lived, and kept its schedule."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, Finding, against, milliseconds


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the producer."""
    trial = evidence.trial
    if len(evidence.raw.truth.epochs) > 1:
        yield Finding("reason", "the producer died and was started again: what was due meanwhile was never made")
    late = trial.producer.late_seconds_p99
    if trial.updates:
        text = f"1 % of updates were made {milliseconds(late)} late or later"
        yield from against(thresholds.PRODUCER_LATE_P99_SECONDS, late, "the producer's lateness", text)
