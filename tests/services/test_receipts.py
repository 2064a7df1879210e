"""Receipts: the record of messages received, bounded, and honest about what it has dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.receipts import Receipts
from wirerace.workload.upstream import Received, ReceivedMessage


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50)), max_size=40), st.integers(0, 60), st.integers(0, 60)
)
def test_between_agrees_with_a_plain_list(sent: list[tuple[str, int]], from_ns: int, to_ns: int) -> None:
    receipts = Receipts(0)
    expected: dict[str, list[ReceivedMessage]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.receipts.PART_MESSAGES", 4)
        patch.setattr("services.receipts.PARTS", 10)
        for n, (client, ts) in enumerate(sent, 1):
            receipts.add(client, n, ts, ts + 7)
            if from_ns <= ts < to_ns:
                expected.setdefault(client, []).append(ReceivedMessage(n, ts, ts + 7))
    assert Received(complete=True, messages=expected) == receipts.between(from_ns, to_ns)


def test_oldest_part_is_dropped_and_a_window_that_reaches_into_it_is_not_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.receipts.PART_MESSAGES", 3)
    monkeypatch.setattr("services.receipts.PARTS", 2)
    receipts = Receipts(5)
    for n, ts in enumerate((10, 30, 20, 40, 50, 60, 70), 1):
        receipts.add("a", n, ts, ts)
    assert [False, True] == [receipts.between(from_ns, 100).complete for from_ns in (30, 31)]
    assert [4, 5, 6, 7] == [one.n for one in receipts.between(0, 100).messages["a"]]


def test_repeats_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.receipts.PART_MESSAGES", 2)
    receipts = Receipts(5)
    for ts in (10, 20, 30):
        receipts.add_repeat(ts)
    assert [False, True] == [receipts.between(from_ns, 100).complete for from_ns in (10, 11)]
    assert 2 == receipts.between(11, 100).repeated
    assert 1 == receipts.between(11, 30).repeated
