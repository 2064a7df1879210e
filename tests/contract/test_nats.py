"""The feed over NATS when the broker breaks: nothing is lost that the producer keeps, and each trouble is one line."""

import asyncio
from collections.abc import AsyncIterator

import nats
import nats.aio.client
import pytest

from services.__main__ import service_of
from services.feeds.nats_broker import line_in
from services.producer import Producer, feed_line
from services.push import chunk_of
from tests.contract.brokers import BrokerProcess, stage_with, trouble
from tests.contract.clients import CLIENTS, Update
from tests.contract.feeds import truth
from tests.contract.nats_feeds import FakeProducer
from tests.contract.raw import get
from tests.contract.stage import Running, Stage, until
from tests.contract.test_bad_feed import GOOD, LINES
from wirerace.backoff import Backoff
from wirerace.wire.update import Update as WireUpdate

pytestmark = [pytest.mark.processes, pytest.mark.long]

TOKEN = "of-the-test"  # noqa: S105 -- of this test alone


@pytest.fixture
async def broker() -> AsyncIterator[BrokerProcess]:
    broker = await BrokerProcess.started()
    yield broker
    broker.close()


@pytest.fixture
async def stage(broker: BrokerProcess) -> AsyncIterator[Stage]:
    async with stage_with(broker) as stage:
        yield stage


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def test_updates_are_made_while_the_broker_is_lost_and_come_when_it_is_back(
    stage: Stage, broker: BrokerProcess
) -> None:
    """Producer and servers say what is wrong meanwhile."""
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    received = await client.receive(2)
    broker.end()
    assert "no feed by way of nats://127.0.0.1:" in await trouble(stage.producer)
    assert "no feed from nats://127.0.0.1:" in await trouble(stage.server)
    await stage.make(3)
    assert 5 == (await truth(stage.producer)).count
    await broker.start()
    received += await client.receive(3)
    assert [1, 2, 3, 4, 5] == seqs(received)
    await stage.producer.until_health(200)
    await stage.server.until_health(200, stage.at(5))


@pytest.mark.parametrize("channels", [1, 3])
async def test_broker_that_lost_its_storage_gets_what_the_producer_keeps(
    stage: Stage, broker: BrokerProcess, channels: int
) -> None:
    """Servers resume at their cursor, and a new one gets everything."""
    query = "channel=2" if channels > 1 else ""
    await stage.serve()
    await stage.make_and_see(channels=channels)
    client = await stage.subscribe(query=query)
    await stage.make(2, channels=channels)
    received = await client.receive(2)
    broker.end()
    broker.forget()
    await stage.make(2, channels=channels)
    await broker.start()
    received += await client.receive(2)
    assert [2, 3, 4, 5] == seqs(received)
    await stage.serve()
    fresh = await stage.subscribe(after=stage.at(0), query=query)
    assert [1, 2, 3, 4, 5] == seqs(await fresh.receive(5))


async def test_gap_that_nobody_can_fill_is_seen_in_seq(stage: Stage, broker: BrokerProcess) -> None:
    """The broker has lost its storage, or it was away for longer than the producer keeps."""
    await stage.restart_producer(keep_updates=3)
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    received = await client.receive(2)
    for loses in (True, False):
        broker.end()
        if loses:
            broker.forget()
        await stage.make(6)
        await broker.start()
        received += await client.receive(3)
    assert [1, 2, 6, 7, 8, 12, 13, 14] == seqs(received)


async def test_broker_that_stands_still_loses_nothing(stage: Stage, broker: BrokerProcess) -> None:
    await stage.serve()
    client = await stage.subscribe()
    broker.freeze()
    await stage.make(3)
    await stage.server.until_health(503)
    await stage.producer.until_health(503)
    broker.thaw()
    assert [1, 2, 3] == seqs(await client.receive(3))
    await stage.producer.until_health(200)
    await stage.server.until_health(200)


async def test_server_that_reads_slowly_sees_a_gap_and_harms_no_other(stage: Stage, broker: BrokerProcess) -> None:
    """What it did not read was dropped from the stream meanwhile. Other servers get everything."""
    await stage.restart_producer(keep_updates=20)
    await stage.serve()
    slow = await stage.subscribe()
    await stage.make(1)
    received = await slow.receive(1)
    other = await Running.start(service_of("stream"), producer_url=broker.url(stage.name))
    quick = CLIENTS["stream"](stage.transport.path, "")
    try:
        await other.until_health(200)
        await quick.subscribe(other.port)
        stage.link.mute()
        got, _ = await asyncio.gather(quick.receive(100), stage.make(100, payload_bytes=100_000))
        assert list(range(2, 102)) == seqs(got)
        stage.link.mend()
        while received[-1].seq < 101:
            received += await slow.receive(1)
    finally:
        quick.abort()
        await other.stop()
    assert sorted(set(seqs(received))) == seqs(received)


async def test_feed_is_dropped_as_an_experiment_orders(broker: BrokerProcess) -> None:
    producer = await Running.start(Producer, idle=True, broker_url=broker.url("dropped"), control_token=TOKEN)
    server = await Running.start(service_of("stream"), producer_url=broker.url("dropped"))
    await server.until_health(200)
    order = get("/feed/drop", f"Authorization: Bearer {TOKEN}", method="POST", body=b'{"lasts_seconds": 0.5}')
    assert b'{"broken": 1}' == (await producer.ask(order)).body
    await server.until_health(503)
    await server.until_health(200)
    assert 2 == await server.metric("feed_connects_total")
    await server.stop()
    await producer.stop()


async def test_time_in_the_broker_is_counted_of_each_update(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    metrics = await stage.server.metrics()
    assert 5 == metrics["wirerace_broker_lag_seconds_count"]
    assert 0 < metrics["wirerace_broker_lag_seconds_sum"] < metrics["wirerace_feed_lag_seconds_sum"]


async def test_streams_of_earlier_epochs_are_deleted(stage: Stage, broker: BrokerProcess) -> None:
    await stage.make(1)
    for _ in range(2):
        await stage.restart_producer()
        await stage.producer.until_health(200)
    await stage.serve()
    client = await nats.connect(f"nats://127.0.0.1:{broker.port}")
    names = [info.config.name for info in await client.jetstream().streams_info()]
    await client.close()
    assert [f"{stage.name}-{stage.at(0).removesuffix('-0')}"] == names


@pytest.mark.parametrize("line", [one for name, one in LINES.items() if "an end" not in name])
async def test_server_outlives_nonsense_in_the_stream_and_stays_before_it(
    broker: BrokerProcess, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feed.OF_FEED", Backoff(0.005, 0.02))
    fake = await FakeProducer.begin(broker, "fake", "e0-5")
    await fake.store("e0", *GOOD[:2], line, *GOOD[2:])
    server = await Running.start(service_of("stream"), producer_url=broker.url("fake"))
    try:
        await server.until_health(503, "e0-2")
    finally:
        await server.stop()
        await fake.client.close()


async def test_producer_that_falls_silent_counts_as_lost_although_the_broker_lives(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feed.SILENCE_SECONDS", 0.4)
    fake = await FakeProducer.begin(broker, "fake", "e0-2")
    await fake.store("e0", *GOOD[:2])
    server = await Running.start(service_of("stream"), producer_url=broker.url("fake"))
    await server.until_health(200, "e0-2")
    for _ in range(4):
        await asyncio.sleep(0.1)
        await fake.beat(b"e0-2")
    assert 1 == await server.metric("feed_connects_total")

    async def connected_again() -> bool:
        return await server.metric("feed_connects_total") > 1

    await until(connected_again, "the silence was noticed")
    await server.stop()
    await fake.client.close()


@pytest.mark.parametrize("number", [5, 7])
def test_line_of_an_update_is_found_in_the_chunk_of_the_feed_over_http(number: int) -> None:
    chunk = chunk_of(feed_line(WireUpdate("e0", 5, 1, "a b", "x"), number))
    assert b'{"epoch":"e0","seq":5,"ts":1,"data":"a b","channel":"x"}' == line_in(chunk)
