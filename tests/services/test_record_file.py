"""A record's file: it is restored after a kill, is rotated without a gap, and stays bounded."""

from contextlib import closing
from pathlib import Path

import pytest

from services.record import Record
from tests.services.records import FILE_UPDATES, SCHEDULE, everything, fill, live, made, restored
from wirerace.wire.update import Update
from wirerace.workload.truth import Truth

MOST_LINES = 2 * FILE_UPDATES + 2  # two files, and a schedule in each


def lines_in(directory: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in directory.iterdir())


def test_record_is_restored_from_its_file(tmp_path: Path) -> None:
    live(tmp_path / "record", 1, 2, 3)

    with closing(Record(tmp_path / "record")) as record:
        assert Truth(3, complete=True, epochs=[made(1, 2, 3)]) == record.between(1, 1000)


def test_record_continues_in_its_file_over_several_lives(tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, 2)
    live(path, 3, epoch="e1")
    live(path, 4, epoch="e2")

    assert [("e0", 1), ("e0", 2), ("e1", 3), ("e2", 4)] == restored(path)


def test_update_is_in_the_file_once_flushed(tmp_path: Path) -> None:
    with closing(Record(tmp_path / "record")) as record:
        record.add(Update("e0", 1, 10, ""), 2)
        record.flush()

        assert b'["e0",1,10,2]\n' == (tmp_path / "record").read_bytes()


@pytest.mark.usefixtures("small_parts")
def test_file_is_rotated_and_both_files_are_restored(tmp_path: Path) -> None:
    path, count = tmp_path / "record", FILE_UPDATES + 2
    live(path, *range(1, count + 1), schedule=SCHEDULE)

    assert {"record", "record.old"} == {file.name for file in tmp_path.iterdir()}
    with closing(Record(path)) as record:
        assert [("e0", seq) for seq in range(1, count + 1)] == everything(record)
        assert SCHEDULE == record.schedule


@pytest.mark.usefixtures("small_parts")
def test_rotation_leaves_no_gap_and_at_least_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with closing(Record(path)) as record:
        for count in range(1, 40):
            fill(record, count)
            least = min(count, FILE_UPDATES)
            kept = [seq for _, seq in restored(path)]

            assert kept[-least:] == list(range(count - least + 1, count + 1))


@pytest.mark.usefixtures("small_parts")
def test_files_stay_bounded(tmp_path: Path) -> None:
    live(tmp_path / "record", *range(1, 200))

    assert lines_in(tmp_path) <= MOST_LINES


@pytest.mark.usefixtures("small_parts")
def test_files_stay_bounded_over_many_lives(tmp_path: Path) -> None:
    for start in range(1, 100, 3):
        live(tmp_path / "record", *range(start, start + 3), epoch=f"e{start}")

    assert lines_in(tmp_path) <= MOST_LINES


@pytest.mark.usefixtures("small_parts")
def test_restored_record_knows_that_older_files_are_gone(tmp_path: Path) -> None:
    live(tmp_path / "record", *range(1, 100))

    with closing(Record(tmp_path / "record")) as record:
        _, oldest = everything(record)[0]
        assert [False, True] == [record.between(10 * seq, 10_000).complete for seq in (1, oldest + 1)]


@pytest.mark.usefixtures("small_parts")
def test_record_that_cannot_be_rotated_continues_in_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "record").touch()
    with closing(Record(tmp_path / "record")) as record:
        (tmp_path / "record.old" / "something").mkdir(parents=True)
        fill(record, *range(1, 2 * FILE_UPDATES))
        (tmp_path / "record.old" / "something").rmdir()
        (tmp_path / "record.old").rmdir()
    assert list(range(1, 2 * FILE_UPDATES)) == [seq for _, seq in restored(tmp_path / "record")]
    assert "writing continues in it, and it grows" in caplog.records[0].getMessage()


def test_channels_are_restored_and_a_missing_update_of_one_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with closing(Record(path)) as record:
        for ts, (seq, channel) in enumerate([(1, "a"), (1, "b"), (2, "a"), (2, "b")], 10):
            record.add(Update("e0", seq, ts, "", channel), 0)
    assert b'["e0",1,10,0,"a"]' in path.read_bytes()
    with closing(Record(path)) as record:
        assert {"e0/a": [1, 2], "e0/b": [1, 2]} == {made.sequence: made.seq for made in record.between(0, 99).epochs}
        assert record.between(0, 99).complete

    path.write_bytes(path.read_bytes().replace(b'["e0",1,11,0,"b"]\n', b""))
    with closing(Record(path)) as record:
        assert not record.between(12, 99).complete
        assert record.between(13, 99).complete


@pytest.mark.parametrize("channel", ["no name", "x" * 33])
def test_line_of_a_channel_that_cannot_be_is_skipped(tmp_path: Path, channel: str) -> None:
    path = tmp_path / "record"
    path.write_text(f'["e0",1,10,0]\n["e0",1,11,0,"{channel}"]\n')
    assert [("e0", 1)] == restored(path)
