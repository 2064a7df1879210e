"""The expected deliveries: the producer's truth, for every client as long as it was subscribed."""

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import NamedTuple

from wirerace.analysis.visits import expected_of_visits
from wirerace.clock import to_ns
from wirerace.experiment.patience import SPARE_SECONDS, longest_seconds, return_seconds
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Skip, Subscription, Window
from wirerace.observe.usage import difference
from wirerace.record.result import Raw
from wirerace.wire.update import Cursor
from wirerace.workload.schedule import Truth

EVERYTHING = Subscription(Cursor("", 0), None)


class Expected(NamedTuple):
    """How many updates were made in the window, how many deliveries of them are due, how many were superseded."""

    updates: int
    deliveries: int
    superseded: int


def expected_of(plan: Plan, raw: Raw) -> Expected:
    """Return what is expected. What was superseded, for clients of the latest only, is not."""
    grace_ns, account = to_ns(grace_seconds(plan, raw)), raw.account
    updates = _made_for(raw.truth, raw.window, EVERYTHING, grace_ns)
    due = account.subscribed * updates
    for subscription, clients_alike in Counter(account.partly).items():
        due += clients_alike * _made_for(raw.truth, raw.window, subscription, grace_ns)
    due += expected_of_visits(plan, raw, grace_ns)
    superseded = account.superseded + sum(
        clients_alike * _made_between(raw.truth, raw.window, skip)
        for skip, clients_alike in Counter(account.skips).items()
    )
    return Expected(updates, due - superseded, superseded)


def grace_seconds(plan: Plan, raw: Raw) -> float:
    """Return the grace period: a client that leaves is expected to have every older update, with any last cursor."""
    usual_seconds = longest_seconds(raw.path, plan.options) + SPARE_SECONDS + _waited_seconds(raw)
    broke = raw.account.returning.recorded or any(part.restarts for part in raw.measured.parts.values())
    return usual_seconds + (return_seconds(raw.path) if broke else 0.0)


def _waited_seconds(raw: Raw) -> float:
    """Return how long the server and the load waited for a core; an update may wait for all of that time."""
    of_load = sum(process.waited_seconds or 0.0 for process in raw.account.processes)
    if raw.measured.server is None:
        return of_load
    before, after = raw.measured.server
    return of_load + (difference(after.waited_seconds, before.waited_seconds) or 0.0)


def _made_for(truth: Truth, window: Window, subscription: Subscription, grace_ns: int) -> int:
    """Return how many updates of the window belong to a subscription.

    A client that left is expected to have everything up to its last cursor, and everything older than the grace period
    when it left.
    """
    first, last, left_ns = subscription.first, subscription.last, subscription.left_ns
    epochs = [epoch.epoch for epoch in truth.epochs]
    begin = epochs.index(first.epoch) if first.epoch in epochs else 0
    end = epochs.index(last.epoch) if last is not None and last.epoch in epochs else len(epochs)
    count = 0
    for index, epoch in enumerate(truth.epochs[begin:], begin):
        low = bisect_left(epoch.ts, window.from_ns)
        high = bisect_left(epoch.ts, window.to_ns)
        if epoch.epoch == first.epoch:
            low = max(low, bisect_right(epoch.seq, first.seq))
        if last is not None and left_ns is not None and index >= end:
            had = bisect_right(epoch.seq, last.seq) if index == end else 0
            high = min(high, max(had, bisect_left(epoch.ts, left_ns - grace_ns)))
        count += max(0, high - low)
    return count


def _made_between(truth: Truth, window: Window, skip: Skip) -> int:
    """Return how many updates of the window lie between those of a skip."""
    after, before = skip.after, skip.before
    epochs = [epoch.epoch for epoch in truth.epochs]
    begin = epochs.index(after.epoch) if after.epoch in epochs else 0
    end = epochs.index(before.epoch) if before.epoch in epochs else len(epochs) - 1
    count = 0
    for epoch in truth.epochs[begin : end + 1]:
        low, high = bisect_left(epoch.ts, window.from_ns), bisect_left(epoch.ts, window.to_ns)
        if epoch.epoch == after.epoch:
            low = max(low, bisect_right(epoch.seq, after.seq))
        if epoch.epoch == before.epoch:
            high = min(high, bisect_left(epoch.seq, before.seq))
        count += max(0, high - low)
    return count
