"""The schedule in a record: it outlives the producer, as long as the next one starts with the same options."""

from contextlib import closing
from pathlib import Path

import pytest

from services.record import Record
from tests.services.records import FILE_UPDATES, OPTIONS, SCHEDULE, live, restored
from wirerace.workload.schedule import Schedule


def begun(path: Path, options: Schedule | None) -> Schedule | None:
    """Act as a producer that starts with some options, and return its schedule."""
    with closing(Record(path)) as record:
        record.begin(options)
        return record.schedule


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
