import pytest
from hypothesis import given

from tests.wirerace.stories import Story, account_of, counted, stories
from wirerace.observe.account import NO_WINDOW, STAGES, AccountRecord, Outcome, Subscription, Window
from wirerace.observe.accounting import Account
from wirerace.observe.histogram import NO_LATENCIES
from wirerace.observe.ledger import Ledger
from wirerace.observe.spread import Spread
from wirerace.wire.update import Cursor, Update


@pytest.mark.long
@given(stories())
def test_ledger_counts_what_a_set_of_all_keys_says(story: Story) -> None:
    account, (counts, latencies) = account_of(story), counted(story)
    spreads = {(epoch, seq): one[3] for epoch, by_seq in account.updates.items() for seq, one in by_seq.items()}

    assert counts == {name: getattr(account.totals, name) for name in counts}
    assert (latencies, sum(latencies.values())) == (spreads, account.latencies.sum_ns)


@pytest.mark.parametrize(("ts", "delivered"), [(99, 0), (100, 1), (199, 1), (200, 0)])
def test_update_belongs_to_the_window_in_which_it_was_made(ts: int, delivered: int) -> None:
    totals = account_of(Story(0, Cursor("e0", 0), [(Update("e0", 1, ts, ""), 500)], 600)).totals

    assert (delivered, 0, 1) == (totals.delivered, totals.arrived, totals.received)


@pytest.mark.parametrize(("arrival_ns", "arrived"), [(99, 0), (100, 1), (199, 1), (200, 0)])
def test_arrival_belongs_to_the_window_in_which_it_came(arrival_ns: int, arrived: int) -> None:
    totals = account_of(Story(0, Cursor("e0", 0), [(Update("e0", 1, 50, ""), arrival_ns)], 600)).totals

    assert (0, arrived) == (totals.delivered, totals.arrived)


@pytest.mark.parametrize(("at_ns", "counted"), [(99, 0), (100, 2), (199, 2), (200, 0)])
@pytest.mark.parametrize("outcome", ["data", "empty", "error"])
def test_requests_responses_and_late_polls_count_by_the_time_they_were_due(
    outcome: Outcome, at_ns: int, counted: int
) -> None:
    account = account_of()
    for _ in range(2):
        account.request(at_ns)
        account.response(outcome, at_ns, 5)
        account.repoll(at_ns, at_ns - 7)
        account.read(at_ns, at_ns + 3, by_kernel=True)
        account.read(at_ns, at_ns, by_kernel=False)
        account.late_poll(at_ns)

    assert (counted, counted) == (account.totals.requests, account.totals.late_polls)
    assert {"data": 0, "empty": 0, "error": 0, outcome: counted} == account.totals.responses
    took = (account.answering.sum_ns, account.repolling.sum_ns, account.reading.sum_ns, account.totals.unstamped)
    assert (5 * counted, 7 * counted, 3 * counted, counted) == took


@pytest.mark.parametrize(
    ("ts", "late_ns", "possible_ns"),
    [
        (150, 30, [10]),  # it waited from its making to the request
        (129, 30, [30]),  # had the request left in time, it would have come no earlier
        (160, 30, []),  # the request was there
        (150, 0, []),
        (150, -3, []),  # a clock that was set
        (99, 80, []),  # not of the window
        (100, 80, [60]),
    ],
)
def test_update_may_be_late_by_its_wait_for_a_request_and_by_no_more_than_that_was_late(
    ts: int, late_ns: int, possible_ns: list[int]
) -> None:
    account = account_of()
    account.asked_late([Update("e0", 1, ts, "")], late_ns, 160)

    assert (len(possible_ns), sum(possible_ns)) == (account.asking_late.count, account.asking_late.sum_ns)


def test_what_has_happened_so_far_is_counted_whatever_the_window() -> None:
    """For live views: Locust's page, Prometheus."""
    account = Account(NO_WINDOW)
    for _ in range(2):
        account.request(5)
        account.response("data", 6, 1)
        account.late_poll(7)
        account.repoll(9, 6)
    account.response("empty", 6, 1)
    tally = account.tally

    assert (2, 2, 2, 6) == (tally.requests, tally.late_polls, tally.repolls, tally.repoll_gap_ns)
    assert {"data": 2, "empty": 1, "error": 0} == tally.responses
    assert AccountRecord(asking_late=NO_LATENCIES) == account.to_record()


def test_sum_of_repoll_gaps_does_not_fall_when_a_stamp_is_later_than_the_request() -> None:
    account = Account(NO_WINDOW)
    account.repoll(9, 6)
    account.repoll(9, 12)

    assert 3 == account.tally.repoll_gap_ns


@pytest.mark.parametrize(("window", "of_window"), [(NO_WINDOW, 0), (Window(0, 10), 2), (Window(3, 10), 1)])
def test_updates_that_were_overtaken_are_counted_so_far_and_in_the_window(window: Window, of_window: int) -> None:
    account = Account(window)
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 0), 0)
    for seq in (1, 5, 3, 3, 2):
        ledger.receive(Update("e0", seq, seq, ""), 10)

    assert (2, of_window) == (account.tally.reordered, account.totals.reordered)


@pytest.mark.parametrize(("at_ns", "partial"), [(99, 0), (100, 2), (200, 0)])
def test_answers_of_the_window_that_say_that_there_is_more_are_counted(at_ns: int, partial: int) -> None:
    account = account_of()
    account.response("data", at_ns, 5)
    for _ in range(2):
        account.response("data", at_ns, 5, is_partial=True)

    assert partial == account.totals.partial_responses


def test_record_has_everything_that_was_timed() -> None:
    account = account_of()
    timed = ("latencies", "connecting", "returning", "answering", "repolling", "reading", "asking_late")
    for value, latencies in enumerate([*(getattr(account, name) for name in timed), *account.stages.values()], 1):
        latencies.record(value)
    record = account.to_record()

    assert [1, 2, 3, 4, 5, 6, 7] == [getattr(record, name).sum_ns for name in timed]
    assert dict(zip(STAGES, (8, 9, 10, 11, 12), strict=True)) == {
        stage: latencies.sum_ns for stage, latencies in record.stages.items()
    }


def test_age_is_that_of_the_newest_update_and_unknown_before_the_first() -> None:
    account = account_of()
    ledger, other = Ledger(account), Ledger(account)
    for one in (ledger, other):
        one.open(Cursor("e0", 0), 0)
    before = account.age_ns(40)
    for ts, arrival_ns in ((30, 50), (20, 60)):
        ledger.receive(Update("e0", ts, ts, ""), arrival_ns)
    of_one = account.age_ns(100)
    other.receive(Update("e0", 40, 40, ""), 70)
    of_both = account.age_ns(100)
    ledger.close(110)

    assert (None, 70, 65, 60) == (before, of_one, of_both, account.age_ns(100))


@pytest.mark.parametrize(
    ("opened_ns", "closed_ns", "subscribed", "partly"),
    [
        (100, 200, 1, []),
        (0, 900, 1, []),
        (101, 200, 0, [Subscription(Cursor("e0", 0))]),
        (100, 199, 0, [Subscription(Cursor("e0", 0))]),
        (300, 400, 0, [Subscription(Cursor("e0", 0))]),
    ],
)
def test_client_is_subscribed_through_the_whole_window_or_partly(
    opened_ns: int, closed_ns: int, subscribed: int, partly: list[Subscription]
) -> None:
    story = Story(opened_ns, Cursor("e0", 0), [], closed_ns)
    totals = account_of(story, story).totals

    assert (2 * subscribed, 2 * partly) == (totals.subscribed, totals.partly)


@pytest.mark.parametrize("closed_ns", [150, 250])
def test_client_that_leaves_is_subscribed_up_to_its_last_cursor(closed_ns: int) -> None:
    account = account_of()
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 3), 0)
    ledger.close(closed_ns, Cursor("e0", 5))

    left = Subscription(Cursor("e0", 3), Cursor("e0", 5), closed_ns)
    assert (0, [left]) == (account.totals.subscribed, account.totals.partly)


def test_time_subscribed_is_counted_within_the_window() -> None:
    spans = ((0, 150), (120, 900), (300, 400))
    told = [Story(opened, Cursor("e0", 0), [], closed) for opened, closed in spans]

    assert [50, 80, 0] == [account_of(story).totals.client_ns for story in told]
    assert 50 + 80 + 0 == account_of(*told).totals.client_ns


def test_what_is_missing_and_what_came_again_is_counted_whatever_the_window() -> None:
    account = account_of()
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 3), 0)
    for seq in (4, 6, 6, 9):
        ledger.receive(Update("e0", seq, 5, ""), 10)
    ledger.receive(Update("e1", 2, 5, ""), 10)
    assert 3 + 1 == account.missing == ledger.missing
    ledger.receive(Update("e0", 8, 5, ""), 10)
    assert 3 == account.missing == ledger.missing
    ledger.close(20, Cursor("e1", 2))
    assert 0 == account.missing

    assert (1, 6, 1, 3) == (
        account.totals.clients,
        account.totals.received,
        account.totals.repeated,
        account.totals.missing,
    )


def test_reconnect_changes_nothing() -> None:
    account = account_of()
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 3), 0)
    ledger.open(Cursor("e0", 9), 150)

    ledger.receive(Update("e0", 4, 110, ""), 160)
    ledger.close(300)

    assert (1, 1, []) == (account.totals.delivered, account.totals.subscribed, account.totals.partly)


def test_client_that_never_had_a_cursor_was_never_subscribed() -> None:
    account = account_of()
    Ledger(account).close(300)

    assert (0, 0, []) == (account.live_clients, account.totals.subscribed, account.totals.partly)


def test_ledger_closed_twice_counts_once() -> None:
    account = account_of()
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 0), 0)
    ledger.close(300)
    ledger.close(400)

    assert (0, 1) == (account.live_clients, account.totals.subscribed)


def test_clients_are_live_from_their_cursor_to_their_end_and_aged_from_their_first_update() -> None:
    account = account_of()
    first, second, third = Ledger(account), Ledger(account), Ledger(account)
    for ledger in (first, second, third):
        ledger.open(Cursor("e0", 0), 0)
    for ledger in (first, second):
        ledger.receive(Update("e0", 1, 5, ""), 6)
        ledger.receive(Update("e0", 2, 7, ""), 8)
    third.close(9)

    assert (2, 2) == (account.live_clients, account.aged_clients)
    first.close(10)
    second.close(10)
    assert (0, 0) == (account.live_clients, account.aged_clients)


def test_deliveries_that_may_have_come_earlier_are_counted() -> None:
    account = account_of()
    ledger = Ledger(account)
    ledger.open(Cursor("e0", 0), 0)
    for seq, is_bound in ((1, True), (2, True), (3, False), (3, True)):
        ledger.receive(Update("e0", seq, 150, ""), 160, is_bound=is_bound)
    ledger.receive(Update("e0", 4, 150, ""), 160)

    assert 2 == account.totals.upper_bounds, "what came again has no latency"


def test_account_says_how_many_clients_received_each_update_and_how_late() -> None:
    update = Update("e0", 1, 150, "")
    played = [Story(0, Cursor("e0", 0), [(update, arrival_ns)], 300) for arrival_ns in (170, 190, 160, 180)]

    assert {("e0", 1): Spread(4, 20 + 40 + 10 + 30, 10, 40)} == account_of(*played).to_record().spread_of
