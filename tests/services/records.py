"""Records of a producer that makes some updates and is killed, and their contents afterwards."""

from contextlib import closing
from pathlib import Path

from services.record import Record
from wirerace.wire.update import Update
from wirerace.workload.kept import PARTS
from wirerace.workload.schedule import Schedule
from wirerace.workload.truth import EpochMade

PART_UPDATES = 4
FILE_UPDATES = PARTS * PART_UPDATES // 2
SCHEDULE = Schedule(rate_per_second=3.0, seed=9, start_ns=100)
OPTIONS = Schedule(rate_per_second=5.0)


def fill(record: Record, *seqs: int, epoch: str = "e0") -> None:
    """Note updates made at 10 ns times their number, 1 ns late."""
    for seq in seqs:
        record.add(Update(epoch, seq, 10 * seq, ""), 1)
    record.flush()


def live(path: Path, *seqs: int, epoch: str = "e0", schedule: Schedule | None = None) -> None:
    """Act as a producer that makes some updates and is killed."""
    with closing(Record(path)) as record:
        if schedule is not None:
            record.set_schedule(schedule)
        fill(record, *seqs, epoch=epoch)


def made(*seqs: int, epoch: str = "e0") -> EpochMade:
    return EpochMade(epoch, list(seqs), [10 * seq for seq in seqs], [1] * len(seqs))


def everything(record: Record) -> list[tuple[str, int]]:
    return [(epoch.epoch, seq) for epoch in record.between(0, 2**62).epochs for seq in epoch.seq]


def restored(path: Path) -> list[tuple[str, int]]:
    with closing(Record(path)) as record:
        return everything(record)
