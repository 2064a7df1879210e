"""Outages in the ledger: who is stale when, what is late or came again, and who is back after which fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.stories import WINDOW, Story, age_at, older, stories, tell
from wirerace.observe.account import AccountRecord, merge
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.observe.outages import NO_OUTAGES, FaultMark, OutageRecord, OutageWatch, Recovering
from wirerace.wire.update import Cursor, Update

BOUND = 10
FRESH = (3, 10, 40)


def watched(*played: Story, step_ns: int = 1) -> AccountRecord:
    """Return the record of clients whose outages are noted."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("ledger", "accounting"):
            patch.setattr(f"wirerace.observe.{module}.FRESH_NS", FRESH)
        account = Account(WINDOW)
        account.outages.take(OutageWatch(WINDOW.from_ns, BOUND, step_ns), 0)
        for story in played:
            tell(account, story)
        return account.to_record()


@pytest.mark.long
@given(stories(), stories())
def test_clients_are_stale_when_the_age_curve_says_so(one: Story, other: Story) -> None:
    outages = watched(one, other).outages
    assert older(one, BOUND) + older(other, BOUND) == outages.stale_ns
    stale = 0
    for tick in range(WINDOW.from_ns, WINDOW.to_ns):
        stale += outages.stale.get(tick - WINDOW.from_ns, 0)
        ages = [age_at(story, tick + 0.5) for story in (one, other) if tick < story.closed_ns]
        assert sum(age is not None and age > BOUND for age in ages) == stale


@pytest.mark.long
@given(stories(), stories())
def test_records_of_processes_add_up(one: Story, other: Story) -> None:
    assert watched(one, other, step_ns=7).outages == merge([watched(one, step_ns=7), watched(other, step_ns=7)]).outages


@pytest.mark.long
@given(stories())
def test_what_is_late_or_came_again_is_counted_by_the_update(story: Story) -> None:
    record = watched(story)
    assert record.duplicated == sum(record.outages.repeated.values())
    made_at = {update.ts for update, arrival_ns in story.received if arrival_ns - update.ts > BOUND}
    assert set(record.outages.late) <= {ts for ts in made_at if WINDOW.has(ts)}
    late = sum(
        spread.clients for key, spread in record.spread_of.items() if spread.least_ns > BOUND
    )  # one client: the least is its own
    assert late == sum(record.outages.late.values())


def test_nothing_is_noted_without_an_order() -> None:
    account = Account(WINDOW)
    tell(account, Story(0, Cursor("e0", 0), [(Update("e0", 1, 80, ""), 90), (Update("e0", 1, 120, ""), 199)], 300))
    assert NO_OUTAGES == account.to_record().outages


def client(account: Account, opened_ns: int = 0) -> Ledger:
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 0), opened_ns)
    return ledger


def recovering(account: Account) -> dict[int, tuple[int, int, int]]:
    """Return of each fault: its clients, those that are back, and the sum of their times."""
    found = account.to_record().outages.recovering
    return {number: (one.clients, one.times.recorded, one.times.sum_ns) for number, one in found.items()}


def marked(*marks: FaultMark) -> tuple[Account, Ledger]:
    account = Account(WINDOW)
    account.outages.take(OutageWatch(WINDOW.from_ns, BOUND, 1), 0)
    ledger = client(account)
    ledger.receive(Update("e0", 1, 100, ""), 102)
    for mark in marks:
        account.outages.take(mark, account.live_clients)
    return account, ledger


def test_client_is_back_with_the_first_update_that_was_made_after_the_fault() -> None:
    account, ledger = marked(FaultMark(0, 110, 120))
    for seq, (made_ns, arrival_ns) in enumerate([(119, 130), (121, 133), (125, 134)], 2):
        ledger.receive(Update("e0", seq, made_ns, ""), arrival_ns)
    assert {0: (1, 1, 23)} == recovering(account)


def test_update_that_came_before_the_load_knew_of_the_fault_counts() -> None:
    """The order comes a little after the fault; by then a client may have what was made in between."""
    account, ledger = marked(FaultMark(0, 95, 99))
    ledger.receive(Update("e0", 2, 150, ""), 160)
    assert {0: (1, 1, 7)} == recovering(account)


@pytest.mark.parametrize(
    ("last_ns", "counted"),
    [
        (109, 34),  # before the order: from the order
        (118, 26),  # the part went on serving
        (123, 24),  # it has ended, and what it sent before came late
    ],
)
def test_time_counts_from_the_last_arrival_of_a_part_that_ended_slowly(last_ns: int, counted: int) -> None:
    account, ledger = marked(FaultMark(0, 110, 120, 120))
    ledger.receive(Update("e0", 2, 108, ""), last_ns)
    ledger.receive(Update("e0", 3, 141, ""), 144)
    assert {0: (1, 1, counted)} == recovering(account)


def test_update_that_nothing_follows_counts_when_the_client_closes() -> None:
    account, ledger = marked(FaultMark(0, 95, 99))
    ledger.close(200)
    assert {0: (1, 1, 7)} == recovering(account)


def test_client_that_never_gets_one_is_one_of_the_clients() -> None:
    account, ledger = marked(FaultMark(0, 110, 120))
    ledger.receive(Update("e0", 2, 119, ""), 190)
    ledger.close(200)
    assert {0: (1, 0, 0)} == recovering(account)


def test_client_that_came_later_waits_for_nothing() -> None:
    account, _ = marked(FaultMark(0, 110, 120))
    client(account, 115).receive(Update("e0", 2, 130, ""), 140)
    assert {0: (1, 0, 0)} == recovering(account)


def test_faults_that_meet_are_noted_each_by_itself() -> None:
    """The first one is over after the second: a stall, and meanwhile a cut."""
    account, ledger = marked(FaultMark(0, 105, 150), FaultMark(1, 110, 111))
    for seq, made_ns in enumerate([112, 149, 151], 2):
        ledger.receive(Update("e0", seq, made_ns, ""), made_ns + 5)
    assert {0: (1, 1, 51), 1: (1, 1, 7)} == recovering(account)


@pytest.mark.long
@given(st.lists(st.lists(st.integers(1, 10**9), max_size=5), min_size=2, max_size=3))
def test_recoveries_of_processes_add_up(times: list[list[int]]) -> None:
    accounts = []
    for of_process in times:
        account = Account(WINDOW)
        account.outages.take(OutageWatch(WINDOW.from_ns, BOUND, 1), 0)
        ledgers = [client(account) for _ in of_process]
        account.outages.take(FaultMark(4, 0, 0), len(ledgers))
        for ledger, time in zip(ledgers, of_process, strict=True):
            ledger.receive(Update("e0", 1, 0, ""), time)
        accounts.append(account.to_record())
    found = merge(accounts).outages.recovering[4]
    everyone = [time for of_process in times for time in of_process]
    assert (len(everyone), len(everyone), sum(everyone)) == (found.clients, found.times.recorded, found.times.sum_ns)


def test_fault_that_one_process_knows_only_is_kept() -> None:
    one = OutageRecord(recovering={0: Recovering(3)})
    assert {0: Recovering(3), 1: Recovering(2)} == one.plus(OutageRecord(recovering={1: Recovering(2)})).recovering
