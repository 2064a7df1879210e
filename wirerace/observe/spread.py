"""The spread of each update: how many clients received it, and after which times; in columns, as it travels."""

from collections.abc import Mapping

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """The spread of one update: the number of its clients, and the sum, the least and the most of their latencies."""

    clients: int
    sum_ns: int
    least_ns: int
    most_ns: int

    def plus(self, other: "Spread") -> "Spread":
        """Return the spread over the clients of both."""
        return Spread(
            self.clients + other.clients,
            self.sum_ns + other.sum_ns,
            min(self.least_ns, other.least_ns),
            max(self.most_ns, other.most_ns),
        )


class SpreadColumns(msgspec.Struct, frozen=True):
    """The spreads of the updates of one sequence, in columns: `seq` has their numbers, in order, with any gaps.

    The names of the fields stand once for all updates. Beside each update they would take a third of a raw record.
    """

    seq: list[int]
    clients: list[int]
    sum_ns: list[int]
    least_ns: list[int]
    most_ns: list[int]

    def __post_init__(self) -> None:
        """Raise ValueError when the columns are not equally long."""
        for name in self.__struct_fields__:
            values = getattr(self, name)
            if len(values) != len(self.seq):
                raise ValueError(f"{name} has {len(values)} values, and seq has {len(self.seq)}")

    @classmethod
    def of(cls, by_seq: Mapping[int, Spread]) -> "SpreadColumns":
        """Return the spreads of updates, given by number in any order."""
        seqs = sorted(by_seq)
        spreads = [by_seq[seq] for seq in seqs]
        return cls(seqs, *([getattr(one, name) for one in spreads] for name in Spread.__struct_fields__))

    @property
    def by_seq(self) -> dict[int, Spread]:
        """The spread of each update by its number."""
        spreads = map(Spread, self.clients, self.sum_ns, self.least_ns, self.most_ns)
        return dict(zip(self.seq, spreads, strict=True))

    def plus(self, other: "SpreadColumns") -> "SpreadColumns":
        """Return the spreads over the clients of both, of every update that one of them has."""
        together = self.by_seq
        for seq, spread in other.by_seq.items():
            had = together.get(seq)
            together[seq] = spread if had is None else had.plus(spread)
        return SpreadColumns.of(together)
