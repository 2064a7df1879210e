from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import record as record_module
from services.record import PARTS, Record
from wirerace.schedule import Made, Schedule, Truth

PART_UPDATES = 4
FILE_UPDATES = PARTS * PART_UPDATES // 2
MOST_LINES = 2 * FILE_UPDATES + 2  # two files, and a schedule in each
SCHEDULE = Schedule(rate_per_second=3.0, seed=9, start_ns=100)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_module, "PART_UPDATES", PART_UPDATES)


def fill(record: Record, *seqs: int, epoch: str = "e0") -> None:
    """Note updates made at 10 ns times their number, 1 ns late."""
    for seq in seqs:
        record.add(epoch, seq, 10 * seq, 1)
    record.flush()


def live(path: Path, *seqs: int, epoch: str = "e0", schedule: Schedule | None = None) -> None:
    """Be a producer that makes some updates and is killed."""
    with closing(Record(path)) as record:
        if schedule is not None:
            record.set_schedule(schedule)
        fill(record, *seqs, epoch=epoch)


def made(*seqs: int, epoch: str = "e0") -> Made:
    return Made(epoch, list(seqs), [10 * seq for seq in seqs], [1] * len(seqs))


def everything(record: Record) -> list[tuple[str, int]]:
    return [(epoch.epoch, seq) for epoch in record.between(0, 2**62).epochs for seq in epoch.seq]


def restored(path: Path) -> list[tuple[str, int]]:
    with closing(Record(path)) as record:
        return everything(record)


def begun(path: Path, options: Schedule | None) -> Schedule | None:
    """Be a producer that starts with some options, and return the schedule that holds."""
    with closing(Record(path)) as record:
        record.begin(options)
        return record.schedule


def lines_in(directory: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in directory.iterdir())


def test_between_gives_what_was_made_from_the_first_instant_to_before_the_last() -> None:
    record = Record(None)
    fill(record, 1, 2, 3, 4)

    assert Truth(2, complete=True, epochs=[made(2, 3)]) == record.between(20, 40)


@given(st.lists(st.integers(0, 50), max_size=30).map(sorted), st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None)
def test_between_agrees_with_a_plain_list(times: list[int], from_ns: int, to_ns: int) -> None:
    record = Record(None)
    for seq, ts in enumerate(times, 1):
        record.add("e0", seq, ts, 2 * seq)
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
    """A producer that is killed again and again loses none of its short lives."""
    record = Record(None)
    for number in range(1, PARTS + 3):
        fill(record, number, epoch=f"e{number}")

    assert [(f"e{number}", number) for number in range(1, PARTS + 3)] == everything(record)


def test_record_is_restored_from_its_file(tmp_path: Path) -> None:
    live(tmp_path / "record", 1, 2, 3)

    with closing(Record(tmp_path / "record")) as record:
        assert Truth(3, complete=True, epochs=[made(1, 2, 3)]) == record.between(1, 1000)


def test_record_goes_on_in_its_file_over_several_lives(tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, 2)
    live(path, 3, epoch="e1")
    live(path, 4, epoch="e2")

    assert [("e0", 1), ("e0", 2), ("e1", 3), ("e2", 4)] == restored(path)


def test_last_schedule_is_restored(tmp_path: Path) -> None:
    live(tmp_path / "record", schedule=Schedule())
    live(tmp_path / "record", 1, 2, schedule=SCHEDULE)

    with closing(Record(tmp_path / "record")) as record:
        assert SCHEDULE == record.schedule


def test_schedule_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    live(tmp_path / "record", schedule=SCHEDULE)
    with closing(Record(tmp_path / "record")) as record:
        record.set_schedule(None)

    with closing(Record(tmp_path / "record")) as record:
        assert record.schedule is None


OPTIONS = Schedule(rate_per_second=5.0)


def test_schedule_outlives_a_producer_that_begins_again_with_the_same_options(tmp_path: Path) -> None:
    for options in (OPTIONS, None):
        path = tmp_path / f"record-{options is None}"
        begun(path, options)
        live(path, 1, schedule=SCHEDULE)

        assert [SCHEDULE, SCHEDULE] == [begun(path, options), begun(path, options)]


@pytest.mark.parametrize("other", [Schedule(rate_per_second=6.0), Schedule(rate_per_second=5.0, seed=2), None])
def test_schedule_that_was_set_under_other_options_does_not_hold(other: Schedule | None, tmp_path: Path) -> None:
    path = tmp_path / "record"
    begun(path, OPTIONS)
    live(path, 1, schedule=SCHEDULE)

    assert [None, None] == [begun(path, other), begun(path, OPTIONS)]
    assert [("e0", 1)] == restored(path)


def test_record_that_does_not_know_its_options_keeps_its_schedule_once(tmp_path: Path) -> None:
    path = tmp_path / "record"
    live(path, 1, schedule=SCHEDULE)

    assert [SCHEDULE, None] == [begun(path, OPTIONS), begun(path, Schedule(rate_per_second=6.0))]


@pytest.mark.usefixtures("small_parts")
def test_options_are_still_known_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "record"
    begun(path, OPTIONS)
    live(path, *range(1, 3 * FILE_UPDATES), schedule=SCHEDULE)

    assert [SCHEDULE, None] == [begun(path, OPTIONS), begun(path, Schedule(rate_per_second=6.0))]


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


def test_update_is_in_the_file_once_flushed(tmp_path: Path) -> None:
    with closing(Record(tmp_path / "record")) as record:
        record.add("e0", 1, 10, 2)
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
