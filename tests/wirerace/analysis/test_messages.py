"""What became of messages: each is found in the server's record, and its update in the producer's."""

import pytest
from msgspec.structs import replace

from tests.wirerace.trials import NOTHING_MEASURED, plan_of
from wirerace.analysis.messages import messages_of
from wirerace.experiment.model import Experiment
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.histogram import Latencies
from wirerace.observe.upstream import SentMessage
from wirerace.record.messages import Messages
from wirerace.record.result import Raw
from wirerace.transports import TRANSPORTS
from wirerace.workload.truth import EpochMade, Sent, Truth
from wirerace.workload.upstream import Received, ReceivedMessage, Upstream

MS = 1_000_000
WINDOW = Window(100 * MS, 200 * MS)


def message(n: int, **changes: int) -> SentMessage:
    """Return a message that left 1 ms after it was due, was received after 3 ms and acknowledged after 5 ms."""
    due_ns = (100 + n) * MS
    known = SentMessage(n, due_ns, due_ns + MS, due_ns + 3 * MS, due_ns + 5 * MS, 1)
    return replace(known, **changes)


def recorded(one: SentMessage) -> ReceivedMessage:
    return ReceivedMessage(one.n, one.due_ns, one.received_ns or one.due_ns + 3 * MS)


def found(
    sent: dict[str, list[SentMessage]],
    received: Received | None,
    epochs: list[EpochMade] | None = None,
    **account: object,
) -> Messages:
    upstream = Upstream(rate_per_second=1.0, fan_out=epochs is not None)
    plan = plan_of("sse", experiment=Experiment("t", list(TRANSPORTS), upstream=upstream))
    record = AccountRecord(messages=sent, **account)  # type: ignore[arg-type]
    truth = Truth(0, complete=True, epochs=epochs or [])
    messages = messages_of(plan, Raw(WINDOW, record, truth, NOTHING_MEASURED, received=received))
    assert messages is not None
    return messages


def whole(*sent: SentMessage, client: str = "a", **changes: object) -> Received:
    received = Received(complete=True, messages={client: list(map(recorded, sent))})
    return replace(received, **changes)


def test_clients_that_do_not_send_have_no_messages() -> None:
    raw = Raw(WINDOW, AccountRecord(), Truth(0, complete=True, epochs=[]), NOTHING_MEASURED)

    assert messages_of(plan_of("sse"), raw) is None


def test_messages_that_came_have_their_times_from_the_intended_sending() -> None:
    sent = [message(1), message(2)]
    messages = found({"a": sent}, whole(*sent), message_bytes_out=500, message_bytes_in=300, message_connects=1)

    assert (2, 2, 2, 0, 1.0) == (
        messages.due, messages.received, messages.acknowledged, messages.lost, messages.reach,
    )  # fmt: skip
    assert (0.003, 0.001, 0.004) == (
        messages.latency_seconds.mean, messages.waiting_seconds.mean, messages.acknowledge_seconds.mean,
    )  # fmt: skip
    assert (250, 150, 1) == (messages.bytes_out, messages.bytes_in, messages.connections)
    assert messages.recorded


def test_message_whose_acknowledgement_was_lost_is_received_by_the_record() -> None:
    sent = [message(1, acknowledged_ns=0, received_ns=0), message(2)]
    messages = found({"a": sent}, whole(*sent))

    assert (2, 1, 1, 0) == (messages.received, messages.acknowledged, messages.unacknowledged, messages.lost)
    assert 0.003 == messages.latency_seconds.mean


def test_message_in_no_record_and_without_an_acknowledgement_is_lost() -> None:
    sent = [
        message(1, acknowledged_ns=0, received_ns=0),
        message(2),
        message(3, left_ns=0, tries=0, acknowledged_ns=0, received_ns=0),
    ]
    messages = found({"a": sent}, whole(message(2)))

    assert (1, 2, 1) == (messages.received, messages.lost, messages.unsent)


def test_acknowledgement_without_a_record_is_unfounded_and_another_message_invented() -> None:
    """Number 3 was never sent. Number 2 is recorded with another time than it was sent with."""
    sent = [message(1), message(2)]
    record = whole(replace(message(2), due_ns=150 * MS), message(3))
    messages = found({"a": sent}, record)

    assert (2, 2, 0) == (messages.unfounded, messages.invented, messages.lost)


def test_messages_of_other_programs_are_foreign() -> None:
    sent = [message(1)]
    record = replace(whole(*sent), messages=whole(*sent).messages | {"visitor": [recorded(message(9))]})

    assert (1, 0) == ((messages := found({"a": sent}, record)).foreign, messages.invented)


@pytest.mark.parametrize("received", [None, Received(complete=False)])
def test_without_a_whole_record_acknowledgements_are_believed(received: Received | None) -> None:
    """A server that was restarted has lost its record."""
    messages = found({"a": [message(1), message(2)]}, received)

    assert (2, 0, 0) == (messages.received, messages.lost, messages.unfounded)
    assert not messages.recorded


@pytest.mark.parametrize(
    ("received_ms", "impossible"), [(100.9, 1), (102.0, 0), (101.96, 0), (105.9, 0), (106.04, 0), (106.06, 1)]
)
def test_stamp_may_miss_the_sending_by_no_more_than_two_clock_readings_can(received_ms: float, impossible: int) -> None:
    """It left at 102 ms and was acknowledged at 106 ms."""
    sent = message(1, received_ns=round(received_ms * MS))
    assert impossible == found({"a": [sent]}, whole(sent)).impossible


def test_repeats_are_those_of_the_server() -> None:
    sent = [message(1)]

    assert 3 == found({"a": sent}, whole(*sent, repeated=3)).duplicated


def test_update_of_a_message_is_found_in_the_producers_record() -> None:
    """The second message's update was made 2 ms after it was received; no update was made of the third."""
    sent = [message(1), message(2), message(3)]
    made = EpochMade(
        "e", [5, 6, 7], [104 * MS, 107 * MS, 250 * MS], [0, 0, 0], "", {5: Sent("a", 1, 0), 6: Sent("a", 2, 0)}
    )
    relayed = Latencies()
    relayed.record(9 * MS)
    messages = found({"a": sent}, whole(*sent), [made], relayed=relayed.to_record())

    assert (2, 2, 1) == (messages.relayed, messages.updates, messages.unfounded)
    assert pytest.approx((0 + 0.002) / 2) == messages.relay_seconds
    assert 0.009 == messages.relayed_seconds.mean


def test_two_updates_of_one_message_are_one_too_many() -> None:
    sent = [message(1)]
    made = EpochMade("e", [5, 6], [104 * MS, 105 * MS], [0, 0], "", {5: Sent("a", 1, 0), 6: Sent("a", 1, 0)})

    assert 1 == found({"a": sent}, whole(*sent), [made]).invented
