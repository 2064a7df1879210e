import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import record as record_module
from services.record import PARTS, Record
from services.troubles import Troubles
from wirerace.errors import BadInput
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
    """The schedule, too; and the truth is not complete where the line may have been an update."""
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
    """Nobody had been told of that update."""
    path = tmp_path / "record"
    live(path, 1, 2)
    with path.open("ab") as file:
        file.write(b'["e0",3,3')
    live(path, 1, 2, epoch="e1")

    with closing(Record(path)) as record:
        assert record.between(0, 100).complete


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


@given(st.integers(0, 400), st.integers(0, 7))
def test_no_flipped_bit_in_a_record_keeps_a_producer_from_starting(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """And it costs two lines at most: a line break may be hit."""
    path = tmp_path_factory.mktemp("record") / "record"
    live(path, *range(1, 20), schedule=SCHEDULE)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(data)

    assert len(restored(path)) >= 17


@contextmanager
def full_disk_at(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Monotonic:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def steady() -> Monotonic:
    return Monotonic()


@pytest.mark.parametrize("spare", range(25))
def test_record_on_a_full_disk_goes_on_in_memory_and_says_so_once(
    spare: int, tmp_path: Path, troubles: Troubles, steady: Monotonic, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever in a line the disk is full; who reads the file later knows that something is missing."""
    path = tmp_path / "record"
    with closing(Record(path, troubles, steady=steady)) as record:
        record.set_schedule(SCHEDULE)
        fill(record, *range(1, 11))
        assert not troubles
        with full_disk_at(path.stat().st_size + spare):
            fill(record, *range(11, 16))
            fill(record, *range(16, 21))
        assert Truth(20, complete=True, epochs=[made(*range(1, 21))]) == record.between(0, 1000)
        assert str(troubles).startswith(f"{path}: File too large: updates are made and not recorded; free some space")
        assert 1 == len(caplog.records)

        with closing(Record(path, clock=lambda: 999)) as other:
            assert len(everything(other)) >= 9
            assert [False, True] == [other.between(from_ns, 2000).complete for from_ns in (999, 1000)]
            assert SCHEDULE == other.schedule


def test_record_is_written_again_once_there_is_space(
    tmp_path: Path, troubles: Troubles, steady: Monotonic, caplog: pytest.LogCaptureFixture
) -> None:
    """With the schedule first, which may have changed; what is missing is known to be missing."""
    caplog.set_level("INFO")
    path = tmp_path / "record"
    with closing(Record(path, troubles, steady=steady)) as record:
        fill(record, 1, 2, 3)
        with full_disk_at(path.stat().st_size + 15):
            fill(record, 4)
            record.set_schedule(SCHEDULE)
            fill(record, 5)
        fill(record, 6)
        assert troubles, "it is not tried again at once"
        steady.seconds += 1.5
        fill(record, 7, 8)
        assert not troubles
        fill(record, 9)
    assert f"{path}: written again; 4 lines are missing in it" == caplog.records[-1].getMessage()

    with closing(Record(path)) as other:
        assert [1, 2, 3, 7, 8, 9] == [seq for _, seq in everything(other)]
        assert SCHEDULE == other.schedule
        assert [False, True] == [other.between(from_ns, 1000).complete for from_ns in (69, 70)]


def test_disk_that_stays_full_leaves_no_half_lines(tmp_path: Path, troubles: Troubles, steady: Monotonic) -> None:
    path = tmp_path / "record"
    with closing(Record(path, troubles, steady=steady)) as record:
        fill(record, 1, 2, 3)
        with full_disk_at(path.stat().st_size + 20):
            for seq in range(4, 20):
                fill(record, seq)
                steady.seconds += 1.5
        fill(record, 20)
    assert [1, 2, 3, 20] == [seq for _, seq in restored(path)]
    assert 1 == path.read_bytes().count(b'{"gap":true}')


def test_producer_does_not_begin_with_a_record_that_cannot_be_written(tmp_path: Path, troubles: Troubles) -> None:
    with (
        closing(Record(tmp_path / "record", troubles)) as record,
        full_disk_at(0),
        pytest.raises(BadInput, match=r"record: cannot be written; free some space, or name another --record-file"),
    ):
        record.begin(OPTIONS)


@pytest.mark.usefixtures("small_parts")
def test_record_that_cannot_be_rotated_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "record").touch()
    with closing(Record(tmp_path / "record")) as record:
        (tmp_path / "record.old" / "something").mkdir(parents=True)
        fill(record, *range(1, 2 * FILE_UPDATES))
        (tmp_path / "record.old" / "something").rmdir()
        (tmp_path / "record.old").rmdir()
    assert list(range(1, 2 * FILE_UPDATES)) == [seq for _, seq in restored(tmp_path / "record")]
    assert "it goes on and grows" in caplog.records[0].getMessage()


def test_truth_of_a_clock_that_was_set_back_is_whole() -> None:
    record = Record(None)
    for seq, ts in enumerate((10, 20, 30, 5, 15, 25), 1):
        record.add("e0", seq, ts, 0)

    assert [Made("e0", [1, 5], [10, 15], [0, 0])] == record.between(10, 20).epochs
