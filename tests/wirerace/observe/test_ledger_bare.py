"""The ledger of a client whose server has no cursors: what is made after it was subscribed is expected."""

from wirerace.observe.account import Subscription, Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import NOWHERE, Ledger
from wirerace.wire.update import Cursor, Update

WINDOW = Window(100, 200)


def opened(at_ns: int) -> tuple[Account, Ledger]:
    account = Account(WINDOW)
    ledger = Ledger(account)
    ledger.open(None, at_ns)
    return account, ledger


def update(seq: int, ts: int) -> Update:
    return Update("e0", seq, ts, "x")


def test_first_update_begins_the_sequence_wherever_it_is() -> None:
    account, ledger = opened(50)
    for seq, ts in ((7, 110), (8, 120), (10, 140)):
        ledger.receive(update(seq, ts), ts + 1)
    ledger.close(300)

    assert (3, 1, 1) == (account.totals.delivered, account.totals.missing, account.totals.subscribed)
    assert (0, 0) == (account.totals.duplicated, account.totals.reordered)


def test_what_was_made_before_is_not_entered_and_gives_no_age() -> None:
    account, ledger = opened(150)
    ledger.receive(update(3, 140), 151)

    assert (1, 0, 0) == (account.totals.received, account.totals.delivered, account.aged_clients)
    ledger.receive(update(4, 160), 161)
    assert (1, 1) == (account.totals.delivered, account.aged_clients)


def test_client_that_came_in_the_window_is_expected_to_have_what_was_made_from_then_on() -> None:
    account, ledger = opened(150)
    ledger.receive(update(4, 160), 161)
    ledger.close(300)

    assert [Subscription(NOWHERE, None, None, "", 150)] == account.totals.partly


def test_client_that_left_says_where_it_was() -> None:
    account, ledger = opened(150)
    ledger.close(170, Cursor("e0", 4))

    assert [Subscription(NOWHERE, Cursor("e0", 4), 170, "", 150)] == account.totals.partly


def test_reconnecting_changes_nothing_and_a_new_epoch_begins_at_one() -> None:
    account, ledger = opened(50)
    ledger.receive(update(7, 110), 111)
    ledger.open(None, 150)
    ledger.receive(Update("e1", 2, 160, "x"), 161)
    ledger.close(300)

    assert (2, 1) == (account.totals.delivered, account.totals.missing)
