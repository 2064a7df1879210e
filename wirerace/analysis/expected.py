"""The expected deliveries: the producer's truth, for every client as long as it was subscribed."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wirerace.analysis.visits import expected_of_visits
from wirerace.clock import to_ns
from wirerace.experiment.holding import holding_of
from wirerace.experiment.patience import SPARE_SECONDS, longest_seconds, return_seconds
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Skip, Subscription, Window
from wirerace.observe.usage import waited_between
from wirerace.record.result import Raw
from wirerace.wire.update import Cursor
from wirerace.workload.truth import EpochMade


class Expected(NamedTuple):
    """How many updates were made in the window, how many deliveries of them are due, how many were superseded."""

    updates: int
    deliveries: int
    superseded: int


def expected_of(plan: Plan, raw: Raw) -> Expected:
    """Return what is expected. What was superseded, for clients of the latest only, is not."""
    grace_ns, account = to_ns(grace_seconds(plan, raw)), raw.account
    places = {epoch: place for place, epoch in enumerate(dict.fromkeys(made.epoch for made in raw.truth.epochs))}
    made = {channel: _Made(epochs, places, raw.window, grace_ns) for channel, epochs in raw.truth.by_channel().items()}
    nothing = _Made([], places, raw.window, grace_ns)
    whole = account.subscribed_to | {"": account.subscribed - sum(account.subscribed_to.values())}
    due = sum(clients * made.get(channel, nothing).in_window for channel, clients in whole.items())
    for subscription, clients_alike in Counter(account.partly).items():
        due += clients_alike * made.get(subscription.channel, nothing).for_subscription(subscription)
    due += expected_of_visits(plan, raw, grace_ns)
    superseded = account.superseded + sum(
        clients_alike * made.get(skip.channel, nothing).between(skip)
        for skip, clients_alike in Counter(account.skips).items()
    )
    return Expected(sum(one.in_window for one in made.values()), due - superseded, superseded)


def grace_seconds(plan: Plan, raw: Raw) -> float:
    """Return the grace period: a client that leaves is expected to have every older update, with any last cursor."""
    usual_seconds = longest_seconds(raw.path, plan.options) + holding_of(plan) + SPARE_SECONDS + _waited_seconds(raw)
    broke = raw.account.returning.recorded or any(part.restarts for part in raw.measured.parts.values())
    return usual_seconds + (return_seconds(raw.path) if broke else 0.0)


def _waited_seconds(raw: Raw) -> float:
    """Return how long the server and the load waited for a core; an update may wait for all of that time."""
    of_load = sum(process.waited_seconds or 0.0 for process in raw.account.processes)
    if raw.measured.server is None:
        return of_load
    before, after = raw.measured.server
    return of_load + (waited_between(before.waited_seconds, after.waited_seconds) or 0.0)


class _Made:
    """What was made in a channel, epoch by epoch, and the window in which it counts.

    `places` has the place of each epoch among all of them: in some, nothing was made in this channel.
    """

    def __init__(self, epochs: Sequence[EpochMade], places: Mapping[str, int], window: Window, grace_ns: int) -> None:
        self._epochs = [(places[made.epoch], made) for made in epochs]
        self._places = places
        self._window = window
        self._grace_ns = grace_ns
        self.in_window = self.for_subscription(Subscription(Cursor("", 0)))

    def for_subscription(self, subscription: Subscription) -> int:
        """Return how many updates of the window belong to a subscription.

        A client that left is expected to have everything up to its last cursor, and everything older than the grace
        period when it left.
        """
        first, last, left_ns = subscription.first, subscription.last, subscription.left_ns
        begin = self._places.get(first.epoch, 0)
        end = len(self._places) if last is None else self._places.get(last.epoch, len(self._places))
        if last is not None and not last.epoch:  # it has received nothing, and its server has no cursors
            end = 0
        count = 0
        for place, made in self._epochs:
            if place < begin:
                continue
            low, high = self._bounds(made)
            if made.epoch == first.epoch:
                low = max(low, bisect_right(made.seq, first.seq))
            low = max(low, bisect_left(made.ts, subscription.since_ns))
            if last is not None and left_ns is not None and place >= end:
                had = bisect_right(made.seq, last.seq) if place == end else 0
                high = min(high, max(had, bisect_left(made.ts, left_ns - self._grace_ns)))
            count += max(0, high - low)
        return count

    def between(self, skip: Skip) -> int:
        """Return how many updates of the window lie between those of a skip."""
        after, before = skip.after, skip.before
        begin = self._places.get(after.epoch, 0)
        end = self._places.get(before.epoch, len(self._places) - 1)
        count = 0
        for place, made in self._epochs:
            if not begin <= place <= end:
                continue
            low, high = self._bounds(made)
            if made.epoch == after.epoch:
                low = max(low, bisect_right(made.seq, after.seq))
            if made.epoch == before.epoch:
                high = min(high, bisect_left(made.seq, before.seq))
            count += max(0, high - low)
        return count

    def _bounds(self, made: EpochMade) -> tuple[int, int]:
        """Return the first place of an epoch that lies in the window, and the first one behind it."""
        return bisect_left(made.ts, self._window.from_ns), bisect_left(made.ts, self._window.to_ns)
