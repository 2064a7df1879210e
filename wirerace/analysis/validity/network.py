"""The network: segments that were sent again."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against
from wirerace.experiment.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of TCP."""
    counted = evidence.trial.bytes
    segments_in, again = counted.segments_in, counted.retransmitted
    segments = (segments_in or 0) + (counted.segments_out or 0)
    fraction = None if again is None or segments_in is None else again / max(segments, again, 1)
    text = f"{again} segments were sent again beside {segments} of the trial"
    yield from against(thresholds.RETRANSMITTED_FRACTION, fraction, "retransmissions", text)
