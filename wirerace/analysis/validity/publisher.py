"""The publisher: whether a foreign server got every update, and in time. Ours follow the feed, and need none."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.record.publisher import PublisherQuality
from wirerace.record.trial import Finding

SEE_LOG = "see the publisher's log in logs/"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about what was published."""
    server, publisher = evidence.plan.contestant.server, evidence.trial.publisher
    if server is None or server.publisher == "none":
        return
    if publisher is None:
        yield Finding("unchecked", "whether every update was published: the publisher gave no report")
        return
    if publisher.lost:
        text = f"{publisher.lost} of {publisher.lost + publisher.published} updates were not published"
        why = publisher.trouble or "too many waited for an answer of the server"
        yield Finding("doubt", text, f"no client could get them; {why}", SEE_LOG)
    # While a server is away or stands still, as the experiment asks, updates wait for it.
    is_disturbed = bool(evidence.ends("server") or evidence.faults("stall", "server") or evidence.faults("drop"))
    if publisher.retried and not is_disturbed:
        times = "once" if publisher.retried == 1 else f"{publisher.retried} times"
        why = "a server that has taken the first of them sends the update twice"
        yield Finding("doubt", f"a publication was sent again, {times}", f"{why}; {publisher.trouble}", SEE_LOG)
    if not is_disturbed:
        yield from _late(evidence, publisher)
    text = f"the publisher ran for {percent(publisher.utilisation)} of the time"
    yield from against(thresholds.PUBLISHER_UTILISATION, publisher.utilisation, "the publisher's work", text)


def _late(evidence: Evidence, publisher: PublisherQuality) -> Iterator[Finding]:
    late, made_late = publisher.sent_seconds.p99, evidence.trial.producer.late_seconds_p99
    waited = None if late is None or made_late is None else max(0.0, late - made_late)
    text = f"1 % of updates were published {milliseconds(waited)} after their making or later"
    yield from against(thresholds.PUBLISHED_LATE_P99_SECONDS, waited, "when updates were published", text)
