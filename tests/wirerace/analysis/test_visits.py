"""What visitors were expected to get: computed again from the definition, update by update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace.analysis.records import WINDOW, made, truth_of
from tests.wirerace.trials import NOTHING_MEASURED, at_ends, plan_of
from wirerace.analysis.measure import figures
from wirerace.analysis.visits import expected_of_visits, unknown_of_visits, visits_of
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan
from wirerace.observe.account import AccountRecord
from wirerace.observe.visit import VisitEnd, VisitEntry, VisitsRecord
from wirerace.record.result import Raw
from wirerace.record.samples import Resting
from wirerace.wire.update import Cursor
from wirerace.workload.population import Population
from wirerace.workload.truth import Truth

SECOND = 10**9
GRACE_NS = 2 * SECOND
EPOCHS = ("e0", "e1")
SEVEN_A_SECOND = [9 + index / 7 for index in range(90)]
"""From a second before the window to almost two after it."""


def planned(updates: int) -> Plan:
    population = Population(kind="visit", updates=updates)
    return plan_of("websocket", experiment=Experiment("t", ["websocket"], population=population))


def raw_of(*visits: VisitEntry, truth: Truth | None = None, **account: object) -> Raw:
    whole = truth or truth_of(made(*SEVEN_A_SECOND))
    record = replace(AccountRecord(visits=VisitsRecord(list(visits))), **account)
    return Raw(WINDOW, record, whole, at_ends(WINDOW, NOTHING_MEASURED))


def visit(
    first: int | None, last: int, left_seconds: float = 19.0, end: VisitEnd = "finished", asked_seconds: float = 0.0
) -> VisitEntry:
    """Return a visit that was due in the window, by the seqs of its cursors."""
    return VisitEntry(
        WINDOW.from_ns + SECOND,
        round(asked_seconds * SECOND),
        round(left_seconds * SECOND),
        end,
        1,
        None if first is None else Cursor("e0", first),
        None if first is None else Cursor("e0", last),
    )


def in_window(raw: Raw) -> set[tuple[str, int]]:
    return {key for key, ts in raw.truth.made_at.items() if raw.window.has(ts)}


def test_visitor_is_expected_to_have_what_lies_between_its_cursors() -> None:
    raw = raw_of(visit(20, 25), visit(21, 22, left_seconds=12.1))
    assert {("e0", 21), ("e0", 25)} <= in_window(raw)

    assert 5 + 1 == expected_of_visits(planned(5), raw, GRACE_NS)


def test_updates_outside_of_the_window_are_not_expected() -> None:
    raw = raw_of(visit(1, 10))  # the first seven were made before the window

    assert len({seq for _, seq in in_window(raw) if 1 < seq <= 10}) == expected_of_visits(planned(9), raw, GRACE_NS)


def test_visitor_that_gave_up_is_expected_to_have_what_was_old_then() -> None:
    """Update 21 was made 11.86 s after the epoch's start of seconds, 22 at 12.0, 23 at 12.14."""
    raw = raw_of(visit(20, 21, left_seconds=12.05 + 2, end="gave_up"))

    assert 2 == expected_of_visits(planned(50), raw, GRACE_NS)


def test_visitor_that_gave_up_is_not_expected_to_have_more_than_it_came_for() -> None:
    raw = raw_of(visit(20, 21, left_seconds=19.0, end="gave_up"))

    assert 3 == expected_of_visits(planned(3), raw, GRACE_NS)


def test_visitor_that_had_no_answer_is_expected_to_have_nothing() -> None:
    assert 0 == expected_of_visits(planned(3), raw_of(visit(None, 0, end="gave_up")), GRACE_NS)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Raw, int]:
    """Draw two epochs, and visits that begin and end anywhere in them."""
    counts = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    epochs = []
    for number, count in enumerate(counts):
        starts = sorted(draw(st.lists(st.integers(0, 6000), min_size=count, max_size=count)))
        epochs.append(made(*(8 + 7 * number + start / 1000 for start in starts), epoch=EPOCHS[number]))
    keys = [(epoch.epoch, seq) for epoch in epochs for seq in (0, *epoch.seq)]
    visits = []
    for _ in range(draw(st.integers(0, 5))):
        begin = draw(st.integers(0, len(keys) - 1))
        end = draw(st.integers(begin, len(keys) - 1))
        left_ns = draw(st.integers(8, 25)) * SECOND
        visits.append(VisitEntry(0, 0, left_ns, "finished", 1, Cursor(*keys[begin]), Cursor(*keys[end])))
    return raw_of(*visits, truth=truth_of(*epochs)), draw(st.integers(1, 10))


@pytest.mark.long
@given(cases())
def test_expectation_is_what_a_look_at_every_update_says(case: tuple[Raw, int]) -> None:
    raw, updates = case
    order = [(epoch.epoch, seq, ts) for epoch in raw.truth.epochs for seq, ts in zip(epoch.seq, epoch.ts, strict=True)]
    due = 0
    for one in raw.account.visits.ended:
        assert one.first is not None
        assert one.last is not None
        later = [key for key in order if (key[0], key[1]) > (one.first.epoch, one.first.seq)]
        for number, (epoch, seq, ts) in enumerate(later):
            had = (epoch, seq) <= (one.last.epoch, one.last.seq)
            was_old = ts < one.left_ns - GRACE_NS
            due += raw.window.has(ts) and (had or (number < updates and was_old))

    assert due == expected_of_visits(planned(updates), raw, GRACE_NS)


def test_update_that_was_never_made_is_known_by_its_number() -> None:
    raw = raw_of(visit(20, 25), visit(88, 91))

    assert 1 == unknown_of_visits(raw)
    with pytest.raises(TrialFailed, match="clients hold 1 updates that the producer never made"):
        figures(planned(3), raw)


def test_visits_of_the_window_are_counted_by_their_end() -> None:
    ends: list[VisitEnd] = ["finished", "finished", "gave_up", "unfinished"]
    outside = replace(visit(20, 21), due_ns=WINDOW.to_ns)
    raw = raw_of(*(visit(20, 21, end=end) for end in ends), outside, connects=10)
    found = visits_of(planned(3), raw, GRACE_NS)

    assert found is not None
    assert (4, 2, 1, 1) == (found.due, found.finished, found.gave_up, found.unfinished)
    assert (3, 1.0, 2.0, None) == (found.updates, found.requests, found.connections, found.resting)


def test_sockets_in_time_wait_are_those_at_the_end_of_the_window() -> None:
    raw = raw_of(visit(20, 21))
    resting = replace(raw, measured=replace(raw.measured, resting=Resting(7, 2, 28_000)))
    found = visits_of(planned(3), resting, GRACE_NS)

    assert found is not None
    assert Resting(7, 2, 28_000) == found.resting


@pytest.mark.parametrize(
    ("first", "asked_seconds", "stale"),
    [(20, 14.0, 0), (20, 14.1, 1), (19, 14.0, 1), (30, 14.0, 0), (20, 0.0, 0)],
)
def test_visit_is_stale_when_a_newer_update_was_old_as_it_asked(first: int, asked_seconds: float, stale: int) -> None:
    """Update 21 was made at 11.86 s, update 22 at 12.0 s; two seconds are allowed for."""
    found = visits_of(planned(1), raw_of(visit(first, first + 1, asked_seconds=asked_seconds)), GRACE_NS)

    assert found is not None
    assert stale == found.stale


def test_clients_that_stay_have_no_visits() -> None:
    assert None is visits_of(plan_of("websocket"), raw_of(), GRACE_NS)
    assert 0 == expected_of_visits(plan_of("websocket"), raw_of(), GRACE_NS)
