"""Arrivals: whose clock stamped them, how late they were read, and how many are upper bounds."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.clock import NS_PER_SECOND
from wirerace.record.trial import Finding, Trial

LATE_SECONDS = thresholds.READER_LAG_P99_SECONDS.doubt or 0.0
STALLED_SECONDS = thresholds.STALLED_READER_SECONDS.doubt or 0.0


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about stamps."""
    trial = evidence.trial
    if trial.clock == "user":
        cure = "use a kernel that stamps arrivals (SO_TIMESTAMPNS): Linux"
        text = "arrivals are read from the user-space clock"
        yield Finding("doubt", text, "the reader's lag is in every latency", cure)
        yield Finding("unchecked", "reader lag")
        return
    bounded = (trial.upper_bounds + evidence.raw.account.unstamped) / trial.delivered if trial.delivered else None
    lag = trial.reader_lag_seconds.p99
    if only_listens(evidence):
        is_late = lag is not None and lag > LATE_SECONDS
        limit = thresholds.LATE_BOUNDED_FRACTION if is_late else thresholds.BOUNDED_FRACTION
        if lag is None:
            yield Finding("unchecked", "reader lag")
    else:
        limit = thresholds.BOUNDED_FRACTION
        yield from _late_requests(evidence) if only_waits(evidence) else _late_readings(trial, lag)
    if bounded is not None:
        text = f"{percent(bounded)} of arrivals may have been earlier than their stamp"
        if limit is thresholds.LATE_BOUNDED_FRACTION:
            text += f", and 1 % of readings came {milliseconds(lag)} late or later"
        for finding in against(limit, bounded, "stamps", text):
            # What a fault has held up, or a buffer, comes all at once when that is over: that is what is measured.
            is_held_up = evidence.experiment.faults or evidence.raw.path.held_back_bytes(evidence.plan.transport)
            yield Finding("unchecked", text) if is_held_up else finding


def only_listens(evidence: Evidence) -> bool:
    """Return whether clients do nothing in the window but listen: what they read late, they do not answer late.

    Clients that come, leave, send, or lose their connection also act when they have read.
    """
    return _only_receives(evidence) and not evidence.plan.transport.asks


def only_waits(evidence: Evidence) -> bool:
    """Return whether clients do nothing in the window but ask and wait, and the record says what they asked for late.

    Records of older versions do not. Polls leave on schedule: a busy load lets them leave late, of which the lag is
    a sign.
    """
    knows = evidence.raw.account.asking_late is not None
    return knows and _only_receives(evidence) and evidence.plan.transport.way == "held"


def _only_receives(evidence: Evidence) -> bool:
    experiment = evidence.experiment
    is_steady = not (experiment.population.is_visit or experiment.clients.shape_options.changes or experiment.faults)
    return is_steady and not experiment.upstream.is_on


def _late_requests(evidence: Evidence) -> Iterator[Finding]:
    """Yield the finding about deliveries that may have come later because clients asked late, if any read late."""
    lag, account, late = evidence.trial.reader_lag_seconds, evidence.raw.account, evidence.raw.account.asking_late
    if lag.p99 is None:
        yield Finding("unchecked", "reader lag")
    elif late is not None and late.recorded and (lag.p99 > LATE_SECONDS or (lag.max or 0.0) > STALLED_SECONDS):
        share, fraction = late.sum_ns / max(1, account.latencies.sum_ns), late.recorded / max(1, account.delivered)
        text = f"up to {percent(share)} of mean latency may be due to late reading, which touched {percent(fraction)}"
        text += f" of deliveries, by {milliseconds((late.max_ns or 0) / NS_PER_SECOND)} at most"
        by_share = list(against(thresholds.ASKED_LATE_SHARE, share, "reader lag", text))
        yield from by_share or against(thresholds.ASKED_LATE_FRACTION, fraction, "reader lag", text)


def _late_readings(trial: Trial, lag: float | None) -> Iterator[Finding]:
    """Yield the findings about readings after which a client does something."""
    text = f"1 % of readings came {milliseconds(lag)} after their arrival or later"
    found = list(against(thresholds.READER_LAG_P99_SECONDS, lag, "reader lag", text))
    longest = trial.reader_lag_seconds.max
    if longest is not None and not any(finding.weight == "reason" for finding in found):
        text = f"something that had arrived was read {milliseconds(longest)} later"
        found += against(thresholds.STALLED_READER_SECONDS, longest, "reader lag", text)
    yield from found
