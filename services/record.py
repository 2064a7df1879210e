"""The producer's record: every update made, in memory and, with a path, in a file that outlives the process."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.journal import GAP, Journal, Line, Steady, lines_of, older
from services.record_parts import RecordPart
from services.troubles import Troubles
from wirerace.clock import Clock, now_ns
from wirerace.decoding import decode_json
from wirerace.errors import BadInput
from wirerace.wire.message import is_client
from wirerace.wire.update import NO_UPDATE, Update, is_channel, is_epoch
from wirerace.workload.kept import PART_UPDATES, PARTS
from wirerace.workload.schedule import Schedule
from wirerace.workload.trace import check_events
from wirerace.workload.truth import Counts, EpochCount, EpochMade, Sent, Truth

MOST_WARNINGS = 10
"""Warnings about unreadable lines, for each file. Further lines are only counted."""

logger = logging.getLogger(__name__)


class _Line(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """One update."""

    epoch: str
    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    ts: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    late_ns: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    channel: str = ""
    client: str = ""
    n: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    sent: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


def _encoded(line: _Line) -> bytes:
    """Return a line without the values at its end that most lines do not have."""
    values = (line.epoch, line.seq, line.ts, line.late_ns)
    return msgspec.json.encode(line if line.client else (*values, line.channel) if line.channel else values)


class _Held(msgspec.Struct):
    """The schedule that is kept from here on, None for none, and the options under which it was set."""

    schedule: Schedule | None
    options: Schedule | UnsetType | None = UNSET


_decode_line = msgspec.json.Decoder(_Line).decode


class Record:
    """What was made, oldest first, bounded to the last million updates.

    With a `path`, each update is in the file before any server gets it. A producer that starts again with the same file
    knows the earlier epochs. If it has the same options, it knows the schedule that was set, too. When the file cannot
    be written, the record continues in memory, and the service has a trouble.
    """

    def __init__(
        self,
        path: Path | None,
        troubles: Troubles | None = None,
        clock: Clock = now_ns,
        steady: Steady = time.monotonic,
    ) -> None:
        self.schedule: Schedule | None = None
        self._options: Schedule | UnsetType | None = UNSET
        self._parts: deque[RecordPart] = deque()
        self._heads: dict[str, int] = {}  # the newest seq of each channel in the newest epoch
        self._kept = 0
        self._dropped_to_ns = -1
        self._journal: Journal | None = None
        self._lines_in_file = 0
        self._damage = 0
        troubles = Troubles() if troubles is None else troubles
        if path is not None:
            try:
                self._restore(older(path))
                if self._parts:  # Files before that one may be gone, and their updates are unknown.
                    self._dropped_to_ns = max(self._dropped_to_ns, self._parts[0].first_ns - 1)
                self._lines_in_file = self._restore(path)
                self._journal = Journal(path, troubles, lambda: [self._held()], steady)
            except OSError as error:
                raise BadInput(f"{path}: {error.strerror or error}; name a file with --record-file") from None
            if self._damage > 1:
                self._dropped_to_ns = clock()

    @property
    def newest_ns(self) -> int:
        """The intended time of the newest update, Unix nanoseconds; 0 when there is none."""
        return self._parts[-1].last_ns if self._parts else 0

    def begin(self, options: Schedule | None) -> None:
        """Begin with the schedule that the options describe, without a start, or None.

        A schedule that was set under other options is dropped: a user that changes the options wants theirs.

        Raises BadInput when the file cannot be written.
        """
        if self._options == options:
            return
        held = self.schedule if self._options is UNSET else None  # an older record does not know its options
        self._options = options
        self.set_schedule(held)
        self.flush()
        if self._journal is not None and self._journal.is_failing:
            raise BadInput(f"{self._journal.path}: cannot be written; free some space, or name another --record-file")

    def set_schedule(self, schedule: Schedule | None) -> None:
        """Note the schedule that is kept from now on, None for none, and the options under which it was set."""
        self.schedule = schedule
        if self._journal is not None:
            self._journal.write(self._held())

    def add(self, update: Update, late_ns: int) -> None:
        """Note one update, and how late it was made; it is in the file after `flush`."""
        line = _Line(update.epoch, update.seq, update.ts, late_ns, update.channel, update.client, update.n, update.sent)
        self._remember(line)
        self._lines_in_file += 1
        if self._journal is not None:
            self._journal.write(_encoded(line))
            if self._lines_in_file >= PART_UPDATES * PARTS // 2:
                self._rotate(self._journal)

    def flush(self) -> None:
        """Hand everything noted to the kernel, so that it outlives this process."""
        if self._journal is not None:
            self._journal.flush()

    def between(self, from_ns: int, to_ns: int) -> Truth:
        """Return what was made in [from, to) of making time."""
        epochs: dict[str, EpochMade] = {}
        for made in chain.from_iterable(part.between(from_ns, to_ns) for part in self._parts):
            before = epochs.setdefault(made.sequence, made)
            if before is not made:
                before.seq.extend(made.seq)
                before.ts.extend(made.ts)
                before.late_ns.extend(made.late_ns)
                before.messages.update(made.messages)
        found = list(epochs.values())
        return Truth(sum(len(made.seq) for made in found), from_ns > self._dropped_to_ns, found)

    def counts(self, from_ns: int, to_ns: int) -> Counts:
        """Return how much was made in [from, to). The work depends on the number of channels, not of updates."""
        epochs: dict[str, EpochCount] = {}
        for one in chain.from_iterable(part.counts(from_ns, to_ns) for part in self._parts):
            before = epochs.get(one.sequence)
            epochs[one.sequence] = one if before is None else one.after(before)
        found = list(epochs.values())
        return Counts(sum(one.count for one in found), from_ns > self._dropped_to_ns, found)

    def messages(self) -> Iterator[tuple[str, int]]:
        """Yield the key of each message of which an update was made."""
        for part in self._parts:
            for sent in part.messages.values():
                yield sent.client, sent.n

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.flush()
            self._journal.close()

    def _held(self) -> bytes:
        return msgspec.json.encode(_Held(self.schedule, self._options))

    def _remember(self, line: _Line) -> None:
        newest = self._parts[-1] if self._parts else None
        if newest is None or newest.count >= PART_UPDATES or not newest.takes(line.epoch, line.ts):
            newest = RecordPart(line.epoch, line.ts)
            self._parts.append(newest)
        newest.append(line.channel, line.seq, line.ts, line.late_ns)
        if line.client:
            newest.messages[line.channel, line.seq] = Sent(line.client, line.n, line.sent)
        self._kept += 1
        if self._kept - self._parts[0].count >= PART_UPDATES * (PARTS - 1):
            dropped = self._parts.popleft()
            self._kept -= dropped.count
            self._dropped_to_ns = max(self._dropped_to_ns, dropped.last_ns)

    def _rotate(self, journal: Journal) -> None:
        self._lines_in_file = 0
        journal.flush()
        try:
            journal.rotate()
        except OSError as error:
            logger.warning("%s: %s: writing continues in it, and it grows", journal.path, error.strerror or error)
        else:
            journal.write(self._held())

    def _restore(self, path: Path) -> int:
        """Read a file of an earlier process, if there is one, and return the number of its lines."""
        count = skipped = 0
        for line in lines_of(path):
            count += 1
            try:
                self._take(line)
            except (*NO_UPDATE, BadInput) as error:
                # The line is damaged, or its process was killed while writing it. Then no server got the update.
                self._damage += 1
                skipped += 1
                if skipped <= MOST_WARNINGS:
                    logger.warning("%s: not a whole line, skipped: %s", line.place, error)
        if skipped > MOST_WARNINGS:
            logger.warning("%s: %d more lines were skipped", path, skipped - MOST_WARNINGS)
        return count

    def _take(self, line: Line) -> None:
        """Take over one line. Raises when it is not a line of the record."""
        text = line.text.strip(b"\0\r\n ")
        if text == GAP:
            self._damage += 2
        elif text.startswith(b"{"):
            held = decode_json(text, _Held)
            for schedule in (held.schedule, held.options):
                if isinstance(schedule, Schedule):
                    check_events(schedule.trace, schedule.speed)
            self.schedule, self._options = held.schedule, held.options
        else:
            self._take_update(_decode_line(text))

    def _take_update(self, update: _Line) -> None:
        begins = not (self._parts and self._parts[-1].epoch == update.epoch)
        if begins:
            if not is_epoch(update.epoch):
                raise BadInput("no epoch")
            self._heads.clear()
        due = self._heads.get(update.channel, 0) + 1
        if update.channel not in self._heads and update.channel and not is_channel(update.channel):
            raise BadInput("no channel")
        if update.client and not (is_client(update.client) and update.n):
            raise BadInput("no message")
        most_damage = 1 if begins else 0  # A kill leaves one damaged line at the end of an epoch.
        if update.seq != due or self._damage > most_damage:
            self._dropped_to_ns = max(self._dropped_to_ns, update.ts - 1)
        self._damage = 0
        self._heads[update.channel] = update.seq
        self._remember(update)
