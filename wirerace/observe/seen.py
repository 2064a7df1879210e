"""The sequence numbers of one epoch that a client has received. Only gaps take memory."""

from bisect import bisect_left
from enum import Enum


class Arrival(Enum):
    """The kind of an arrival. REORDERED is new too, but below the highest seen (RFC 4737, type P)."""

    NEW = "new"
    REORDERED = "reordered"
    DUPLICATE = "duplicate"


class Seen:
    """Sequence numbers seen, as the highest and the gaps below it."""

    __slots__ = ("_gaps", "highest")

    def __init__(self, highest: int) -> None:
        """Everything up to `highest` counts as seen."""
        self.highest = highest
        self._gaps: list[tuple[int, int]] = []  # disjoint, ascending, both ends included

    @property
    def missing(self) -> int:
        """The number of sequence numbers below the highest that were never seen."""
        return sum(high - low + 1 for low, high in self._gaps)

    @property
    def gaps(self) -> int:
        """The number of gaps below the highest."""
        return len(self._gaps)

    def __contains__(self, seq: int) -> bool:
        return seq <= self.highest and self._gap_of(seq) is None

    def add(self, seq: int) -> Arrival:
        """Note one arrival and return its kind."""
        if seq > self.highest:
            if seq > self.highest + 1:
                self._gaps.append((self.highest + 1, seq - 1))
            self.highest = seq
            return Arrival.NEW
        index = self._gap_of(seq)
        if index is None:
            return Arrival.DUPLICATE
        low, high = self._gaps[index]
        self._gaps[index : index + 1] = [gap for gap in ((low, seq - 1), (seq + 1, high)) if gap[0] <= gap[1]]
        return Arrival.REORDERED

    def _gap_of(self, seq: int) -> int | None:
        """Return the place of the gap in which a number lies, None if it lies in none."""
        index = bisect_left(self._gaps, seq, key=lambda gap: gap[1])
        return None if index == len(self._gaps) or self._gaps[index][0] > seq else index
