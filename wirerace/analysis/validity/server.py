"""The server under test: whether it lived, had a core, and answered."""

from collections.abc import Iterator

from wirerace.analysis.validity.cores import starved, throttled
from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the server's process."""
    trial, server = evidence.trial, evidence.trial.server
    if evidence.raw.measured.server is None:
        if not trial.restarts:
            text = "the server's counters are not whole: it gave no answer, or something else started it again"
            yield Finding("reason", text, "nothing is known of its costs", "see the server's log in logs/")
        return
    yield from starved("the server", server.cpu_seconds, server.waited_seconds, trial.window_seconds)
    yield from throttled("the server", server.throttled_seconds, trial.window_seconds)
