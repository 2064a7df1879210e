"""The messages of a trial: what clients sent, against the server's record, and against the producer's with fan-out."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from wirerace.analysis.thresholds import CLOCK_READING_SECONDS
from wirerace.analysis.times import times_of
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.plans import Plan
from wirerace.observe.histogram import Latencies
from wirerace.observe.upstream import SentMessage
from wirerace.record.durations import Times
from wirerace.record.messages import Messages
from wirerace.record.result import Raw

Key = tuple[str, int]
READING_NS = to_ns(CLOCK_READING_SECONDS)


class _Found(NamedTuple):
    """A message that a client sent: when the server received it, 0 for never, and when its update was made."""

    sent: SentMessage
    received_ns: int
    in_record: bool
    made_ns: int


def messages_of(plan: Plan, raw: Raw) -> Messages | None:
    """Return what became of the messages that were due in the window; None if clients do not send."""
    if not plan.experiment.upstream.is_on:
        return None
    account, fan_out = raw.account, plan.experiment.upstream.fan_out
    sent = {(client, one.n): one for client, of_client in account.messages.items() for one in of_client}
    record, made = _record_of(raw), _made_of(raw)
    found = [_found(key, one, record, made) for key, one in sent.items()]
    received = [one for one in found if one.received_ns]
    acknowledged = [one for one in found if one.sent.acknowledged_ns]
    is_whole = raw.received is not None and raw.received.complete
    unfounded = [one for one in acknowledged if (is_whole and not one.in_record) or (fan_out and not one.made_ns)]
    count = len(found)
    return Messages(
        due=count,
        received=len(received),
        acknowledged=len(acknowledged),
        lost=count - len(received),
        unsent=sum(not one.sent.tries for one in found),
        refused=sum(one.sent.refused > 0 for one in found),
        duplicated=0 if raw.received is None else raw.received.repeated,
        relayed=sum(one.made_ns > 0 for one in found) if fan_out else None,
        updates=_updates_of(raw),
        reach=len(received) / count if count else None,
        latency_seconds=_times(one.received_ns - one.sent.due_ns for one in received),
        waiting_seconds=_times(one.sent.left_ns - one.sent.due_ns for one in found if one.sent.left_ns),
        late_seconds=times_of(account.waking),
        acknowledge_seconds=_times(one.sent.acknowledged_ns - one.sent.left_ns for one in acknowledged),
        relay_seconds=_mean([one.made_ns - one.received_ns for one in received if one.made_ns]),
        relayed_seconds=times_of(account.relayed),
        bytes_out=account.message_bytes_out / count if count else None,
        bytes_in=account.message_bytes_in / count if count else None,
        connections=account.message_connects,
        unacknowledged=len(received) - len(acknowledged),
        unfounded=len(unfounded),
        invented=len(_invented(account.messages, sent, record)) + _made_twice(raw),
        impossible=sum(_is_impossible(one, _reading_ns(raw)) for one in received),
        stray=account.stray_answers,
        foreign=sum(client not in account.messages for client, _ in record),
        recorded=is_whole,
    )


def _record_of(raw: Raw) -> dict[Key, tuple[int, int]]:
    """Return the server's record: each message's `ts`, and when it was received."""
    messages = {} if raw.received is None else raw.received.messages
    return {(client, one.n): (one.ts, one.received_ns) for client, found in messages.items() for one in found}


def _made_of(raw: Raw) -> dict[Key, int]:
    """Return when the update of each message was made."""
    return {
        (sent.client, sent.n): ts
        for made in raw.truth.epochs
        for seq, ts in zip(made.seq, made.ts, strict=True)
        if (sent := made.messages.get(seq)) is not None
    }


def _updates_of(raw: Raw) -> int:
    """Return how many updates of the window were made from messages."""
    return sum(
        seq in made.messages and raw.window.has(ts)
        for made in raw.truth.epochs
        if made.messages
        for seq, ts in zip(made.seq, made.ts, strict=True)
    )


def _made_twice(raw: Raw) -> int:
    """Return how many updates were made of messages of which there was one already."""
    keys = Counter((sent.client, sent.n) for made in raw.truth.epochs for sent in made.messages.values())
    return sum(times - 1 for times in keys.values())


def _found(key: Key, sent: SentMessage, record: dict[Key, tuple[int, int]], made: dict[Key, int]) -> _Found:
    ts, received_ns = record.get(key, (0, 0))
    in_record = ts == sent.due_ns
    return _Found(sent, received_ns if in_record else sent.received_ns, in_record, made.get(key, 0))


def _invented(clients: Iterable[str], sent: dict[Key, SentMessage], record: dict[Key, tuple[int, int]]) -> list[Key]:
    """Return what the record has of our clients that they did not send."""
    ours = set(clients)
    return [key for key, (ts, _) in record.items() if key[0] in ours and (key not in sent or sent[key].due_ns != ts)]


def _is_impossible(found: _Found, reading_ns: int) -> bool:
    """Return whether a message was received before it left, or after its acknowledgement had come."""
    sent, received_ns = found.sent, found.received_ns
    is_late = sent.acknowledged_ns > 0 and received_ns > sent.acknowledged_ns + reading_ns
    return is_late or received_ns < sent.left_ns - reading_ns


def _reading_ns(raw: Raw) -> int:
    """Return by how much two readings of clocks may differ: on two hosts, by the error of the clocks, too."""
    return READING_NS + max((clock.error_ns or 0 for clock in raw.account.clocks), default=0)


def _times(durations_ns: Iterable[int]) -> Times:
    latencies = Latencies()
    for duration_ns in durations_ns:
        latencies.record(duration_ns)
    return times_of(latencies.to_record())


def _mean(durations_ns: list[int]) -> float | None:
    return sum(durations_ns) / len(durations_ns) / NS_PER_SECOND if durations_ns else None
