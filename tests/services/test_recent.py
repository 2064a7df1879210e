from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recent import Bounds, Kept, Recent
from wirerace.wire.update import Cursor, Update

EPOCHS = ("e0", "e1", "e2", "e3")


class Next(NamedTuple):
    """An update that comes: how many are missing before it, and its bytes."""

    missing: int
    size: int


class Case(NamedTuple):
    """The updates that come, epoch by epoch, and the bounds."""

    epochs: list[list[Next]]
    keep_updates: int
    keep_bytes: int


class RecentModel:
    """All updates that ever came, in one list; its end is what is kept."""

    def __init__(self, keep_updates: int, keep_bytes: int) -> None:
        self.came: list[tuple[Cursor, bytes]] = []
        self.begun: dict[str, int] = {}  # epoch to how many updates came before it
        self.first = 0  # index of the oldest kept
        self.bounds = keep_updates, keep_bytes

    def begin(self, epoch: str) -> None:
        self.begun[epoch] = len(self.came)

    def append(self, cursor: Cursor, encoded: bytes) -> None:
        self.came.append((cursor, encoded))
        keep_updates, keep_bytes = self.bounds
        while len(self.kept()) > keep_updates or (len(self.kept()) > 1 and len(b"".join(self.kept())) > keep_bytes):
            self.first += 1

    def kept(self) -> list[bytes]:
        return [encoded for _, encoded in self.came[self.first :]]

    def after(self, cursor: Cursor | None) -> list[bytes]:
        """Return what a client with this cursor gets."""
        if cursor is None:
            return []
        known = self.begun.get(cursor.epoch, 0)
        for number, (place, _) in enumerate(self.came, 1):
            if place.epoch == cursor.epoch and place.seq <= cursor.seq:
                known = number
        return [encoded for _, encoded in self.came[max(known, self.first) :]]


NO_BOUND = (10**6, 10**9)

nexts = st.builds(Next, st.sampled_from([0, 0, 0, 1, 3]), st.integers(1, 12))
cases = st.builds(
    Case,
    st.lists(st.lists(nexts, max_size=12), max_size=len(EPOCHS)),
    st.integers(1, 12),
    st.integers(1, 120),
)
cursors = st.none() | st.builds(Cursor, st.sampled_from([*EPOCHS, "unknown"]), st.just(0) | st.integers(0, 40))


def filled(case: Case) -> tuple[Recent, RecentModel]:
    """Return both models with the updates of a case; every epoch is announced, as in a feed."""
    recent, model = Recent(Bounds(case.keep_updates, case.keep_bytes)), RecentModel(case.keep_updates, case.keep_bytes)
    for epoch, updates in zip(EPOCHS, case.epochs, strict=False):
        seq = 0
        recent.turn_to(Cursor(epoch, 0))
        model.begin(epoch)
        for missing, size in updates:
            seq += 1 + missing
            encoded = f"{epoch}-{seq}".encode().ljust(size, b".")
            recent.append(Cursor(epoch, seq), encoded, 0)
            model.append(Cursor(epoch, seq), encoded)
    return recent, model


def recent_of(*places: tuple[str, int], keep_updates: int = 100, keep_bytes: int = 10_000) -> Recent:
    recent = Recent(Bounds(keep_updates, keep_bytes))
    for epoch, seq in places:
        recent.append(Cursor(epoch, seq), f"{epoch}-{seq}".encode(), 0)
    return recent


def encoded_of(kept: list[Kept]) -> list[bytes]:
    return [item.encoded for item in kept]


def gets(recent: Recent, cursor: Cursor | None) -> list[bytes]:
    """Return what a client with this cursor gets."""
    return encoded_of(recent.after(recent.position(cursor), *NO_BOUND))


@given(cases, cursors)
def test_client_gets_what_a_list_of_everything_says(case: Case, cursor: Cursor | None) -> None:
    recent, model = filled(case)

    assert model.after(cursor) == gets(recent, cursor)


@given(cases)
def test_positions_continue_across_epochs_and_gaps(case: Case) -> None:
    recent, model = filled(case)

    assert len(model.came) == recent.head
    assert list(range(model.first + 1, recent.head + 1)) == [kept.position for kept in recent.after(0, *NO_BOUND)]


@pytest.mark.long
@given(cases)
def test_client_that_resumes_at_what_it_got_last_gets_the_rest(case: Case) -> None:
    recent, model = filled(case)
    rests = [gets(recent, cursor) for cursor, _ in model.came[model.first :]]

    assert [model.kept()[number:] for number in range(1, len(rests) + 1)] == rests


@pytest.mark.long
@given(cases)
def test_what_is_kept_stays_within_its_bounds(case: Case) -> None:
    recent, _ = filled(case)
    kept = encoded_of(recent.after(0, *NO_BOUND))

    assert len(kept) <= case.keep_updates
    assert len(kept) <= 1 or len(b"".join(kept)) <= case.keep_bytes


@pytest.mark.long
@given(cases, st.integers(0, 60), st.integers(1, 60), st.integers(1, 200))
def test_after_gives_the_oldest_first_up_to_both_bounds_but_one_at_least(
    case: Case, position: int, most_updates: int, most_bytes: int
) -> None:
    recent, model = filled(case)
    left = model.came[max(position, model.first) :][:most_updates]
    while len(left) > 1 and len(b"".join(encoded for _, encoded in left)) > most_bytes:
        left.pop()

    found = recent.after(position, most_updates, most_bytes)

    assert left == [(recent.cursor_at(kept.position), kept.encoded) for kept in found]


@pytest.mark.long
@given(cases, st.integers(1, 15))
def test_client_that_starts_before_the_newest_gets_that_number_of_them(case: Case, count: int) -> None:
    recent, model = filled(case)

    assert model.kept()[-count:] == gets(recent, recent.before_newest(count))


def test_nothing_lies_before_the_newest_when_there_is_none() -> None:
    assert None is Recent(Bounds(10, 100)).before_newest(1)


def test_client_without_a_cursor_starts_at_the_next_update() -> None:
    recent = recent_of(("e0", 1), ("e0", 2))
    position = recent.position(None)
    recent.append(Cursor("e0", 3), b"e0-3", 0)

    assert [b"e0-3"] == encoded_of(recent.after(position, *NO_BOUND))


def test_cursor_of_an_unknown_epoch_gets_all_from_the_oldest_kept() -> None:
    recent = recent_of(("e0", 1), ("e0", 2), ("e1", 1), keep_updates=2)

    assert [b"e0-2", b"e1-1"] == gets(recent, Cursor("other", 17))


def test_cursor_older_than_what_is_kept_gets_all_from_the_oldest_kept() -> None:
    recent = recent_of(*(("e0", seq) for seq in range(1, 10)), keep_updates=3)

    assert [b"e0-7", b"e0-8", b"e0-9"] == gets(recent, Cursor("e0", 2))


def test_cursor_ahead_gets_nothing_until_there_is_something_newer_than_it() -> None:
    recent = recent_of(("e0", 1), ("e0", 2))
    position = recent.position(Cursor("e0", 4))
    met = [encoded_of(recent.after(position, *NO_BOUND))]
    for seq in (3, 4, 5):
        recent.append(Cursor("e0", seq), f"e0-{seq}".encode(), 0)
        met.append(encoded_of(recent.after(position, *NO_BOUND)))

    assert [[], [], [], [b"e0-5"]] == met


def test_cursor_within_a_gap_gets_what_comes_after_the_gap() -> None:
    recent = recent_of(("e0", 1), ("e0", 9), ("e0", 10))

    assert [b"e0-9", b"e0-10"] == gets(recent, Cursor("e0", 5))


def test_cursor_at_the_beginning_of_an_epoch_gets_nothing_of_the_epoch_before() -> None:
    recent = recent_of(("e0", 1), ("e1", 1))

    assert [b"e1-1"] == gets(recent, Cursor("e1", 0))


def test_cursor_of_the_newest_update_is_known() -> None:
    recent = recent_of(("e0", 1), ("e1", 4))

    assert Cursor("e1", 4) == recent.cursor


def test_announced_epoch_is_the_cursor_before_its_first_update() -> None:
    recent = recent_of(("e0", 7))
    recent.turn_to(Cursor("e1", 0))

    assert (Cursor("e1", 0), 1, []) == (recent.cursor, recent.head, gets(recent, Cursor("e0", 7)))


@pytest.mark.parametrize("cursor", [None, Cursor("e0", 0), Cursor("e0", 9)])
def test_nothing_kept_gives_nothing_to_anyone(cursor: Cursor | None) -> None:
    recent = Recent(Bounds(10, 100))

    assert (0, None, []) == (recent.position(cursor), recent.cursor, gets(recent, cursor))


def test_update_that_alone_is_too_big_is_kept_until_the_next_one() -> None:
    recent = recent_of(("e0", 1), ("e0", 2), keep_bytes=1)

    assert [b"e0-2"] == encoded_of(recent.after(0, *NO_BOUND))


def test_gaps_and_epochs_without_kept_updates_take_no_memory() -> None:
    recent = recent_of(*((f"e{number}", 2 * number) for number in range(1, 1000)), keep_updates=3)

    assert len(recent._runs) <= 4


@pytest.mark.parametrize(("data", "payload_bytes"), [("", 0), ("abc", 3), ("é", 2), ("€😀", 7)])
def test_payload_is_counted_in_bytes(data: str, payload_bytes: int) -> None:
    recent = Recent(Bounds(10, 100))
    recent.append(Cursor("e0", 1), b"encoded", Update("e0", 1, 0, data).payload_bytes)

    assert [Kept(1, b"encoded", payload_bytes)] == recent.after(0, *NO_BOUND)
