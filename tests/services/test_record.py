"""A record: the updates that were made between two instants, and whether it still has all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.record import Record
from tests.services.records import PART_UPDATES, everything, fill, made
from wirerace.wire.update import Update
from wirerace.workload.kept import PARTS
from wirerace.workload.truth import EpochMade, Truth


def test_between_gives_what_was_made_from_the_first_instant_to_before_the_last() -> None:
    record = Record(None)
    fill(record, 1, 2, 3, 4)

    assert Truth(2, complete=True, epochs=[made(2, 3)]) == record.between(20, 40)


@given(st.lists(st.integers(0, 50), max_size=30).map(sorted), st.integers(0, 60), st.integers(0, 60))
def test_between_agrees_with_a_plain_list(times: list[int], from_ns: int, to_ns: int) -> None:
    record = Record(None)
    for seq, ts in enumerate(times, 1):
        record.add(Update("e0", seq, ts, ""), 2 * seq)
    inside = [(seq, ts, 2 * seq) for seq, ts in enumerate(times, 1) if from_ns <= ts < to_ns]
    truth = record.between(from_ns, to_ns)

    assert len(inside) == truth.count
    assert inside == [row for epoch in truth.epochs for row in zip(epoch.seq, epoch.ts, epoch.late_ns, strict=True)]


def test_between_gives_epoch_after_epoch() -> None:
    record = Record(None)
    fill(record, 1, 2)
    fill(record, 3, 4, epoch="e1")

    assert Truth(3, complete=True, epochs=[made(2), made(3, 4, epoch="e1")]) == record.between(20, 50)


@pytest.mark.usefixtures("small_parts")
def test_between_gives_an_epoch_of_many_parts_as_one() -> None:
    record = Record(None)
    fill(record, *range(1, 11))

    assert Truth(10, complete=True, epochs=[made(*range(1, 11))]) == record.between(1, 1000)


def test_nothing_made_is_a_complete_truth() -> None:
    assert Truth(0, complete=True, epochs=[]) == Record(None).between(10, 20)


def test_record_that_dropped_nothing_is_complete_from_the_beginning_of_time() -> None:
    record = Record(None)
    fill(record, 1)

    assert Truth(1, complete=True, epochs=[made(1)]) == record.between(0, 1000)


@pytest.mark.usefixtures("small_parts")
def test_oldest_part_is_dropped_and_truth_that_reaches_back_to_it_is_not_complete() -> None:
    record = Record(None)
    fill(record, *range(1, PARTS * PART_UPDATES + 2))
    first_kept = PART_UPDATES + 1

    assert [first_kept, PARTS * PART_UPDATES + 1] == [everything(record)[0][1], everything(record)[-1][1]]
    assert [False, True] == [
        record.between(10 * dropped, 1000).complete for dropped in (PART_UPDATES, PART_UPDATES + 1)
    ]


@pytest.mark.usefixtures("small_parts")
def test_short_epochs_are_all_kept_as_long_as_there_is_room() -> None:
    """A producer that is killed again and again loses no short epoch."""
    record = Record(None)
    for number in range(1, PARTS + 3):
        fill(record, number, epoch=f"e{number}")

    assert [(f"e{number}", number) for number in range(1, PARTS + 3)] == everything(record)


def test_truth_of_a_clock_that_was_set_back_is_whole() -> None:
    record = Record(None)
    for seq, ts in enumerate((10, 20, 30, 5, 15, 25), 1):
        record.add(Update("e0", seq, ts, ""), 0)

    assert [EpochMade("e0", [1, 5], [10, 15], [0, 0])] == record.between(10, 20).epochs


def test_each_channel_of_an_epoch_has_its_own_numbers() -> None:
    record = Record(None)
    for ts, (seq, channel) in enumerate([(1, ""), (1, "a"), (2, "a"), (1, "b"), (2, ""), (3, "a")], 10):
        record.add(Update("e0", seq, ts, "", channel), 0)
    record.add(Update("e1", 1, 16, "", "a"), 0)

    assert [
        EpochMade("e0", [2], [14], [0]),
        EpochMade("e0", [2, 3], [12, 15], [0, 0], "a"),
        EpochMade("e0", [1], [13], [0], "b"),
        EpochMade("e1", [1], [16], [0], "a"),
    ] == sorted(record.between(12, 20).epochs, key=lambda made: (made.epoch, made.channel))
    assert 5 == record.between(12, 20).count
