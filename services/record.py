"""The producer's record: every update made, in memory and, if wanted, in a file that outlives the process."""

import logging
from array import array
from collections import deque
from io import BufferedRandom
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from wirerace.errors import BadInput
from wirerace.schedule import Made, Schedule, Truth

PART_UPDATES = 250_000
PARTS = 4
"""The record reaches back over one million updates, in parts, of which the oldest is dropped whole."""

logger = logging.getLogger(__name__)


class _Part(NamedTuple):
    epoch: str
    seq: "array[int]"
    ts: "array[int]"
    late_ns: "array[int]"


class _Line(msgspec.Struct, array_like=True):
    epoch: str
    seq: int
    ts: int
    late_ns: int


class Record:
    """What was made, oldest first, bounded to the last million updates.

    With a `path`, each update is in the file before any server hears of it; a producer that starts anew with the same
    file knows the epochs before it, and the schedule that was set, as long as it starts with the same options.
    """

    def __init__(self, path: Path | None) -> None:
        self.schedule: Schedule | None = None
        self._options: Schedule | UnsetType | None = UNSET
        self._parts: deque[_Part] = deque()
        self._kept = 0
        self._dropped_to_ns = -1
        self._path = path
        self._file: BufferedRandom | None = None
        self._lines_in_file = 0
        if path is not None:
            try:
                self._restore(_older(path))
                if self._parts:  # Files before that one may be gone: nothing is known of what they held.
                    self._dropped_to_ns = self._parts[0].ts[0] - 1
                self._lines_in_file = self._restore(path)
                self._file = _open_at_line_start(path)
            except OSError as error:
                raise BadInput(f"{path}: {error.strerror or error}; name a file with --record-file") from None

    def begin(self, options: Schedule | None) -> None:
        """Begin a life with the schedule that its options give, without a start, or None.

        What was set while other options held does not hold any more: who changes them wants theirs.
        """
        if self._options == options:
            return
        held = self.schedule if self._options is UNSET else None  # an older record does not know its options
        self._options = options
        self.set_schedule(held)
        self.flush()

    def set_schedule(self, schedule: Schedule | None) -> None:
        """Note the schedule that holds from now on, None for none, and the options under which it was set."""
        self.schedule = schedule
        held = {"schedule": schedule}
        self._write(held if self._options is UNSET else held | {"options": self._options})

    def add(self, epoch: str, seq: int, ts: int, late_ns: int) -> None:
        """Note one update; it is in the file after `flush`."""
        self._remember(_Line(epoch, seq, ts, late_ns))
        self._write((epoch, seq, ts, late_ns))
        self._lines_in_file += 1
        if self._path is not None and self._lines_in_file >= PART_UPDATES * PARTS // 2:
            self._start_new_file(self._path)

    def flush(self) -> None:
        """Hand everything noted to the kernel, so that it outlives this process."""
        if self._file is not None:
            self._file.flush()

    def between(self, from_ns: int, to_ns: int) -> Truth:
        """Return what was made in [from, to) of making time."""
        epochs: list[Made] = []
        for part in self._parts:
            inside = [index for index, ts in enumerate(part.ts) if from_ns <= ts < to_ns]
            if not inside:
                continue
            if not epochs or epochs[-1].epoch != part.epoch:
                epochs.append(Made(part.epoch, [], [], []))
            made = epochs[-1]
            made.seq.extend(part.seq[index] for index in inside)
            made.ts.extend(part.ts[index] for index in inside)
            made.late_ns.extend(part.late_ns[index] for index in inside)
        return Truth(sum(len(made.seq) for made in epochs), from_ns > self._dropped_to_ns, epochs)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _remember(self, line: _Line) -> None:
        if not self._parts or self._parts[-1].epoch != line.epoch or len(self._parts[-1].seq) >= PART_UPDATES:
            self._parts.append(_Part(line.epoch, array("q"), array("q"), array("q")))
        part = self._parts[-1]
        part.seq.append(line.seq)
        part.ts.append(line.ts)
        part.late_ns.append(line.late_ns)
        self._kept += 1
        if self._kept - len(self._parts[0].seq) >= PART_UPDATES * (PARTS - 1):
            dropped = self._parts.popleft()
            self._kept -= len(dropped.seq)
            self._dropped_to_ns = max(dropped.ts)

    def _write(self, line: object) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(line) + b"\n")

    def _start_new_file(self, path: Path) -> None:
        self.close()
        path.replace(_older(path))
        self._file = _open_at_line_start(path)
        self._lines_in_file = 0
        self.set_schedule(self.schedule)

    def _restore(self, path: Path) -> int:
        """Read a file of an earlier life, if there is one, and return the number of its lines."""
        number = 0
        if not path.exists():
            return number
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    entry = msgspec.json.decode(line, type=_Line | dict[str, Schedule | None])
                except msgspec.DecodeError:
                    # The process before this one was killed while it wrote the line, and had told nobody yet.
                    logger.warning("%s:%d: not a whole line, skipped", path, number)
                    continue
                if isinstance(entry, dict):
                    self.schedule, self._options = entry["schedule"], entry.get("options", UNSET)
                else:
                    self._remember(entry)
        return number


def _open_at_line_start(path: Path) -> BufferedRandom:
    """Open a file for appending, behind the line that a killed process may have left unfinished."""
    file = path.open("a+b")
    if file.tell():
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
    return file


def _older(path: Path) -> Path:
    return path.with_name(path.name + ".old")
