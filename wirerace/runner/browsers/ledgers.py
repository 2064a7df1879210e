"""The ledgers of tabs as an account: the same ledger as that of every other client, by the kernel's clock."""

from collections.abc import Mapping, Sequence

from wirerace.errors import TrialFailed
from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.record.browsers import BrowsersRecord
from wirerace.runner.browsers.clocks import to_ns_of_ms
from wirerace.runner.browsers.order import Delivery, TabLedger, TabLedgers
from wirerace.wire.update import Cursor, Update, sequence_of
from wirerace.workload.truth import Counts, Truth

FLOAT_NS = 256
"""A script's numbers are floats: a time of making is exact to this."""


def record_of(ledgers: TabLedgers, window: Window, truth: Truth, *, latest_only: bool) -> BrowsersRecord:
    """Return the record of all tabs, given everything that the producer made since before the window.

    Raises TrialFailed when a tab had no update when the window began, or holds something that was never made so.
    """
    account, made_at = Account(window), truth.made_at
    without = sum(not _had_update(tab, window) for tab in ledgers.tabs)
    if without:
        raise TrialFailed(f"{without} of {len(ledgers.tabs)} browser tabs had received no update when the window began")
    for tab in ledgers.tabs:
        ledger = Ledger(account, tab.channel, latest_only=latest_only)
        updates = [(_update(tab, delivery, made_at), _at_ns(tab, delivery[4])) for delivery in tab.deliveries]
        first = updates[0][0]
        # A script cannot read every first cursor. What is before a tab's first update was made before the window.
        ledger.open(Cursor(first.epoch, first.seq - 1), _at_ns(tab, tab.opened_ms or 0.0))
        for update, at_ns in updates:
            ledger.receive(update, at_ns)
        ledger.close(_at_ns(tab, tab.closed_ms))
    clocks, breaks = [tab.clock for tab in ledgers.tabs], sum(tab.breaks for tab in ledgers.tabs)
    return BrowsersRecord(ledgers.browser, account.to_record(), clocks, breaks)


def _had_update(tab: TabLedger, window: Window) -> bool:
    return bool(tab.deliveries) and _at_ns(tab, tab.deliveries[0][4]) < window.from_ns


def _update(tab: TabLedger, delivery: Delivery, made_at: Mapping[tuple[str, int], int]) -> Update:
    """Return an update with its exact time of making, which the producer's record has."""
    epoch, channel, seq, ts, _ = delivery
    made_ns = made_at.get((sequence_of(epoch, channel), seq), ts)
    if channel != tab.channel or abs(made_ns - ts) > FLOAT_NS:
        raise TrialFailed(f"a browser tab holds an update that the producer never made: {sequence_of(epoch, channel)}")
    return Update(epoch, seq, made_ns, "", channel)


def _at_ns(tab: TabLedger, tab_ms: float) -> int:
    """Return a time of the tab's clock as one of the kernel's."""
    return to_ns_of_ms(tab_ms) - tab.clock.offset_ns


def have_all(newest: Sequence[tuple[str, str, int]], made: Counts) -> bool:
    """Return whether tabs have everything that was made, given the channel, epoch and seq of the newest of each."""
    last = {one.channel: (one.epoch, one.newest) for one in made.epochs}
    return all(
        channel not in last or (epoch == last[channel][0] and seq >= last[channel][1]) for channel, epoch, seq in newest
    )
