"""Which sequence numbers of one epoch a client has received, in memory that gaps alone can grow."""

from bisect import bisect_left
from enum import Enum


class Arrival(Enum):
    """What the arrival of a key means. REORDERED is new too, but below the highest seen (RFC 4737, type P)."""

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
        """How many below the highest were never seen."""
        return sum(high - low + 1 for low, high in self._gaps)

    def add(self, seq: int) -> Arrival:
        """Note one arrival and return what it means."""
        if seq > self.highest:
            if seq > self.highest + 1:
                self._gaps.append((self.highest + 1, seq - 1))
            self.highest = seq
            return Arrival.NEW
        index = bisect_left(self._gaps, seq, key=lambda gap: gap[1])
        if index == len(self._gaps) or self._gaps[index][0] > seq:
            return Arrival.DUPLICATE
        low, high = self._gaps[index]
        self._gaps[index : index + 1] = [gap for gap in ((low, seq - 1), (seq + 1, high)) if gap[0] <= gap[1]]
        return Arrival.REORDERED
