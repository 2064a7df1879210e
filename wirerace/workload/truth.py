"""The truth: what the producer made in a window, by its record, and the messages from which some of it was made."""

import msgspec

from wirerace.wire.update import sequence_of


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """The message from which an update was made: its key, and when it was to be sent, Unix nanoseconds."""

    client: str
    n: int
    ts: int


class EpochMade(msgspec.Struct, frozen=True, omit_defaults=True):
    """The updates of one epoch and channel made in a window, in order: number, intended time, and how late, ns.

    `messages` has the messages from which some of them were made, by number.
    """

    epoch: str
    seq: list[int]
    ts: list[int]
    late_ns: list[int]
    channel: str = ""
    messages: dict[int, Sent] = {}

    @property
    def sequence(self) -> str:
        """The name of the sequence in which `seq` counts."""
        return sequence_of(self.epoch, self.channel)


class Truth(msgspec.Struct, frozen=True):
    """What the producer made in a window, from its record; `complete` is false if the record begins after that.

    `epochs` are in the order of their first updates, the channels of one epoch beside each other.
    """

    count: int
    complete: bool
    epochs: list[EpochMade]

    def by_channel(self) -> dict[str, list[EpochMade]]:
        """Return the epochs of each channel in which something was made."""
        found: dict[str, list[EpochMade]] = {}
        for made in self.epochs:
            found.setdefault(made.channel, []).append(made)
        return found

    @property
    def made_at(self) -> dict[tuple[str, int], int]:
        """The intended time of each update, Unix nanoseconds, by the name of its sequence and its number."""
        return {(made.sequence, seq): ts for made in self.epochs for seq, ts in zip(made.seq, made.ts, strict=True)}


class EpochCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many updates of one epoch and channel were made in a window, and the number of the newest of them."""

    epoch: str
    count: int
    newest: int
    channel: str = ""

    @property
    def sequence(self) -> str:
        """The name of the sequence in which `newest` counts."""
        return sequence_of(self.epoch, self.channel)

    def after(self, before: "EpochCount") -> "EpochCount":
        """Return both together, `before` being the earlier ones of the same sequence."""
        return msgspec.structs.replace(self, count=before.count + self.count)


class Counts(msgspec.Struct, frozen=True):
    """How much the producer made in a window: the truth without the updates, with the same `count` and `complete`."""

    count: int
    complete: bool
    epochs: list[EpochCount]
