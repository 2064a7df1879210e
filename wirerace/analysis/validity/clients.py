"""The clients: whether all were there and connected, and whether polls left on time."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, percent
from wirerace.record.trial import Finding

SEE_SERVER_LOG = "see the server's log in logs/"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about polls and connections."""
    yield from _polls(evidence)
    yield from _connections(evidence)


def _polls(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    if trial.requests:
        # Polls that are due during a stall are expected to be late: that is what is measured.
        stalled_seconds = sum(fault.lasts_seconds for fault in evidence.faults("stall"))
        late = max(0.0, trial.late_polls / trial.requests - stalled_seconds / trial.window_seconds)
        text = f"{percent(late)} of polls left late, or never"
        yield from against(thresholds.LATE_POLLS_FRACTION, late, "late polls", text)
    if (errors := trial.responses["error"]) and not evidence.faults("kill"):
        text = f"{errors} requests were answered with an error"
        yield Finding("doubt", text, "clients waited and asked again", SEE_SERVER_LOG)


def _connections(evidence: Evidence) -> Iterator[Finding]:
    trial, population = evidence.trial, evidence.experiment.population
    wanted = 0 if population.is_visit else evidence.experiment.clients.most
    if trial.breaks and not evidence.faults("kill") and not evidence.raw.path.idle_timeout_seconds:
        yield Finding("doubt", f"connections broke {trial.breaks} times", "clients were away meanwhile", SEE_SERVER_LOG)
    if (gone := trial.breaks + trial.cuts - trial.return_seconds.count) > 0:
        text = f"{gone} of {trial.breaks + trial.cuts} connections that broke or were cut had not come back at the end"
        yield Finding("doubt", text, "their clients were away", SEE_SERVER_LOG)
    if trial.clients < wanted:
        text = f"{trial.clients} of {wanted} clients were there"
        yield Finding("reason", text, "it is another load", "see the load's log in logs/, and wirerace doctor")
    if trial.failed_connects and not evidence.faults("kill"):
        text = f"clients failed to connect {trial.failed_connects} times"
        rate = "population.per_second" if population.is_visit else "clients.spawn_per_second"
        yield Finding("reason", text, "they came later than meant", f"use a lower {rate}")
