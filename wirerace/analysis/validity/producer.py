"""The producer: whether it ran without a break, kept its schedule, and made what was due."""

from collections.abc import Iterator
from itertools import dropwhile, takewhile

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds
from wirerace.clock import to_ns
from wirerace.errors import BadInput
from wirerace.experiment.plans import schedule_of
from wirerace.record.trial import Finding
from wirerace.workload.schedule import due_times

SEE_LOG = "see the producer's log in logs/"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the producer."""
    trial = evidence.trial
    if evidence.ends("producer") or evidence.faults("stall", "producer"):
        yield Finding("unchecked", "whether the producer kept its schedule: a fault was asked of it")
        return
    part = trial.parts.get("producer")
    epochs = {made.epoch for made in evidence.raw.truth.epochs}
    if len(epochs) > 1 and not (part and part.restarts):  # else its restart is a reason by itself
        why = "what was due meanwhile was never made"
        yield Finding("reason", "the producer died and was started again", why, SEE_LOG)
    yield from _made(evidence)
    late = trial.producer.late_seconds_p99
    if trial.updates:
        text = f"1 % of updates were made {milliseconds(late)} late or later"
        yield from against(thresholds.PRODUCER_LATE_P99_SECONDS, late, "the producer's lateness", text)
    if (latest := trial.producer.late_seconds_max) is not None:
        text = f"an update was made {milliseconds(latest)} late"
        yield from against(thresholds.STALLED_PRODUCER_SECONDS, latest, "the producer's lateness", text)


def _made(evidence: Evidence) -> Iterator[Finding]:
    """Compare the updates made in the window with the schedule."""
    try:
        due = _due(evidence)
    except BadInput:
        yield Finding("unchecked", "what was due: the trace cannot be read again")
        return
    messages = evidence.trial.messages
    made = evidence.trial.updates - (0 if messages is None else messages.updates)
    if made != due:
        why = "it is not the schedule of the experiment that was measured"
        yield Finding("reason", f"{made} updates were made in the window, and {due} were due", why, SEE_LOG)


def _due(evidence: Evidence) -> int:
    """Return how many updates were due in the window. The schedule begins one warm-up before it.

    Raises BadInput when the trace is missing.
    """
    window = evidence.raw.window
    start_ns = window.from_ns - to_ns(evidence.experiment.window.warmup_seconds)
    schedule = schedule_of(evidence.experiment, evidence.plan.seed, start_ns)
    until_end = takewhile(window.to_ns.__gt__, due_times(schedule, start_ns))
    return sum(1 for _ in dropwhile(window.from_ns.__gt__, until_end))
