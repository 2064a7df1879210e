"""Messages: whether the load sent them in time, and whether the server's account of them can be true."""

from collections.abc import Iterator

from wirerace.analysis import thresholds
from wirerace.analysis.validity.finding import Evidence, against, milliseconds, percent
from wirerace.record.messages import Messages
from wirerace.record.trial import Finding

SEE_LOGS = "see the server's log in logs/"
FALSE = "the server's account of messages is false"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the findings about messages; none if clients do not send."""
    messages = evidence.trial.messages
    if messages is None:
        return
    if not messages.due:
        cure = "use a longer window (window.measure_seconds), or a higher upstream.rate_per_second"
        yield Finding("reason", "no message was due in the window", "every figure of messages rests on them", cure)
        return
    late = messages.late_seconds.p99
    if late is not None:
        text = f"the load woke {milliseconds(late)} late or later for 1 % of messages"
        yield from against(thresholds.MESSAGE_LATE_P99_SECONDS, late, "late messages", text, "load")
    missing = messages.lost / messages.due
    text = f"{percent(missing)} of the messages that were due did not reach the server"
    yield from against(thresholds.MISSING_MESSAGES, missing, "lost messages", text)
    yield from _false(evidence, messages)
    if not messages.recorded:
        yield Finding("unchecked", "the server's record of messages: only acknowledgements are known")


def _false(evidence: Evidence, messages: Messages) -> Iterator[Finding]:
    """Yield what cannot be true, or should not be."""
    restarted = any(part.restarts for part in evidence.trial.parts.values())
    for count, text in (
        (messages.unfounded, "were acknowledged, and are in no record"),
        (messages.invented, "were recorded that nobody sent, or twice"),
        (messages.impossible, "were stamped before they left, or after their acknowledgement had come"),
    ):
        if count:
            yield Finding("reason", f"{count} messages {text}", FALSE, SEE_LOGS)
    if messages.unacknowledged and not restarted:
        text = f"{messages.unacknowledged} messages were received and not acknowledged"
        yield Finding("doubt", text, "their clients cannot know that they came", SEE_LOGS)
    if messages.stray:
        yield Finding("doubt", f"{messages.stray} answers were to nothing that waited for one", FALSE, SEE_LOGS)
    if messages.foreign:
        text = f"the server received {messages.foreign} messages of other programs"
        yield Finding("doubt", text, "its costs include theirs", "leave the server to the experiment")
