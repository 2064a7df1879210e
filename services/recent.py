"""Recent: the newest updates, each encoded once, found by cursor; bounded in count and bytes."""

from collections import deque
from itertools import islice
from typing import NamedTuple, Protocol

from wirerace.wire.update import Cursor


class Kept(NamedTuple):
    """An update as it will be written, with the numbers that are counted for it."""

    position: int
    encoded: bytes
    payload_bytes: int


class History(Protocol):
    """Kept updates, in the form that some client gets; `head` is the position of the newest."""

    @property
    def head(self) -> int:
        """The newest position."""

    def after(self, position: int, most_updates: int, most_bytes: int) -> list[Kept]:
        """Return what is kept after `position`, oldest first, up to both bounds, and at least one update."""


class _Run(NamedTuple):
    """A run of seqs without a gap: `first_seq` has position `first`."""

    epoch: str
    first_seq: int
    first: int


class Bounds:
    """The bounds of what several `Recent` keep together: when one is exceeded, the oldest update of all is dropped."""

    def __init__(self, keep_updates: int, keep_bytes: int) -> None:
        self._keep_updates = keep_updates
        self._keep_bytes = keep_bytes
        self._bytes = 0
        self._order: deque[Recent] = deque()

    def add(self, recent: "Recent", size_bytes: int) -> None:
        """Note that `recent` keeps one more update, and drop the oldest until the bounds are met."""
        self._order.append(recent)
        self._bytes += size_bytes
        while len(self._order) > self._keep_updates or (self._bytes > self._keep_bytes and len(self._order) > 1):
            self._bytes -= self._order.popleft().drop_oldest()


class Recent:
    """Updates of one channel in order of arrival. Each has a *position*, 1, 2, 3 …, across epochs and gaps.

    A client that has everything up to a position gets what lies after it. `head` is the newest position, 0 before the
    first update. A position above `head` belongs to a cursor that is ahead of this server. `version` changes whenever
    the head or the cursor does.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.head = 0
        self.version = 0
        self.cursor: Cursor | None = None
        self._bounds = bounds
        self._kept: deque[Kept] = deque()
        self._runs: list[_Run] = []

    def turn_to(self, cursor: Cursor) -> None:
        """Note that the next update follows `cursor`: a new epoch has begun, or updates are missing for good."""
        if cursor != self.cursor:
            self.version += 1
            self._runs.append(_Run(cursor.epoch, cursor.seq + 1, self.head + 1))
            self.cursor = cursor

    def append(self, cursor: Cursor, encoded: bytes, payload_bytes: int) -> Kept:
        """Keep the next update, whose cursor this is. The oldest ones are dropped until the bounds are met."""
        before = self.cursor
        if before is None or before.seq != cursor.seq - 1 or before.epoch != cursor.epoch:
            self.turn_to(Cursor(cursor.epoch, cursor.seq - 1))
        self.head += 1
        self.version += 1
        self.cursor = cursor
        kept = Kept(self.head, encoded, payload_bytes)
        self._kept.append(kept)
        self._bounds.add(self, len(encoded))
        return kept

    def drop_oldest(self) -> int:
        """Drop the oldest update, and return the bytes that it took."""
        size_bytes = len(self._kept.popleft().encoded)
        while len(self._runs) > 1 and self._runs[1].first <= self._before_oldest:
            del self._runs[0]
        return size_bytes

    def position(self, cursor: Cursor | None) -> int:
        """Return the position up to which the client has everything that is still kept.

        Without a cursor that is the head: the client starts at the next update. A cursor of an unknown epoch, or one
        that is older than everything kept, means "from the oldest kept".
        """
        if cursor is None:
            return self.head
        before_oldest = self._before_oldest
        end: int | None = None  # the end of the run in question; the newest run has none
        for run in reversed(self._runs):
            if run.epoch == cursor.epoch:
                position = run.first + cursor.seq - run.first_seq
                if position >= run.first - 1:
                    return max(position if end is None else min(position, end), before_oldest)
            end = run.first - 1
        return before_oldest

    def cursor_at(self, position: int) -> Cursor:
        """Return the cursor of a client that has everything up to `position`: a kept update's, or that before them."""
        run = next((run for run in reversed(self._runs) if run.first <= position), self._runs[0])
        return Cursor(run.epoch, run.first_seq + position - run.first)

    def before_newest(self, count: int) -> Cursor | None:
        """Return the cursor of a client that lacks the `count` newest updates, as far as they are kept.

        None before the first update.
        """
        return self.cursor_at(max(self.head - count, self._before_oldest)) if self._kept else None

    def after(self, position: int, most_updates: int, most_bytes: int) -> list[Kept]:
        """Return what is kept after `position`, oldest first, up to both bounds, and at least one update."""
        kept = len(self._kept)
        start = max(position - self._before_oldest, 0)
        if start >= kept:
            return []
        stop = min(start + most_updates, kept)
        if kept - start < start:  # A deque is fast at its ends only.
            found = list(islice(reversed(self._kept), kept - stop, kept - start))
            found.reverse()
        else:
            found = list(islice(self._kept, start, stop))
        return _first(found, most_bytes)

    @property
    def _before_oldest(self) -> int:
        return self.head - len(self._kept)


def _first(found: list[Kept], most_bytes: int) -> list[Kept]:
    size_bytes = 0
    for index, kept in enumerate(found):
        size_bytes += len(kept.encoded)
        if size_bytes > most_bytes:
            return found[: max(index, 1)]
    return found
