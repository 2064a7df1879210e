"""Browser tabs of a trial that lost, repeated and reordered some updates."""

from wirerace.record.browsers import Browsers, TabLatency

TABS = Browsers(
    browser="Chrome/1",
    tabs=2,
    expected=200,
    delivered=199,
    lost=1,
    superseded=0,
    duplicated=2,
    reordered=3,
    reach=0.99,
    breaks=0,
    tab_latency_seconds=TabLatency(0.007, 0.005, 0.006, 0.01, 0.01),
    behind_seconds=0.002,
    clock_offset_seconds=0.0,
    clock_accuracy_seconds=0.0001,
    clock_resolution_seconds=0.000005,
)
