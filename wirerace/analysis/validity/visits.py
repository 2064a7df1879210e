"""The visits: whether all visitors came, and on time, found the newest update, and stayed until they had enough."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.clock import to_ns
from wirerace.record.trial import Finding
from wirerace.record.visits import Visits
from wirerace.workload.population import visits_of

SEE_LOGS = "see the logs of load and server in logs/"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about visits; none for clients that stay."""
    visits = evidence.trial.visits
    if visits is None:
        return
    yield from _came(evidence, visits)
    late = visits.stages_seconds["started"].p99
    text = f"1 % of visitors came {milliseconds(late)} late or later"
    yield from against(thresholds.VISIT_LATE_P99_SECONDS, late, "late visitors", text)
    yield from _ended(visits)
    if visits.stale:
        text = f"{visits.stale} of {visits.due} visits began with an update that was not the newest"
        yield Finding("reason", text, "the server did not give what was asked for", SEE_LOGS)
    if visits.resting is None:
        yield Finding("unchecked", "ports in TIME_WAIT")
    elif visits.resting.ports:
        resting = visits.resting.clients / visits.resting.ports
        text = f"{percent(resting)} of this machine's ports for outgoing connections rested in TIME_WAIT"
        yield from against(thresholds.RESTING_FRACTION, resting, "ports in TIME_WAIT", text)


def _came(evidence: Evidence, visits: Visits) -> Iterator[Finding]:
    """Compare the visits with their schedule."""
    window, experiment = evidence.raw.window, evidence.experiment
    start_ns = window.from_ns - to_ns(experiment.window.warmup_seconds)
    due = sum(map(window.has, visits_of(experiment.population, evidence.plan.seed, start_ns, window.to_ns)))
    if visits.due != due:
        text = f"{visits.due} visitors came in the window, and {due} were due"
        yield Finding("reason", text, "it is another load", SEE_LOGS)
    if not due:
        cure = "use a longer window (window.measure_seconds), or a higher population.per_second"
        yield Finding("reason", "no visitor was due in the window", "every figure rests on visits", cure)


def _ended(visits: Visits) -> Iterator[Finding]:
    if visits.unfinished:
        text = f"{visits.unfinished} of {visits.due} visits had not ended when the load did"
        yield Finding("reason", text, "how they would have ended is not known", SEE_LOGS)
    gave_up = visits.gave_up / visits.due if visits.due else 0.0
    text = f"{visits.gave_up} of {visits.due} visitors gave up"
    yield from against(thresholds.GAVE_UP_FRACTION, gave_up, "visitors who gave up", text)
