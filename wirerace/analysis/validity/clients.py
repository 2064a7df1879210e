"""The clients: whether all were there and connected, and whether polls left on time."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, Finding, against, percent


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield what was found of polls and of connections."""
    yield from _polls(evidence)
    yield from _connections(evidence)


def _polls(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    if trial.requests:
        # Polls that fall due while the server stands still are to be late: that is what is measured.
        stalled = evidence.experiment.stall.lasts_seconds / trial.window_seconds
        late = max(0.0, trial.late_polls / trial.requests - stalled)
        text = f"{percent(late)} of polls left late, or never"
        yield from against(thresholds.LATE_POLLS_FRACTION, late, "late polls", text)
    if errors := trial.responses["error"]:
        yield Finding("doubt", f"{errors} requests were refused with an error")


def _connections(evidence: Evidence) -> Iterator[Finding]:
    trial, wanted = evidence.trial, evidence.experiment.clients.most
    broken = trial.return_seconds.count - trial.cuts
    if broken > 0:
        yield Finding("doubt", f"connections broke {broken} times, or could not be opened: clients were away meanwhile")
    if trial.clients < wanted:
        yield Finding("reason", f"only {trial.clients} of {wanted} clients were there: it is another load")
    if trial.failed_connects:
        yield Finding("reason", f"clients failed to connect {trial.failed_connects} times: they came later than meant")
