"""The server under test: whether it lived, had a core, and answered."""

from collections.abc import Iterator

from wirerace.analysis.validity.cores import starved, throttled
from wirerace.analysis.validity.finding import Evidence
from wirerace.experiment.trial import Finding


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of the server's process."""
    trial, server = evidence.trial, evidence.trial.server
    if trial.restarts:
        times = "once" if trial.restarts == 1 else f"{trial.restarts} times"
        text = f"the server died and was started again, {times}"
        yield Finding("doubt", text, "clients had to come back", "see the server's log in logs/")
    if trial.restarts and server.cpu_seconds is None:
        return
    yield from starved("the server", server.cpu_seconds, server.waited_seconds, trial.window_seconds)
    yield from throttled("the server", server.throttled_seconds, trial.window_seconds)
