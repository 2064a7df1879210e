"""Fan-out: a message becomes one update, which reaches every client of its channel, before it is acknowledged."""

import asyncio
from collections import Counter

import msgspec
import pytest

from services.__main__ import service_of
from tests.contract.clients import CLIENTS, Update
from tests.contract.feeds import truth
from tests.contract.raw import get
from tests.contract.senders import SENDERS, SENT_NS, Posting, Sender, every_way, message, messages_counted
from tests.contract.stage import Running, Stage
from wirerace.transports import TRANSPORTS
from wirerace.workload.truth import Sent

pytestmark = every_way


async def fanning(stage: Stage, by: str, query: str = "") -> Sender:
    """Return a sender whose messages reach all clients of the channel that the query names."""
    return await SENDERS[by].open(stage, "&".join(filter(None, ("fan_out=true", query))))


def messages_in(updates: list[Update]) -> list[tuple[str, int]]:
    return [(update.client, update.n) for update in updates]


async def made(producer: Running) -> Counter[tuple[str, int]]:
    """Return how many updates the producer has made of each message, by its record."""
    epochs = (await truth(producer)).epochs
    return Counter((sent.client, sent.n) for epoch in epochs for sent in epoch.messages.values())


async def test_message_reaches_every_client_of_its_channel_once(stage: Stage, by: str) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(3)]
    ann = await fanning(stage, by)
    assert {"ack": 7, "client": "ann"}.items() <= (await ann.send(message(7, data="hello, all"))).acknowledged.items()
    await stage.make_and_see()
    for client in clients:
        first, second = await client.receive(2)
        assert ("hello, all", "ann", 7, SENT_NS + 7) == (first.data, first.client, first.n, first.sent)
        assert (1, 2, "", 0, 0) == (first.seq, second.seq, second.client, second.n, second.sent)
        assert b'"client"' not in client.encoded[1]
    assert (1, 0, 0) == await messages_counted(stage)
    (epoch,) = (await truth(stage.producer)).epochs
    assert {1: Sent("ann", 7, SENT_NS + 7)} == epoch.messages


@pytest.mark.long
async def test_message_reaches_clients_of_every_transport(stage: Stage, by: str) -> None:
    await stage.serve()
    listening = []
    for name in TRANSPORTS:
        server = await stage._start(service_of(name), producer_url=stage.link.url)
        await server.until_health(200)
        client = CLIENTS[name](TRANSPORTS[name].path)
        stage._clients.append(client)
        await client.subscribe(server.port)
        listening.append(client)
    await (await fanning(stage, by)).send_all(message(n) for n in (1, 2, 3))
    for client in listening:
        assert [("ann", 1), ("ann", 2), ("ann", 3)] == messages_in(await client.receive(3))


async def test_message_reaches_no_client_of_another_channel(stage: Stage, by: str) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    one, two, default = [await stage.subscribe(query=query) for query in ("channel=1", "channel=2", "")]
    await (await fanning(stage, by, "channel=2")).send(message(1))
    await (await fanning(stage, by)).send(message(2))
    await stage.make_and_see(channels=2)
    assert [("", 0)] == messages_in(await one.receive(1))
    assert [("ann", 1), ("", 0)] == messages_in(await two.receive(2))
    assert [("ann", 2)] == messages_in(await default.receive(1))


async def test_message_without_fan_out_reaches_nobody(stage: Stage, by: str) -> None:
    await stage.serve()
    client = await stage.subscribe()
    for query in ("", "fan_out=false"):
        await (await SENDERS[by].open(stage, query)).send(message(1))
    await stage.make_and_see()
    assert [("", 0)] == messages_in(await client.receive(1))
    assert {} == await made(stage.producer)


@pytest.mark.long
async def test_messages_of_a_client_become_updates_in_their_order(stage: Stage, by: str) -> None:
    await stage.serve()
    client = await stage.subscribe()
    ann = await fanning(stage, by)
    await ann.send_all(message(n, data=str(n)) for n in range(1, 301))
    updates = await client.receive(300)
    assert list(range(1, 301)) == [update.n for update in updates] == [update.seq for update in updates]
    assert sorted(update.ts for update in updates) == [update.ts for update in updates]


async def test_message_is_acknowledged_when_the_producer_has_it_and_not_before(stage: Stage, by: str) -> None:
    await stage.serve()
    ann = await fanning(stage, by)
    stage.link.mute()
    await ann.begin(message(1))
    reply = asyncio.create_task(ann.reply())
    await (await Posting.open(stage)).send(message(2))  # the server has received the first one, too
    assert {} == await made(stage.producer)
    assert not reply.done()
    stage.link.mend()
    assert 1 == (await reply).acknowledged["ack"]
    assert {("ann", 1): 1} == await made(stage.producer)


async def test_repeated_message_is_made_an_update_once(stage: Stage, by: str) -> None:
    await stage.serve()
    client = await stage.subscribe()
    ann = await fanning(stage, by)
    replies = await ann.send_all([message(1)] * 3)
    assert {replies[0].received} == {reply.received for reply in replies}
    await ann.send(message(2))
    assert [("ann", 1), ("ann", 2)] == messages_in(await client.receive(2))
    assert (2, 2, 0) == await messages_counted(stage)
    assert 2 == await stage.producer.metric('messages_total{outcome="accepted"}')
    assert 2 == await stage.producer.metric('messages_total{outcome="repeated"}')


@pytest.mark.long
async def test_two_servers_pass_messages_on_at_once_and_none_is_lost_or_doubled(stage: Stage, by: str) -> None:
    """Each client sends through its own server, and one of them every message through both."""
    await stage.serve()
    client = await stage.subscribe()
    senders = [(await fanning(stage, by), "ann"), (await fanning(stage, by), "bob")]
    await stage.serve()
    senders += [(await fanning(stage, by), "cat"), (await fanning(stage, by), "bob")]
    replies = await asyncio.gather(
        *(sender.send_all([message(n, name) for n in range(1, 101)]) for sender, name in senders)
    )
    assert {200} == {reply.status for of_sender in replies for reply in of_sender}
    received = await client.receive(300)
    assert {(name, n): 1 for name in ("ann", "bob", "cat") for n in range(1, 101)} == Counter(messages_in(received))
    assert list(range(1, 301)) == [update.seq for update in received]
    assert sorted(update.ts for update in received) == [update.ts for update in received]


@pytest.mark.long
async def test_updates_of_the_schedule_and_of_messages_ascend_in_time(stage: Stage, by: str) -> None:
    await stage.serve(max_messages_per_second=10**6)
    client = await stage.subscribe()
    ann = await fanning(stage, by)
    await stage.schedule("PUT", rate_per_second=3_000, arrivals="poisson", payload_bytes=0)
    n = 0
    while await stage.producer.metric("updates_total") < 1_500:
        await ann.send_all(message(i) for i in range(n + 1, n + 21))
        n += 20
    await stage.schedule("DELETE")
    count = int(await stage.producer.metric("updates_total"))
    received = await client.receive(count)
    assert list(range(1, count + 1)) == [update.seq for update in received]
    assert sorted(update.ts for update in received) == [update.ts for update in received]
    assert list(range(1, n + 1)) == [update.n for update in received if update.client]


async def test_message_goes_on_to_a_producer_that_makes_nothing(stage: Stage, by: str) -> None:
    await stage.serve()
    await stage.schedule("DELETE")
    client = await stage.subscribe()
    assert 200 == (await (await fanning(stage, by)).send(message(1))).status
    assert [("ann", 1)] == messages_in(await client.receive(1))


@pytest.mark.long
async def test_message_is_as_large_as_its_limit_and_beyond_ascii(stage: Stage, by: str) -> None:
    await stage.serve(max_message_bytes=1_048_576)
    client = await stage.subscribe()
    texts = ["x" * 1_000_000, '\u0000\n"\\😀 ' * 20_000, "", "\u2028"]
    ann = await fanning(stage, by)
    for n, text in enumerate(texts, 1):
        assert 200 == (await ann.send(message(n, data=text))).status
    assert texts == [update.data for update in await client.receive(len(texts))]


@pytest.mark.long
@pytest.mark.parametrize("channel", ["", "2"])
async def test_message_of_another_server_that_knows_a_channel_no_more_is_refused(
    stage: Stage, by: str, channel: str
) -> None:
    """The producer has begun again without the channel; the server still has it."""
    await stage.serve()
    await stage.make_and_see(channels=2)
    ann = await fanning(stage, by, f"channel={channel}" if channel else "")
    await stage.restart_producer()
    await stage.server.until_health(200, stage.at(0))
    reply = await ann.send(message(1))
    assert (503 if channel else 200) == reply.status


async def test_producer_takes_what_servers_pass_on(stage: Stage, by: str) -> None:  # noqa: ARG001 -- of all ways
    passed = [["", "ann", 1, SENT_NS, "x"], ["9", "ann", 2, SENT_NS, "x"], ["", "ann", 1, SENT_NS, "x"]]
    answer = await stage.producer.ask(get("/messages", method="POST", body=msgspec.json.encode(passed)))
    assert (200, b"[true,false,true]") == (answer.status, answer.body)
    assert {("ann", 1): 1} == await made(stage.producer)
