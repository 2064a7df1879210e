"""Visits in an account: the first update of each is a delivery without a latency, and a visit is listed once."""

from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.observe.visit import NO_VISITS, Opening, VisitEntry, VisitTally
from wirerace.wire.update import Cursor, Update

WINDOW = Window(100, 200)


def begun(made_ns: int, arrival_ns: int) -> tuple[Account, Ledger]:
    """Return the account and the ledger of a visitor that has its first update."""
    account = Account(WINDOW)
    ledger = Ledger(account)
    ledger.open(Cursor("e", 6), 120)
    ledger.begin(Update("e", 7, made_ns, ""), arrival_ns)
    return account, ledger


def test_first_update_of_a_visitor_is_a_delivery_without_a_latency() -> None:
    account, ledger = begun(110, 130)
    ledger.receive(Update("e", 8, 140, ""), 145)
    record = account.to_record()

    assert (2, 2, 2) == (record.received, record.delivered, record.arrived)
    assert (1, 5) == (record.latencies.recorded, record.latencies.sum_ns)
    assert {"e": {8}} == {epoch: set(spreads.seq) for epoch, spreads in record.updates.items()}
    assert (Cursor("e", 6), 0) == (ledger.first, ledger.missing)


def test_first_update_of_before_the_window_is_received_and_not_delivered() -> None:
    record = begun(90, 130)[0].to_record()

    assert (1, 0, 1) == (record.received, record.delivered, record.arrived)


def test_first_update_that_comes_again_is_repeated() -> None:
    account, ledger = begun(110, 130)
    ledger.receive(Update("e", 7, 110, ""), 135)

    assert (1, 1) == (account.totals.repeated, account.totals.duplicated)


def test_visit_that_is_over_is_no_part_of_other_subscriptions() -> None:
    account, ledger = begun(110, 130)
    ledger.close(150, Cursor("e", 7), is_visit=True)

    assert ([], 0, 0) == (account.totals.partly, account.totals.subscribed, account.live_clients)
    assert None is ledger.first


def test_only_visits_that_count_have_times() -> None:
    tally, entry = VisitTally(), VisitEntry(100, 112, 150, "finished", 2, Cursor("e", 6), Cursor("e", 8))
    reached = Opening(110, 112, 120).stages | {"started": 105, "first_update": 121, "closed": 150}
    tally.enter(entry, reached, 30, counts=True)
    tally.enter(entry, reached, 40, counts=False)
    record = tally.to_record()

    assert [entry, entry] == record.ended
    assert {
        "started": 5,
        "tcp_connected": 10,
        "tls_established": 0,
        "request_sent": 12,
        "answered": 20,
        "first_update": 21,
        "closed": 50,
    } == {stage: latencies.sum_ns for stage, latencies in record.stages.items()}
    assert (1, 30) == (record.first_ages.recorded, record.first_ages.sum_ns)


def test_stage_that_was_not_reached_has_no_time() -> None:
    tally = VisitTally()
    tally.enter(VisitEntry(100, 0, 150, "gave_up", 1), {"started": 105}, 0, counts=True)
    record = tally.to_record()

    assert {"started": 1} == {stage: times.recorded for stage, times in record.stages.items() if times.recorded}
    assert 0 == record.first_ages.recorded


def test_account_without_visitors_has_no_visits() -> None:
    assert NO_VISITS == Account(WINDOW).to_record().visits
