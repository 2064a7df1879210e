"""The clock: whether it was set in the window, and whether every arrival is after its making."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, milliseconds
from wirerace.clock import NS_PER_SECOND
from wirerace.record.result import Raw
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the wall clock."""
    yield from _steps(evidence)
    yield from _order(evidence)


def _steps(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    median, stepped = trial.latency_seconds.p50, abs(trial.machine.clock_stepped_seconds)
    most = max(thresholds.CLOCK_STEP_OF_MEDIAN * (median or 0), thresholds.CLOCK_READING_SECONDS)
    if stepped > most:
        text = f"the wall clock was set by {milliseconds(stepped)} in the window"
        yield Finding("reason", text, "latencies are differences of it", "stop what sets the clock (NTP), and repeat")


def _order(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding if an update was received before it was made, by more than the clock can explain."""
    unsure = thresholds.CLOCK_READING_SECONDS + abs(evidence.trial.machine.clock_stepped_seconds)
    early = max(_early_seconds(evidence.raw), default=0.0)
    if early > unsure:
        text = f"an update was received {milliseconds(early)} before it was made"
        cure = "measure again; if it stays, compare with a packet capture: the stamps of this machine are wrong"
        yield Finding("reason", text, "nothing arrives before it is made, so latencies are too small", cure)


def _early_seconds(raw: Raw) -> Iterator[float]:
    """Yield how long before its making each update first arrived; negative is normal.

    Latency is counted from when an update was due; it was made `late_ns` after that.
    """
    if raw.account.latencies.min_ns is not None:
        yield -raw.account.latencies.min_ns / NS_PER_SECOND
    spread_of = raw.account.spread_of
    for made in raw.truth.epochs:
        for seq, late_ns in zip(made.seq, made.late_ns, strict=True):
            if (spread := spread_of.get((made.sequence, seq))) is not None:
                yield (late_ns - spread.least_ns) / NS_PER_SECOND
