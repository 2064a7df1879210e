"""The trend: whether latency had settled when the window began."""

import math
from collections.abc import Iterator
from statistics import fmean, linear_regression

from wirerace.analysis import thresholds
from wirerace.analysis.student import probability_within
from wirerace.analysis.validity.finding import Evidence, milliseconds
from wirerace.clock import NS_PER_SECOND
from wirerace.record.trial import Finding

THIRD = thresholds.TREND_BINS // 3
"""The number of bins at either end that are compared."""
CURES = {
    "rises": "use fewer clients or updates: something cannot keep up",
    "falls": "use a longer window.warmup_seconds",
}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding if latency has a trend in the window, from the means of its tenths: warm-up was too short."""
    raw = evidence.raw
    bins: list[list[float]] = [[] for _ in range(thresholds.TREND_BINS)]
    from_ns, to_ns_ = raw.window.from_ns, raw.window.to_ns
    made_at = raw.truth.made_at
    for key, spread in raw.account.spread_of.items():
        place = (made_at[key] - from_ns) * thresholds.TREND_BINS // (to_ns_ - from_ns)
        bins[place].append(spread.sum_ns / spread.clients / NS_PER_SECOND)
    means = [sum(latencies) / len(latencies) for latencies in bins if latencies]
    if len(means) < thresholds.TREND_BINS:
        if evidence.trial.updates and evidence.trial.latency_seconds.mean is not None:
            yield Finding("unchecked", "a trend of the latency in the window: some of its tenths have no update")
        return
    first, last = fmean(means[:THIRD]), fmean(means[-THIRD:])
    if abs(last - first) > thresholds.TREND_CHANGE * fmean(means) and _is_slope(means):
        direction = "rises" if last > first else "falls"
        text = f"latency {direction} over the window, from {milliseconds(first)} to {milliseconds(last)}"
        if evidence.experiment.faults:
            yield Finding("unchecked", f"whether latency has settled: {text}, with faults in it")
        else:
            yield Finding("doubt", text, "it has not settled", CURES[direction])


def _is_slope(values: list[float]) -> bool:
    """Return whether a straight line through successive values rises or falls by more than chance."""
    line = linear_regression(range(len(values)), values)
    errors = [value - line.intercept - line.slope * index for index, value in enumerate(values)]
    freedom = len(values) - 2
    noise = math.sqrt(sum(error**2 for error in errors) / freedom)
    spread = math.sqrt(sum((index - (len(values) - 1) / 2) ** 2 for index in range(len(values))))
    return not noise or probability_within(abs(line.slope) * spread / noise, freedom) > thresholds.TREND_SURE
