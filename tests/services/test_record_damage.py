"""Damage in a record's file: bad lines are skipped, everything else is kept, and the producer starts."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.record import Record
from tests.services.records import SCHEDULE, everything, live, restored


@pytest.mark.parametrize("torn", [b'["e0"', b'["e0",4,40,', b'{"schedule":{"rate', b"[", b"\xff"])
def test_torn_last_line_is_skipped(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, 2, 3)
    with path.open("ab") as file:
        file.write(torn)

    assert [("e0", 1), ("e0", 2), ("e0", 3)] == restored(path)


@pytest.mark.parametrize("torn", [b'["e0",4,40,', b'["e0",4,40,1]', b'{"schedule":{"rate'])
def test_torn_last_line_costs_no_line_that_comes_after_it(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1)
    with path.open("ab") as file:
        file.write(torn)
    live(path, 5, 6, epoch="e1")

    assert [("e1", 5), ("e1", 6)] == restored(path)[-2:]


DAMAGE = {
    "cut in the middle": b'["e0",3,3',
    "a block of zeros": b"\0" * 4096,
    "an empty object": b"{}",
    "an empty list": b"[]",
    "nothing": b"",
    "a flipped bit": b'["e0",3,30,1\xdd',
    "no UTF-8": b'["e\xff",3,30,1]',
    "a line break in an epoch": b'["e\\n0",3,30,1]',
    "a number beyond 64 bits": b'["e0",3,9223372036854775808,1]',
    "a lateness beyond 64 bits": b'["e0",3,30,-9223372036854775809]',
    "a number of 400 digits": b'["e0",' + b"1" * 400 + b",30,1]",
    "a number below one": b'["e0",0,30,1]',
    "a time before 1970": b'["e0",3,-1,1]',
    "too few": b'["e0",3,30]',
    "too many": b'["e0",3,30,1,1]',
    "100,000 brackets": b"[" * 100_000,
    "100,000 brackets in an object": b'{"schedule":' + b"[" * 100_000,
    "a schedule that cannot be kept":
        b'{"schedule":{"arrivals":"trace","trace":[[0,"a"],[1e308,"b"]],"speed":1e-300}}',
    "a schedule that goes back": b'{"schedule":{"arrivals":"trace","trace":[[1,"a"],[0,"b"]]}}',
    "options that cannot be kept":
        b'{"schedule":null,"options":{"arrivals":"trace","trace":[[0,"a"],[1,"b"]],"speed":1000000}}',
    "something else": b"a page of a book",
}  # fmt: skip


@pytest.mark.parametrize("damaged", DAMAGE.values(), ids=DAMAGE)
def test_damaged_line_is_skipped_with_a_warning_that_names_it_and_the_rest_is_kept(
    damaged: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The schedule is kept, too. The truth is not complete where the line may have been an update."""
    path = tmp_path / "record"
    live(path, 1, 2, 3, 4, 5, schedule=SCHEDULE)
    lines = path.read_bytes().splitlines()
    lines[3] = damaged  # the third update
    path.write_bytes(b"\n".join(lines) + b"\n")

    with closing(Record(path)) as record:
        assert [("e0", 1), ("e0", 2), ("e0", 4), ("e0", 5)] == everything(record)
        assert SCHEDULE == record.schedule
        assert [False, False, True] == [record.between(from_ns, 100).complete for from_ns in (0, 39, 40)]
    (warning,) = caplog.records
    assert warning.getMessage().startswith(f"{path}:4: not a whole line, skipped: ")
    assert "\n" not in warning.getMessage()


def test_last_schedule_that_can_be_kept_holds_when_its_successor_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, schedule=SCHEDULE)
    with path.open("ab") as file:
        file.write(DAMAGE["a schedule that cannot be kept"] + b"\n")

    with closing(Record(path)) as record:
        assert SCHEDULE == record.schedule
    live(path, 1, 2, epoch="e1")
    assert [("e0", 1), ("e1", 1), ("e1", 2)] == restored(path)


def test_one_line_that_was_cut_short_by_a_kill_costs_no_truth(tmp_path: Path) -> None:
    """No server got that update."""
    path = tmp_path / "record"
    live(path, 1, 2)
    with path.open("ab") as file:
        file.write(b'["e0",3,3')
    live(path, 1, 2, epoch="e1")

    with closing(Record(path)) as record:
        assert record.between(0, 100).complete


def test_damaged_line_of_a_channel_that_has_no_other_makes_the_truth_incomplete_up_to_it(tmp_path: Path) -> None:
    """Lines of the same epoch follow it, so no kill has cut it short, and servers may have got the update."""
    path = tmp_path / "record"
    path.write_bytes(b'["e0",1,10,1,"1"]\n["e0",1,20,1,"\xdd"]\n["e0",2,30,1,"1"]\n')

    with closing(Record(path)) as record:
        assert [False, True] == [record.between(from_ns, 100).complete for from_ns in (20, 30)]


@pytest.mark.parametrize("rest", [b"x\nx\n", b'["e1",4,40,1]\n'], ids=["two lines", "the head of an epoch"])
def test_damage_between_two_epochs_makes_the_truth_incomplete_up_to_it(rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, 2)
    with path.open("ab") as file:
        file.write(rest + b'["e1",5,50,1]\n')

    with closing(Record(path)) as record:
        assert not record.between(0, 100).complete
        assert record.between(50, 100).complete


def test_flood_of_damaged_lines_is_no_flood_of_warnings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"x\n" * 1000)
    with closing(Record(path, clock=lambda: 77)) as record:
        assert not record.between(77, 100).complete
        assert record.between(78, 100).complete
    assert "990 more lines were skipped" in caplog.records[-1].getMessage()
    assert 11 == len(caplog.records)


@given(st.binary(max_size=300))
def test_no_bytes_in_a_record_keep_a_producer_from_starting(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("record") / "record"
    path.write_bytes(data)
    live(path, 1, 2, epoch="zz")

    assert [("zz", 1), ("zz", 2)] == restored(path)[-2:]


@pytest.mark.long
@given(st.integers(0, 400), st.integers(0, 7))
def test_no_flipped_bit_in_a_record_keeps_a_producer_from_starting(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """It costs at most two lines, because a line break may be hit."""
    path = tmp_path_factory.mktemp("record") / "record"
    live(path, *range(1, 20), schedule=SCHEDULE)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(data)

    assert len(restored(path)) >= 17
