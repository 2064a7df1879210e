"""A record on a full disk: it continues in memory, warns once, and is written again as soon as there is space."""

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.record import Record
from services.troubles import Troubles
from tests.services.records import OPTIONS, SCHEDULE, everything, fill, made, restored
from tests.wirerace.clocks import Hand
from wirerace.errors import BadInput
from wirerace.workload.truth import Truth


@contextmanager
def full_disk_at(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def steady() -> Hand:
    return Hand()


@pytest.mark.parametrize("spare", range(25))
def test_record_on_a_full_disk_continues_in_memory_and_says_so_once(
    spare: int, tmp_path: Path, troubles: Troubles, steady: Hand, caplog: pytest.LogCaptureFixture
) -> None:
    """At any place in a line at which the disk is full. Readers of the file know that something is missing."""
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
    tmp_path: Path, troubles: Troubles, steady: Hand, caplog: pytest.LogCaptureFixture
) -> None:
    """The schedule comes first, which may have changed. Missing lines are marked as missing."""
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
        steady.pass_(1.5)
        fill(record, 7, 8)
        assert not troubles
        fill(record, 9)
    assert f"{path}: written again; 4 lines are missing in it" == caplog.records[-1].getMessage()

    with closing(Record(path)) as other:
        assert [1, 2, 3, 7, 8, 9] == [seq for _, seq in everything(other)]
        assert SCHEDULE == other.schedule
        assert [False, True] == [other.between(from_ns, 1000).complete for from_ns in (69, 70)]


def test_disk_that_stays_full_leaves_no_half_lines(tmp_path: Path, troubles: Troubles, steady: Hand) -> None:
    path = tmp_path / "record"
    with closing(Record(path, troubles, steady=steady)) as record:
        fill(record, 1, 2, 3)
        with full_disk_at(path.stat().st_size + 20):
            for seq in range(4, 20):
                fill(record, seq)
                steady.pass_(1.5)
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
