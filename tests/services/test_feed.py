"""The feed inside a server: waiting requests get updates, and the failure of one affects no other."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.feed import Feed
from services.feed_link import BadFeed
from services.recent import Kept
from tests.services.feeds import feed_of
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor, Update, encode_update

WAIT_SECONDS = 10.0
MARKS = st.sampled_from(
    [b'"', b"1", b"e0", b"{", b"}", b":", b",", b"x", b"\xff", b"\0", b"\\u", b"[" * 5000, b"9" * 400, b""]
)


@pytest.fixture
def feed() -> Feed:
    return feed_of(ServiceMetrics(CollectorRegistry()))


def line(seq: int) -> bytes:
    return encode_update(Update("e0", seq, seq, "x"))


async def waiting(feed: Feed, act: object) -> "asyncio.Task[object]":
    """Return a task that waits for an update and then acts."""
    task = asyncio.create_task(feed.channels.default.once_newer(None, WAIT_SECONDS, act))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("failure", [ZeroDivisionError, ConnectionResetError, KeyError, RuntimeError])
async def test_failure_of_one_waiter_is_its_own(feed: Feed, failure: type[Exception]) -> None:
    """Those before and after it get their updates, and the feed continues."""

    def fail(_position: int) -> None:
        raise failure("mine")

    first, failing, last = [await waiting(feed, act) for act in (lambda at: at, fail, lambda at: at)]
    feed.publish([line(1)])
    assert [0, 0] == [await first, await last]
    with pytest.raises(failure, match="mine"):
        await failing
    feed.publish([line(2)])
    assert 2 == feed.channels.default.recent.head


async def test_waiters_that_give_up_leave_the_others_alone(feed: Feed) -> None:
    first, last = [await waiting(feed, lambda at: at) for _ in range(2)]
    first.cancel()
    feed.publish([line(1)])
    assert 0 == await last


async def test_failure_of_one_listener_is_logged_and_costs_the_others_no_update(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[bytes] = []

    def fail(_updates: Sequence[Kept]) -> None:
        raise ZeroDivisionError("mine")

    feed.channels.default.listen(fail)
    feed.channels.default.listen(lambda updates: received.extend(update.encoded for update in updates))
    waiter = await waiting(feed, lambda at: at)
    feed.publish([line(1)])
    feed.publish([line(2)])
    assert [line(1), line(2)] == received
    assert 0 == await waiter
    assert 2 == sum(record.levelno == logging.ERROR for record in caplog.records)


async def test_updates_of_one_read_reach_a_listener_together_each_channel_s_apart(feed: Feed) -> None:
    received: list[tuple[str, list[int]]] = []

    def receive(name: str, updates: Sequence[Kept]) -> None:
        received.append((name, [update.position for update in updates]))

    for name in ("", "a"):
        feed.channels.open(name).listen(partial(receive, name))
    named = [b"%d " % (seq + 2) + encode_update(Update("e0", seq, seq, "x", "a")) for seq in (1, 2)]
    feed.publish([line(1), line(2), named[0]])
    feed.publish([named[1]])
    assert [("", [1, 2]), ("a", [1]), ("a", [2])] == received


async def test_updates_before_nonsense_are_delivered(feed: Feed) -> None:
    waiter = await waiting(feed, lambda at: at)
    with pytest.raises(BadFeed, match=r"^update 1 of epoch e0 comes after update 2$"):
        feed.publish([line(1), line(2), line(1), line(3)])
    assert 0 == await waiter
    assert Cursor("e0", 2) == feed.cursor


async def test_channel_is_not_opened_by_an_update_that_is_refused(feed: Feed) -> None:
    """Its clients would get an answer without a cursor."""
    feed.publish([line(1), line(2)])
    with pytest.raises(BadFeed, match=r"^update 2 of epoch e0 comes after update 2$"):
        feed.publish([b"2 " + encode_update(Update("e0", 1, 1, "x", "a"))])
    assert [feed.channels.default] == list(feed.channels)


async def test_lag_of_an_update_from_the_future_is_zero_and_counted() -> None:
    """A falling sum would be a falling counter, which Prometheus takes as a restart."""
    registry = CollectorRegistry()
    metrics = ServiceMetrics(registry)
    feed = feed_of(metrics, clock=lambda: 10**9)
    for seq, ts in enumerate((10**9, 5 * 10**9, 10**9 // 2), 1):
        feed.publish([encode_update(Update("e0", seq, ts, "x"))])
    assert 1 == metrics.early_updates
    assert 3 == metrics.updates
    assert 0.5 == registry.get_sample_value("wirerace_feed_lag_seconds_sum")


async def test_lag_of_an_update_ends_before_its_fan_out() -> None:
    registry = CollectorRegistry()
    now_ns = [1_000_000_000]
    feed = feed_of(ServiceMetrics(registry), clock=lambda: now_ns[0])

    def fan_out(_updates: Sequence[Kept]) -> None:
        now_ns[0] += 5_000_000_000

    feed.channels.default.listen(fan_out)
    for seq in (1, 2):
        feed.publish([encode_update(Update("e0", seq, now_ns[0] - 250_000_000, "x"))])
    assert 0.5 == registry.get_sample_value("wirerace_feed_lag_seconds_sum")


@pytest.mark.long
@given(st.one_of(st.binary(), st.text().map(str.encode), st.builds(bytes.replace, st.just(line(1)), MARKS, MARKS)))
def test_no_line_raises_anything_but_that_it_is_no_feed(data: bytes) -> None:
    feed = feed_of(ServiceMetrics(CollectorRegistry()))
    try:
        feed.publish([data])
    except BadFeed as error:
        assert "\n" not in str(error)  # noqa: PT017 -- some lines are right
        assert feed.channels.default.recent.head == 0
    else:
        data.decode()
        assert feed.cursor == Cursor.parse(str(feed.cursor))
