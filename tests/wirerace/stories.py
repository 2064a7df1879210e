"""What happens to clients, told in a few numbers, and the account that comes of it."""

import itertools
from typing import NamedTuple

from hypothesis import strategies as st

from wirerace.account import Window
from wirerace.ledger import Account, Ledger
from wirerace.wire import Cursor, Update

EPOCHS = ("e0", "e1", "e2")
WINDOW = Window(100, 200)
SECONDS_SQUARED = 10.0**18  # in ns²

Key = tuple[str, int]


class Story(NamedTuple):
    """What happens to one client: it opens at `cursor`, receives each update at its arrival, closes."""

    opened_ns: int
    cursor: Cursor
    received: list[tuple[Update, int]]
    closed_ns: int


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw lost, repeated and reordered updates of several epochs, in order of arrival."""
    opened_ns = draw(st.integers(0, 130))
    cursor = Cursor(draw(st.sampled_from(EPOCHS)), draw(st.integers(0, 4)))
    keys = draw(st.lists(st.tuples(st.sampled_from(EPOCHS), st.integers(1, 9)), max_size=25))
    delays = draw(st.lists(st.integers(0, 30), min_size=len(keys), max_size=len(keys)))
    arrivals = itertools.accumulate(delays, initial=opened_ns)
    received = [
        (update_of(key), arrival) for key, arrival in zip(keys, itertools.islice(arrivals, 1, None), strict=True)
    ]
    last_ns = received[-1][1] if received else opened_ns
    return Story(opened_ns, cursor, received, last_ns + draw(st.integers(0, 120)))


def update_of(key: Key) -> Update:
    """Return the update of a key: epochs follow each other, 7 ns lie between two updates."""
    epoch, seq = key
    return Update(epoch, seq, 20 + 60 * EPOCHS.index(epoch) + 7 * seq, "")


def tell(account: Account, story: Story) -> None:
    ledger = Ledger(account)
    ledger.open(story.cursor, story.opened_ns)
    for update, arrival_ns in story.received:
        ledger.receive(update, arrival_ns)
    ledger.close(story.closed_ns)


def account_of(*told: Story) -> Account:
    account = Account()
    account.window = WINDOW
    for story in told:
        tell(account, story)
    return account


def counted(story: Story) -> tuple[dict[str, int], dict[Key, int]]:
    """Return what a ledger must count, by name, and the latency of each update, found the slow way."""
    known = {(story.cursor.epoch, seq) for seq in range(1, story.cursor.seq + 1)}
    duplicated = reordered = arrived = 0
    latencies: dict[Key, int] = {}
    for update, arrival_ns in story.received:
        key = (update.epoch, update.seq)
        arrived += WINDOW.from_ns <= arrival_ns < WINDOW.to_ns
        if WINDOW.from_ns <= update.ts < WINDOW.to_ns:
            if key in known:
                duplicated += 1
            else:
                latencies[key] = arrival_ns - update.ts
                reordered += any(epoch == update.epoch and seq > update.seq for epoch, seq in known)
        known.add(key)
    counts = {"duplicated": duplicated, "reordered": reordered, "received": len(story.received), "arrived": arrived}
    return {"delivered": len(latencies), **counts}, latencies


def age_integral(story: Story) -> tuple[int, float]:
    """Return how long the client had an age within the window, and the area under it, by the midpoint rule.

    Everything happens at whole nanoseconds and the age is linear between events, so steps of 1 ns are exact.
    """
    duration_ns, area = 0, 0.0
    for tick in range(WINDOW.from_ns, min(WINDOW.to_ns, story.closed_ns)):
        known = [update.ts for update, arrival_ns in story.received if arrival_ns <= tick]
        if known:
            duration_ns += 1
            area += tick + 0.5 - max(known)
    return duration_ns, area


def peaks(story: Story) -> list[int]:
    """Return the age just before each arrival of something newer, in the window."""
    found: list[int] = []
    for index, (update, arrival_ns) in enumerate(story.received):
        newest = max((before.ts for before, _ in story.received[:index]), default=None)
        if newest is not None and update.ts > newest and WINDOW.has(arrival_ns):
            found.append(arrival_ns - newest)
    return found
