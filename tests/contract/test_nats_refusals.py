"""Brokers and streams that cannot bring a feed: one line says what is wrong, and what to do."""

import sys
from collections.abc import AsyncIterator

import nats
import nats.aio.client
import pytest

from services.producer import Producer
from tests.contract.brokers import MOST_BYTES, BrokerProcess, stage_with, trouble
from tests.contract.processes import run
from tests.contract.stage import Running, Stage, until
from wirerace.errors import BadInput

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
async def broker() -> AsyncIterator[BrokerProcess]:
    broker = await BrokerProcess.started()
    yield broker
    broker.close()


@pytest.fixture
async def stage(broker: BrokerProcess) -> AsyncIterator[Stage]:
    async with stage_with(broker) as stage:
        yield stage


async def refused(broker_url: str) -> str:
    """Return what a producer says about a broker."""
    producer = await Running.start(Producer, idle=True, broker_url=broker_url)
    said = await trouble(producer)
    await producer.stop()
    return said


async def test_no_broker_at_the_url_is_said() -> None:
    assert "no feed by way of nats://127.0.0.1:1/x: " in await refused("nats://127.0.0.1:1/x")


async def test_broker_without_jetstream_is_said() -> None:
    broker = await BrokerProcess.started(with_jetstream=False)
    assert "the broker has no JetStream: start it with nats-server --jetstream" in await refused(broker.url("x"))
    broker.close()


async def test_broker_that_takes_no_large_update_is_said() -> None:
    broker = await BrokerProcess.started(most_bytes=1024 * 1024)
    assert f"write max_payload: {MOST_BYTES} into its configuration" in await refused(broker.url("x"))
    broker.close()


async def test_second_producer_under_the_same_name_is_said(stage: Stage, broker: BrokerProcess) -> None:
    await stage.producer.until_health(200)
    await stage.serve()
    assert f"another producer publishes there, at {stage.head}" in await refused(broker.url(stage.name))
    await stage.make(1)
    await stage.server.until_health(200, stage.at(1))


async def test_stream_with_other_settings_is_said(broker: BrokerProcess) -> None:
    client = await nats.connect(f"nats://127.0.0.1:{broker.port}")
    await client.jetstream().add_stream(name="mine", subjects=["x.>"])
    said = await refused(broker.url("x"))
    assert "cannot be made, subjects overlap with an existing stream: delete the stream that is in its place" in said
    await client.jetstream().delete_stream("mine")
    producer = await Running.start(Producer, idle=True, broker_url=broker.url("x"))
    await until(lambda: _has_streams(client, 1), "there is a stream")
    (info,) = await client.jetstream().streams_info()
    info.config.max_msgs = 5
    await client.jetstream().update_stream(info.config)
    await client.close()
    broker.end()
    await broker.start()

    async def is_said() -> bool:
        return "exists with other settings (max_msgs is 5): delete it" in (await producer.get("/health")).body.decode()

    await until(is_said, "the settings are named")
    await producer.stop()


async def _has_streams(client: nats.aio.client.Client, count: int) -> bool:
    return count == len(await client.jetstream().streams_info())


@pytest.mark.parametrize(
    ("service", "url", "line"),
    [
        ("producer", "http://127.0.0.1:1", "--broker-url: a broker is a URL such as nats://127.0.0.1:4222"),
        ("producer", "nats://127.0.0.1:x", "--broker-url: a host is a URL such as nats://127.0.0.1:4222"),
        ("producer", "nats://127.0.0.1/a/b", "letters, digits, _ and -, got 'a/b'"),
        ("polling", "nats://127.0.0.1/a b", "--producer-url: the path of nats://127.0.0.1:4222/wirerace is a name"),
        ("polling", "amqp://127.0.0.1", "--producer-url: a host is a URL such as http://127.0.0.1:8000"),
    ],
)
async def test_url_that_is_none_is_refused_in_one_line(service: str, url: str, line: str) -> None:
    ended = await run(service, "--port", "0", f"--{'broker' if service == 'producer' else 'producer'}-url", url)
    assert (2, 1) == (ended.code, ended.stderr.count("\n"))
    assert line in ended.stderr


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("services.feeds.nats")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(BadInput, match=r"--broker-url: 'nats://x' needs nats-py: pip install wirerace\[nats\]"):
        Producer(Producer.options_type(idle=True, broker_url="nats://x"))
