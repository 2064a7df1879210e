"""Channels in the ledger: each client is due the updates of its own channel, and the counts are exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.analysis.records import PLAN
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.analysis.expected import expected_of
from wirerace.observe.account import AccountRecord, Subscription, Window, merge
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.record.result import Raw
from wirerace.wire.update import Cursor, Update
from wirerace.workload.truth import EpochMade, Truth

WINDOW = Window(100, 200)
NAMES = ("", "a", "b")
MADE = {
    name: [Update("e", seq, 60 + 7 * seq + place, "", name) for seq in range(1, 30)] for place, name in enumerate(NAMES)
}
"""All of the window, and some before and after it, in each channel."""
TRUTH = Truth(
    87,
    complete=True,
    epochs=[
        EpochMade("e", [one.seq for one in made], [one.ts for one in made], [0] * len(made), name)
        for name, made in MADE.items()
    ],
)
clients = st.tuples(st.sampled_from(NAMES), st.integers(0, 29), st.integers(30, 300), st.sets(st.integers(1, 29)))
"""A client's channel, its first cursor, when it comes, and what it misses."""


def in_window(channel: str) -> int:
    return sum(WINDOW.has(update.ts) for update in MADE[channel])


@pytest.mark.long
@given(st.lists(clients, max_size=8))
def test_every_client_is_due_what_was_made_in_its_channel(chosen: list[tuple[str, int, int, set[int]]]) -> None:
    accounts = [Account(WINDOW), Account(WINDOW)]
    due = delivered = 0
    for number, (channel, after, at_ns, missed) in enumerate(chosen):
        ledger = Ledger(accounts[number % 2], channel)
        ledger.open(Cursor("e", after), at_ns)
        for update in MADE[channel][after:]:
            if update.seq not in missed:
                ledger.receive(update, update.ts + 5)
                delivered += WINDOW.has(update.ts)
        ledger.close(400)
        is_whole = at_ns <= WINDOW.from_ns
        due += sum(WINDOW.has(one.ts) and (is_whole or one.seq > after) for one in MADE[channel])
    account = merge([account.to_record() for account in accounts])
    expected = expected_of(PLAN, Raw(WINDOW, account, TRUTH, NOTHING_MEASURED))

    assert (sum(map(in_window, NAMES)), due) == (expected.updates, expected.deliveries)
    assert delivered == account.delivered == sum(spread.clients for spread in account.spread_of.values())
    assert account.spread_of.keys() <= TRUTH.made_at.keys()


def test_client_of_a_channel_in_which_nothing_was_made_is_due_nothing() -> None:
    account = Account(WINDOW)
    for at_ns in (90, 150):
        ledger = Ledger(account, "quiet")
        ledger.open(Cursor("e", 0), at_ns)
        ledger.close(400)
    assert 0 == expected_of(PLAN, Raw(WINDOW, account.to_record(), TRUTH, NOTHING_MEASURED)).deliveries


def test_what_a_client_of_the_latest_skips_is_that_of_its_channel() -> None:
    account = Account(WINDOW)
    ledger = Ledger(account, "b", latest_only=True)
    ledger.open(Cursor("e", 0), 90)
    for update in (MADE["b"][4], MADE["b"][19]):
        ledger.receive(update, update.ts)
    ledger.close(400)
    expected = expected_of(PLAN, Raw(WINDOW, account.to_record(), TRUTH, NOTHING_MEASURED))

    assert sum(WINDOW.has(update.ts) for update in MADE["b"][5:19]) == expected.superseded
    assert in_window("b") - expected.superseded == expected.deliveries


def test_client_of_a_channel_without_updates_in_the_newer_epoch_is_due_those_of_its_time_only() -> None:
    """The producer was started again at 150. The second channel made something before that, and the other one after."""
    truth = Truth(2, complete=True, epochs=[EpochMade("e", [1], [120], [0], "a"), EpochMade("f", [1], [160], [0], "b")])
    came = Subscription(Cursor("f", 0), channel="a")
    left = Subscription(Cursor("e", 0), Cursor("e", 0), 140, "b")

    for subscription in (came, left):
        account = AccountRecord(partly=[subscription])
        assert 0 == expected_of(PLAN, Raw(WINDOW, account, truth, NOTHING_MEASURED)).deliveries
