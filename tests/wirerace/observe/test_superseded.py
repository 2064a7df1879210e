"""Superseded updates: a client of the latest only is expected to have what it got, and what is newer than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.analysis.records import PLAN, truth_of
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.analysis.expected import expected_of
from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.record.result import Raw
from wirerace.wire.update import Cursor, Update
from wirerace.workload.truth import EpochMade

WINDOW = Window(100, 200)
EPOCHS = ("e0", "e1", "e2")
PER_EPOCH = 12


def made_at(index: int) -> int:
    return 60 + 5 * index


ALL = [Update(EPOCHS[index // PER_EPOCH], index % PER_EPOCH + 1, made_at(index), "") for index in range(36)]
TRUTH = truth_of(
    *(
        EpochMade(
            epoch,
            [update.seq for update in ALL if update.epoch == epoch],
            [update.ts for update in ALL if update.epoch == epoch],
            [0] * PER_EPOCH,
        )
        for epoch in EPOCHS
    )
)


def before(index: int) -> Cursor:
    return Cursor(ALL[index].epoch, ALL[index].seq - 1)


def followed(account: Account, first: int, got: list[int]) -> Ledger:
    """Play a client that is there before the window and to its end, and gets these updates in this order."""
    ledger = Ledger(account, latest_only=True)
    ledger.open(before(first), 90)
    for index in got:
        ledger.receive(ALL[index], made_at(index) + 1)
    ledger.close(300)
    return ledger


def brute(first: int, got: list[int]) -> tuple[int, int]:
    """Return how many updates of the window were superseded, and how many are due."""
    newest = max(got, default=first - 1)
    mine = [index for index in range(first, len(ALL)) if WINDOW.has(made_at(index))]
    superseded = [index for index in mine if index < newest and index not in got]
    return len(superseded), len(mine) - len(superseded)


@pytest.mark.long
@given(st.integers(0, 11), st.sets(st.integers(0, 35), max_size=20))
def test_what_is_older_than_the_newest_is_superseded_and_what_is_newer_is_due(first: int, chosen: set[int]) -> None:
    account, got = Account(WINDOW), sorted(index for index in chosen if index >= first)
    ledger = followed(account, first, got)
    found = expected_of(PLAN, Raw(WINDOW, account.to_record(), TRUTH, NOTHING_MEASURED))
    record = account.to_record()
    # The account takes a client that was there all the time for one that is due everything of the window.
    early = sum(WINDOW.has(made_at(index)) for index in range(first))
    superseded, due = brute(first, got)

    assert (superseded, due) == (found.superseded, found.deliveries - early)
    assert record.delivered == sum(WINDOW.has(made_at(index)) for index in got)
    assert 0 == ledger.missing == record.missing


@pytest.mark.long
@given(st.sets(st.integers(0, 35), min_size=2, max_size=20), st.data())
def test_update_that_comes_after_a_newer_one_was_not_superseded(chosen: set[int], data: st.DataObject) -> None:
    got = sorted(chosen)
    late = data.draw(st.sampled_from(got[:-1]))
    newest_of_epoch = [index for index in got if ALL[index].epoch == ALL[late].epoch]
    if newest_of_epoch[-1] == late:
        return  # nothing newer of its epoch comes before it
    reordered = [index for index in got if index != late]
    at = reordered.index(newest_of_epoch[-1]) + 1
    account = Account(WINDOW)
    followed(account, 0, [*reordered[:at], late, *reordered[at:]])

    found = expected_of(PLAN, Raw(WINDOW, account.to_record(), TRUTH, NOTHING_MEASURED))
    assert brute(0, got) == (found.superseded, found.deliveries)


def test_clients_of_all_updates_skip_nothing() -> None:
    account = Account(WINDOW)
    ledger = Ledger(account)
    ledger.open(before(0), 90)
    ledger.receive(ALL[0], 91)
    ledger.receive(ALL[11], 150)

    assert 10 == ledger.missing
    assert (0, []) == (account.totals.superseded, account.totals.skips)
    assert 0 == account.tally.superseded


def test_repeat_of_an_older_epoch_supersedes_nothing() -> None:
    account = Account(WINDOW)
    followed(account, 0, [8, 9, 10, 11, 12, 13, 9, 14])

    found = expected_of(PLAN, Raw(WINDOW, account.to_record(), TRUTH, NOTHING_MEASURED))
    assert brute(0, [8, 9, 10, 11, 12, 13, 14]) == (found.superseded, found.deliveries)
    assert 1 == account.totals.duplicated
