"""The feed: what servers follow, resumed at a cursor, across producers that end and start again."""

import time
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from tests.contract.clients import Update
from tests.contract.feeds import SELDOM, Follow, Start, delete, keys, put, truth
from tests.contract.raw import Raw, get
from wirerace.clock import NS_PER_SECOND
from wirerace.workload.schedule import Schedule, due_times


def keys_of(updates: list[Update]) -> list[tuple[str, int, int]]:
    return [(update.epoch, update.seq, update.ts) for update in updates]


async def test_feed_without_a_cursor_starts_at_the_next_update(start: Start, follow: Follow) -> None:
    producer = await start()
    await put(producer, SELDOM)
    feed = await follow(producer)
    assert (await producer.get("/health")).cursor == feed.cursor
    await put(producer, SELDOM)
    assert [2] == [update.seq for update in await feed.updates(1)]


async def test_feed_resumes_at_a_cursor(start: Start, follow: Follow) -> None:
    producer = await start()
    for _ in range(5):
        await put(producer, SELDOM)
    epoch, _, _ = (await producer.get("/health")).cursor.partition("-")
    for after in range(6):
        feed = await follow(producer, f"{epoch}-{after}")
        assert f"{epoch}-5" == feed.cursor
        assert list(range(after + 1, 6)) == [update.seq for update in await feed.updates(5 - after)]


async def test_feed_after_an_unknown_epoch_starts_at_the_oldest_kept(start: Start, follow: Follow) -> None:
    producer = await start(keep_updates=2)
    for _ in range(5):
        await put(producer, SELDOM)
    feed = await follow(producer, "nosuchepoch-9")
    assert [4, 5] == [update.seq for update in await feed.updates(2)]


async def test_malformed_cursor_of_a_follower_is_refused(start: Start) -> None:
    answer = await (await start()).get("/feed?after=nonsense")
    assert 400 == answer.status
    assert answer.line.startswith("after must be ")


@pytest.mark.long
@pytest.mark.usefixtures("quick_heartbeats")
async def test_quiet_feed_carries_heartbeats(start: Start, follow: Follow, feed_kind: str) -> None:
    """They are empty lines; those over HTTP are counted, separately from updates."""
    producer = await start()
    feed = await follow(producer)
    assert [b"\n", b"\n"] == [await feed.line() for _ in range(2)]
    metrics = await producer.metrics()
    assert 0 == metrics["wirerace_deliveries_total"]
    if feed_kind == "http":
        assert 2 * len(b"1\r\n\n\r\n") <= metrics["wirerace_heartbeat_bytes_total"]


async def test_feed_ends_in_order_when_the_producer_stops(start: Start, follow: Follow) -> None:
    producer = await start()
    feed = await follow(producer)
    await put(producer, SELDOM)
    await producer.stop()
    assert 1 == len(await feed.rest())


@pytest.mark.long
async def test_record_of_the_producer_equals_what_a_follower_received(start: Start, follow: Follow) -> None:
    """At 5000 updates a second for a while, none is lost, repeated, out of order or early."""
    producer = await start()
    followers = [await follow(producer) for _ in range(2)]
    await put(producer, {"rate_per_second": 5000, "arrivals": "poisson", "payload_bytes": 100})
    received = [await feed.updates(2500) for feed in followers]
    await delete(producer)
    made = await truth(producer)
    for feed, updates in zip(followers, received, strict=True):
        rest = await feed.updates(made.count - len(updates))
        assert keys(made) == keys_of(updates + rest)
    assert list(range(1, made.count + 1)) == [seq for _, seq, _ in keys(made)]
    assert all(late_ns >= 0 for epoch in made.epochs for late_ns in epoch.late_ns)


@pytest.mark.long
async def test_followers_that_vanish_while_updates_are_made_harm_no_other(start: Start, follow: Follow) -> None:
    producer = await start()
    feed = await follow(producer)
    await put(producer, {"rate_per_second": 2000, "arrivals": "periodic"})
    received: list[Update] = []
    for _ in range(30):
        raw = await Raw.open(producer.port)
        await raw.send(get("/feed"))
        await raw.some()
        raw.reset()
        received += await feed.updates(5)
    await delete(producer)
    await producer.until_metric("clients", 1)
    made = await truth(producer)
    received += await feed.updates(made.count - len(received))
    assert keys(made) == keys_of(received)


async def test_producer_that_is_started_again_begins_a_new_epoch(start: Start, follow: Follow) -> None:
    first = await start()
    await put(first, SELDOM)
    epoch, _, _ = (await first.get("/health")).cursor.partition("-")
    await first.stop()
    second = await start()
    feed = await follow(second, f"{epoch}-1")
    assert not feed.cursor.startswith(f"{epoch}-")
    await put(second, SELDOM)
    assert [1] == [update.seq for update in await feed.updates(1)]


@pytest.mark.long
async def test_producer_with_a_record_continues_its_schedule_in_a_new_epoch(
    start: Start, follow: Follow, tmp_path: Path
) -> None:
    """Updates come at the times that the schedule intended from its start; the record still has the old epoch."""
    record = str(tmp_path / "record.jsonl")
    first = await start(record_file=record)
    start_ns = time.time_ns() + NS_PER_SECOND // 5
    schedule = {"rate_per_second": 200, "arrivals": "poisson", "seed": 4, "start_ns": start_ns}
    feed = await follow(first)
    assert 200 == (await put(first, schedule)).status
    old = await feed.updates(6)
    await first.stop()
    before = keys(await truth(second := await start(record_file=record)))
    assert keys_of(old) == before[: len(old)]
    assert schedule == {
        name: value
        for name, value in msgspec.json.decode((await second.get("/schedule")).body).items()
        if name in schedule
    }
    new = await (await follow(second, "0-0")).updates(5)
    assert old[0].epoch != new[0].epoch
    assert [1, 2, 3, 4, 5] == [update.seq for update in new]
    intended = set(islice(due_times(msgspec.convert(schedule, type=Schedule), start_ns), 10_000))
    assert {update.ts for update in new} < intended
    assert keys_of(new) == [key for key in keys(await truth(second)) if key[0] == new[0].epoch][:5]


async def test_producer_with_a_record_stays_idle_when_its_schedule_was_deleted(start: Start, tmp_path: Path) -> None:
    record = str(tmp_path / "record.jsonl")
    first = await start(record_file=record)
    await put(first, SELDOM)
    await delete(first)
    await first.stop()
    second = await start(record_file=record)
    assert b"null" == (await second.get("/schedule")).body
    assert 1 == (await truth(second)).count


async def test_options_that_have_changed_win_over_the_schedule_of_the_record(start: Start, tmp_path: Path) -> None:
    """The same options do not: a producer that was killed continues the schedule that was set."""
    record = str(tmp_path / "record.jsonl")
    rates = []
    for options in (5, 7, 7, 5):
        producer = await start(record_file=record, idle=False, rate_per_second=options)
        rates.append(msgspec.json.decode((await producer.get("/schedule")).body, type=Schedule).rate_per_second)
        await put(producer, SELDOM)
        await producer.stop()
    assert [5, 7, SELDOM["rate_per_second"], 5] == rates


async def test_schedule_that_was_deleted_gives_way_to_the_options_at_the_next_start(
    start: Start, tmp_path: Path
) -> None:
    """The cure for the schedule of an experiment that was killed."""
    options = {"record_file": str(tmp_path / "record.jsonl"), "idle": False, "rate_per_second": 5}
    first = await start(**options)
    await put(first, SELDOM)
    await delete(first)
    await first.stop()
    second = await start(**options)
    schedule = msgspec.json.decode((await second.get("/schedule")).body, type=Schedule)
    assert 5 == schedule.rate_per_second


async def test_record_continues_after_a_line_that_was_cut_short(start: Start, tmp_path: Path) -> None:
    """A producer that was killed while it wrote leaves half a line, which costs no later update."""
    record = tmp_path / "record.jsonl"
    for lives in (1, 2, 3):
        producer = await start(record_file=str(record))
        await put(producer, SELDOM)
        assert lives == (await truth(producer)).count
        await producer.stop()
        with record.open("ab") as file:
            file.write(b'["k3f9",17,17900')
