"""The plan of what the liar sends to each client and when; the expected counts are computed here by hand."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from wirerace.clock import to_ns

MS = 1_000_000
LEAD = 5
"""Updates before the window, and after it, which are all sent rightly."""
PAUSE_NS = 200 * MS
"""The pause around each end of the window, in which nothing is made."""


class Lie(NamedTuple):
    """A few updates in a row, sent wrongly.

    `turns` says what is sent when each of them is due, 0 being the first of them; one turn is sent in one
    piece. `bounds` counts the updates with which something newer comes in one piece: of those, a stream cannot know
    when they arrived.
    """

    turns: tuple[tuple[int, ...], ...]
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    bounds: int = 0


TRUTH = Lie(((0,),))
LIES = {
    "dropped": Lie(((),), lost=1),
    "three dropped": Lie(((), (), ()), lost=3),
    "twice": Lie(((0, 0),), duplicated=1, bounds=1),
    "three times": Lie(((0, 0, 0),), duplicated=2, bounds=1),
    "again, later": Lie(((0,), (1,), (0, 2)), duplicated=1),
    "again, after a newer one": Lie(((0,), (1,), (2, 0)), duplicated=1, bounds=1),
    "swapped": Lie(((), (1, 0)), reordered=1, bounds=1),
    "swapped, one by one": Lie(((), (1,), (0,), (2, 3)), reordered=1, bounds=1),
    "three too late": Lie(((), (1,), (2,), (3, 0)), reordered=1, bounds=1),
    "backwards": Lie(((), (), (), (3, 2, 1, 0)), reordered=3, bounds=3),
    "the last first": Lie(((), (), (2, 0, 1)), reordered=2, bounds=2),
    "late and twice": Lie(((), (1,), (2, 0), (3, 0)), duplicated=1, reordered=1, bounds=2),
    "late, its neighbour dropped": Lie(((), (), (2, 0)), lost=1, reordered=1, bounds=1),
    "withheld": Lie(((), (), (), (0, 1, 2, 3)), bounds=3),
}


def stall_of(turns: int) -> Lie:
    """Return silence for a number of turns; everything is sent at the next one."""
    return Lie((*[()] * turns, tuple(range(turns + 1))), bounds=turns)


class Story(NamedTuple):
    """What is sent to one client: sequence numbers, at the turn of each update, and the lies among them."""

    turns: list[list[int]]
    lies: list[Lie]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One trial. Every client is lied to in its own way; `lies` is how likely each update is to begin a lie.

    In a stall, `stall_turns` turns from `stall_seq` on, the server sends nothing.
    """

    transport: str
    updates: int
    gap_ns: int
    delay_ns: int
    clients: int = 20
    interval_seconds: float = 0.02
    seed: int = 1
    lies: float = 0.0
    stall_seq: int = 0
    stall_turns: int = 0

    @property
    def seqs(self) -> range:
        """All updates."""
        return range(1, self.updates + 2 * LEAD + 1)

    @property
    def interval_ns(self) -> int:
        """The time between two polls of a client."""
        return to_ns(self.interval_seconds)

    @property
    def measured(self) -> range:
        """The updates of the window."""
        return range(LEAD + 1, LEAD + self.updates + 1)

    def due_ns(self, seq: int) -> int:
        """Return when an update is sent, from the start, unless there is a lie about it."""
        pauses = (seq >= self.measured.start) + (seq >= self.measured.stop)
        return (seq - 1) * self.gap_ns + pauses * PAUSE_NS

    def made_ns(self, seq: int) -> int:
        """Return when an update is due to be made, from the start."""
        return self.due_ns(seq) - self.delay_ns

    def window(self) -> tuple[int, int]:
        """Return the window, from the start: both its ends are in the middle of a pause."""
        first_ns, after_ns = self.made_ns(self.measured.start), self.made_ns(self.measured.stop)
        return first_ns - PAUSE_NS // 2, after_ns - PAUSE_NS // 2

    def is_stalled(self, turn: int) -> bool:
        """Return whether the server does nothing after the turn of this update."""
        return self.stall_seq <= turn < self.stall_seq + self.stall_turns

    def story(self, client: int) -> Story:
        """Return the story of a client."""
        story = Story([], [])
        source = random.Random(f"{self.seed}/{client}")
        while (seq := len(story.turns) + 1) in self.seqs:
            lie = self._lie_at(seq, source)
            story.lies.append(lie)
            story.turns.extend([seq + offset for offset in turn] for turn in lie.turns)
        return story

    def _lie_at(self, seq: int, source: random.Random) -> Lie:
        if seq == self.stall_seq:
            return stall_of(self.stall_turns)
        if seq not in self.measured or source.random() >= self.lies:
            return TRUTH
        lie = source.choice(list(LIES.values()))
        return lie if seq + len(lie.turns) <= self.measured.stop else TRUTH

    def stories(self) -> Iterator[Story]:
        """Yield the story of each client."""
        return map(self.story, range(self.clients))

    def counts(self) -> dict[str, int]:
        """Return the expected ledger of all clients."""
        lies = [lie for story in self.stories() for lie in story.lies]
        expected, lost = self.clients * self.updates, sum(lie.lost for lie in lies)
        return {
            "expected": expected,
            "delivered": expected - lost,
            "lost": lost,
            "duplicated": sum(lie.duplicated for lie in lies),
            "reordered": sum(lie.reordered for lie in lies),
        }

    def bounds(self) -> int:
        """Return how many updates of the window come in one piece with something newer after them."""
        return sum(lie.bounds for story in self.stories() for lie in story.lies)

    def sends(self) -> int:
        """Return the number of all sends."""
        return sum(len(turn) for story in self.stories() for turn in story.turns)

    def latencies_ns(self) -> list[int]:
        """Return the latency of each first send in the window, ascending, for clients that receive at once."""
        found = []
        for story in self.stories():
            received: set[int] = set()
            sent = ((turn, seq) for turn, seqs in zip(self.seqs, story.turns, strict=True) for seq in seqs)
            for turn, seq in sent:
                if seq in self.measured and seq not in received:
                    received.add(seq)
                    found.append(self.due_ns(turn) - self.made_ns(seq))
        return sorted(found)


def percentile(ascending: list[int], percent: float) -> int:
    """Return the value that `percent` of all do not exceed."""
    return ascending[math.ceil(len(ascending) * percent / 100) - 1]
