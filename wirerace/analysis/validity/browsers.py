"""Browser tabs: what they cost is in the server's costs, and whether they received everything by a known clock."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, milliseconds
from wirerace.record.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the browser tabs beside the clients."""
    found = evidence.trial.browsers
    if found is None:
        return
    yield Finding(
        "doubt",
        f"the server served {found.tabs} browser {'tab' if found.tabs == 1 else 'tabs'}, too",
        "its CPU time, its bytes and its memory after the window include theirs, and Chromium shares the load's cores",
        "take costs from trials with clients.browsers = 0",
    )
    for what, count in (("lost", found.lost), ("duplicated", found.duplicated), ("reordered", found.reordered)):
        if count:
            text = f"{count} deliveries to browser tabs were {what}"
            yield Finding("doubt", text, "a browser received other updates than the clients", "see the logs in logs/")
    if found.clock_accuracy_seconds > thresholds.TAB_CLOCK_SECONDS:
        text = f"the clocks of browser tabs are known to {milliseconds(found.clock_accuracy_seconds)} only"
        yield Finding("doubt", text, "their latencies are not more exact than that", "keep the machine quiet")
