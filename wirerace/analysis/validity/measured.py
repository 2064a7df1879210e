"""What was measured: whether there is enough of it for each figure."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, Finding
from wirerace.clock import to_ns


def check(evidence: Evidence) -> Iterator[Finding]:
    """Count the distinct updates beyond each percentile: all clients hear the same ones."""
    worst = [heard.most_ns for heard in evidence.raw.account.heard]
    latency = evidence.trial.latency_seconds
    known = {name: getattr(latency, name) for name in ("p50", "p90", "p99", "p999")}
    beyond = {name: sum(most_ns > to_ns(value) for most_ns in worst) for name, value in known.items() if value}
    few = [f"{name} ({count})" for name, count in beyond.items() if count < thresholds.LEAST_UPDATES_BEYOND]
    if few:
        least = thresholds.LEAST_UPDATES_BEYOND
        yield Finding("doubt", f"fewer than {least} updates lie beyond {', '.join(few)}: a longer window has more")
