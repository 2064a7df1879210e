"""A part of the producer's record: neighbouring updates of one epoch, in columns by channel, found by bisection."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from operator import itemgetter

from wirerace.workload.truth import EpochCount, EpochMade, Sent


class _Columns:
    """The updates of one channel, in order: number, intended time, and how late, ns. Times never fall."""

    __slots__ = ("late_ns", "seq", "ts")

    def __init__(self) -> None:
        self.seq = array("q")
        self.ts = array("q")
        self.late_ns = array("q")

    def places(self, from_ns: int, to_ns: int) -> slice:
        """Return the places of what was made in [from, to) of making time."""
        begin = bisect_left(self.ts, from_ns)
        return slice(begin, max(begin, bisect_left(self.ts, to_ns, begin)))


class RecordPart:
    """Neighbouring updates of one epoch, whose times never fall: a clock that is set back begins another part.

    `messages` has the messages from which some were made, by channel and number, in the order of their making.
    """

    def __init__(self, epoch: str, first_ns: int) -> None:
        self.epoch = epoch
        self.count = 0
        self.first_ns = self.last_ns = first_ns
        self.messages: dict[tuple[str, int], Sent] = {}
        self._columns: dict[str, _Columns] = {}

    def takes(self, epoch: str, ts: int) -> bool:
        """Return whether an update of an epoch, made at `ts`, may be its next one."""
        return epoch == self.epoch and ts >= self.last_ns

    def append(self, channel: str, seq: int, ts: int, late_ns: int) -> None:
        """Note the next update."""
        columns = self._columns.get(channel)
        if columns is None:
            columns = self._columns[channel] = _Columns()
        columns.seq.append(seq)
        columns.ts.append(ts)
        columns.late_ns.append(late_ns)
        self.last_ns = ts
        self.count += 1

    def between(self, from_ns: int, to_ns: int) -> Iterator[EpochMade]:
        """Yield what was made of each channel in [from, to) of making time, in the order of the first updates."""
        for channel, columns, places in self._in(from_ns, to_ns):
            seqs = columns.seq[places].tolist()
            yield EpochMade(
                self.epoch,
                seqs,
                columns.ts[places].tolist(),
                columns.late_ns[places].tolist(),
                channel,
                self._sent_in(channel, seqs),
            )

    def counts(self, from_ns: int, to_ns: int) -> Iterator[EpochCount]:
        """Yield how much was made of each channel in [from, to); it takes as long for many updates as for few."""
        for channel, columns, places in self._in(from_ns, to_ns):
            yield EpochCount(self.epoch, places.stop - places.start, columns.seq[places.stop - 1], channel)

    def _in(self, from_ns: int, to_ns: int) -> list[tuple[str, _Columns, slice]]:
        """Return the channels of which something was made in [from, to), in the order of its first update."""
        if to_ns <= self.first_ns or from_ns > self.last_ns:
            return []
        found = []
        for channel, columns in self._columns.items():
            places = columns.places(from_ns, to_ns)
            if places.start < places.stop:
                found.append((columns.ts[places.start], (channel, columns, places)))
        return [one for _, one in sorted(found, key=itemgetter(0))]

    def _sent_in(self, channel: str, seqs: list[int]) -> dict[int, Sent]:
        """Return the messages from which updates of a channel were made, by the number of their update."""
        if not self.messages:
            return {}
        return {seq: self.messages[channel, seq] for seq in seqs if (channel, seq) in self.messages}
