"""The measurements: whether there are enough for each figure. A trial without measurements is never valid."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, percent
from wirerace.clock import NS_PER_SECOND
from wirerace.record.trial import Finding

LONGER = "use a longer window (window.measure_seconds), or a higher producer.rate_per_second"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about the amounts that figures depend on."""
    yield from _updates(evidence)
    yield from _deliveries(evidence)
    yield from _answers(evidence)
    if evidence.trial.visits is None:  # a visitor has no age that would be a figure
        yield from _age(evidence)


def _updates(evidence: Evidence) -> Iterator[Finding]:
    made = evidence.trial.updates
    spelled = f"{_counted(made, 'update')} made in the window"
    if made < thresholds.LEAST_UPDATES:
        yield Finding("reason", spelled, "every figure rests on updates", LONGER)
    elif made < thresholds.FEW_UPDATES:
        yield Finding("doubt", spelled, "means over so few of them depend on luck", LONGER)


def _deliveries(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    received = len(evidence.raw.account.spread_of)
    has_latency = trial.visits is None or trial.visits.updates > 1  # the first update of a visit has none
    if has_latency and received < thresholds.LEAST_UPDATES <= trial.updates:
        text = f"clients received {received or 'none'} of the window's {trial.updates} updates"
        cure = LONGER if trial.superseded else thresholds.MISSING_FRACTION.cure
        yield Finding("reason", text, "latency rests on updates that were received", cure)
    elif trial.expected:
        missing = 1 - trial.delivered / trial.expected
        text = f"{percent(missing)} of the deliveries that were due did not come"
        yield from against(thresholds.MISSING_FRACTION, missing, "deliveries", text)


def _answers(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.plan.transport.asks:
        return
    responses = evidence.trial.responses
    answered = responses["data"] + responses["empty"]
    if answered < thresholds.LEAST_ANSWERS and evidence.trial.updates >= thresholds.LEAST_UPDATES:
        why = "the share of empty answers and the updates of an answer rest on them"
        yield Finding("doubt", f"{_counted(answered, 'answer')} received in the window", why, LONGER)


def _age(evidence: Evidence) -> Iterator[Finding]:
    trial = evidence.trial
    if not trial.client_seconds:
        why = "age and rates rest on the time for which clients were there"
        yield Finding("reason", "no client was subscribed in the window", why, "see the load's log in logs/")
        return
    unaged = 1 - evidence.raw.account.age_ns / NS_PER_SECOND / trial.client_seconds
    text = f"clients had no update yet for {percent(unaged)} of their time in the window"
    yield from against(thresholds.UNAGED_FRACTION, unaged, "age", text)


def _counted(count: int, noun: str) -> str:
    """Return a count and its noun, as the beginning of a sentence about the past."""
    if not count:
        return f"no {noun} was"
    return f"only 1 {noun} was" if count == 1 else f"only {count} {noun}s were"
