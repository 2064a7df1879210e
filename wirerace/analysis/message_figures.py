"""The figures of messages: how soon and at what cost they reach the server, and their updates the clients."""

from collections.abc import Callable

from wirerace.analysis.figure import FEWER, SOONER, Figure
from wirerace.record.messages import Messages
from wirerace.record.trial import Trial


def _of(read: Callable[[Messages], float | None]) -> Callable[[Trial], float | None]:
    """Return a figure of messages, None for a trial without any."""
    return lambda trial: None if trial.messages is None else read(trial.messages)


def _bytes(messages: Messages) -> float | None:
    out, into = messages.bytes_out, messages.bytes_in
    return None if out is None or into is None else out + into


def _per_second(trial: Trial) -> float | None:
    messages = trial.messages
    return None if messages is None or not trial.window_seconds else messages.received / trial.window_seconds


MESSAGE_FIGURES = (
    Figure(
        "messages.reach",
        "fraction",
        "messages received",
        "messages that the server received, of those that were due",
        _of(lambda messages: messages.reach),
        better="more",
        if_any=True,
        most=1.0,
    ),
    Figure(
        "messages.latency",
        "seconds",
        "message latency, mean",
        "from the intended sending of a message until the server had it",
        _of(lambda messages: messages.latency_seconds.mean),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.waiting",
        "seconds",
        "of it, before it left",
        "from the intended sending until the message was handed to the kernel",
        _of(lambda messages: messages.waiting_seconds.mean),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.latency_p99",
        "seconds",
        "message latency, p99",
        "99 % of the messages took no longer",
        _of(lambda messages: messages.latency_seconds.p99),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.acknowledged",
        "seconds",
        "acknowledged after",
        "from the sending of a message to the arrival of its acknowledgement",
        _of(lambda messages: messages.acknowledge_seconds.mean),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.relayed",
        "seconds",
        "client to clients, mean",
        "from the intended sending of a message to the arrival of its update at each client",
        _of(lambda messages: messages.relayed_seconds.mean),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.relayed_p99",
        "seconds",
        "client to clients, p99",
        "99 % of these deliveries took no longer",
        _of(lambda messages: messages.relayed_seconds.p99),
        words=SOONER,
        if_any=True,
    ),
    Figure(
        "messages.bytes",
        "bytes",
        "bytes per message",
        "application layer: the message and its acknowledgement",
        _of(_bytes),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "messages.per_second",
        "per_second",
        "messages/s",
        "messages that the server received, of all clients",
        _per_second,
        better="more",
        if_any=True,
    ),
    Figure(
        "messages.connections",
        "count",
        "connections for messages",
        "connections that were opened for messages alone, over the trial",
        _of(lambda messages: messages.connections),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "messages.lost",
        "count",
        "messages lost",
        "messages that were due and that the server did not receive",
        _of(lambda messages: messages.lost),
        words=FEWER,
        total=True,
        if_any=True,
    ),
    Figure(
        "messages.duplicated",
        "count",
        "messages received again",
        "receipts of messages that the server had received before; each message counts once",
        _of(lambda messages: messages.duplicated),
        words=FEWER,
        total=True,
        if_any=True,
    ),
)
"""In the order in which they are shown, behind the figures of deliveries."""
