"""What happens to clients, as a few numbers, and the resulting account."""

import itertools
from typing import NamedTuple

from hypothesis import strategies as st

from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.observe.ledger import Ledger
from wirerace.wire.update import Cursor, Update

EPOCHS = ("e0", "e1", "e2")
WINDOW = Window(100, 200)
MOST_SEQ = 9
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
    """Draw lost, repeated and reordered updates of several epochs, in order of arrival.

    Most follow the one before closely, as they do in life: the next one, the same again, one that was overtaken.
    """
    opened_ns = draw(st.integers(0, 130))
    cursor = Cursor(draw(st.sampled_from(EPOCHS)), draw(st.integers(0, 4)))
    anywhere = st.tuples(st.sampled_from(EPOCHS), st.integers(1, MOST_SEQ))
    count = draw(st.integers(0, 25))  # lists whose length is open have four items on average: hardly a story
    steps = draw(st.lists(st.sampled_from((1, 1, 2, 0, -1)) | anywhere, min_size=count, max_size=count))
    keys = followed(cursor, steps)
    delays = draw(st.lists(st.integers(0, 30), min_size=len(keys), max_size=len(keys)))
    arrivals = itertools.accumulate(delays, initial=opened_ns)
    received = [
        (update_of(key), arrival) for key, arrival in zip(keys, itertools.islice(arrivals, 1, None), strict=True)
    ]
    last_ns = received[-1][1] if received else opened_ns
    return Story(opened_ns, cursor, received, last_ns + draw(st.integers(0, 120)))


def followed(cursor: Cursor, steps: list[int | Key]) -> list[Key]:
    """Return the keys that begin after a cursor: a step is a key, or how far it is from the one before."""
    keys, (epoch, seq) = [], (cursor.epoch, cursor.seq)
    for step in steps:
        epoch, seq = (epoch, min(max(1, seq + step), MOST_SEQ)) if isinstance(step, int) else step
        keys.append((epoch, seq))
    return keys


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


def account_of(*played: Story) -> Account:
    account = Account()
    account.window = WINDOW
    for story in played:
        tell(account, story)
    return account


def counted(story: Story) -> tuple[dict[str, int], dict[Key, int]]:
    """Return the expected counts of a ledger, by name, and the latency of each update, computed the slow way."""
    known = {(story.cursor.epoch, seq) for seq in range(1, story.cursor.seq + 1)}
    duplicated = repeated = reordered = arrived = 0
    latencies: dict[Key, int] = {}
    for update, arrival_ns in story.received:
        key = (update.epoch, update.seq)
        arrived += WINDOW.from_ns <= arrival_ns < WINDOW.to_ns
        repeated += key in known
        if WINDOW.from_ns <= update.ts < WINDOW.to_ns:
            if key in known:
                duplicated += 1
            else:
                latencies[key] = arrival_ns - update.ts
                reordered += any(epoch == update.epoch and seq > update.seq for epoch, seq in known)
        known.add(key)
    highest = {epoch: max(seq for of_epoch, seq in known if of_epoch == epoch) for epoch, _ in known}
    missing = {(epoch, seq) for epoch in highest for seq in range(1, highest[epoch])} - known
    counts = {"duplicated": duplicated, "repeated": repeated, "reordered": reordered, "missing": len(missing)}
    return {"delivered": len(latencies), "received": len(story.received), "arrived": arrived, **counts}, latencies


def age_at(story: Story, at_ns: float) -> float | None:
    """Return the client's age at an instant, by the definition: now minus the making time of the newest update it has.

    None before its first update.
    """
    known = [update.ts for update, arrival_ns in story.received if arrival_ns <= at_ns]
    return at_ns - max(known) if known else None


def age_integral(story: Story) -> tuple[int, float]:
    """Return how long the client had an age within the window, and the area under it, by the midpoint rule.

    Everything happens at whole nanoseconds and the age is linear between them, so steps of 1 ns are exact.
    """
    ages = [age_at(story, tick + 0.5) for tick in range(WINDOW.from_ns, min(WINDOW.to_ns, story.closed_ns))]
    known = [age for age in ages if age is not None]
    return len(known), sum(known)


def older(story: Story, fresh_ns: int) -> int:
    """Return for how many nanoseconds of the window the age was above a value, sampled in the middle of each."""
    ages = [age_at(story, tick + 0.5) for tick in range(WINDOW.from_ns, min(WINDOW.to_ns, story.closed_ns))]
    return sum(age is not None and age > fresh_ns for age in ages)


def peaks(story: Story) -> list[float]:
    """Return the local maxima of the age curve in the window, sampled between all whole nanoseconds.

    The curve rises by 1 ns in 1 ns and falls in no time: where it is lower than half a nanosecond before, it has just
    fallen from a peak.
    """
    found: list[float] = []
    for tick in range(WINDOW.from_ns, WINDOW.to_ns):
        before, after = age_at(story, tick - 0.5), age_at(story, tick + 0.5)
        if before is not None and after is not None and after < before:
            found.append(before + 0.5)
    return found
