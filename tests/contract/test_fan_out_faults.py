"""Fan-out when something breaks: nothing is acknowledged that was not made, and what is sent again is made once."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.contract.feeds import truth
from tests.contract.processes import ServiceProcess
from tests.contract.senders import SENDERS, Posting, Reply, Sender, every_way, message, messages_counted, post
from tests.contract.stage import Asked, Stage

pytestmark = every_way
UNAVAILABLE = Reply(503, {}, "the producer does not take messages: try again")


async def fanning(stage: Stage, by: str) -> Sender:
    return await SENDERS[by].open(stage, "fan_out=true")


async def made(producer: Asked) -> list[tuple[str, int]]:
    """Return the keys of the messages of which the producer has made updates, in order, by its record."""
    return [(sent.client, sent.n) for epoch in (await truth(producer)).epochs for sent in epoch.messages.values()]


@pytest.mark.long
async def test_message_is_refused_while_the_producer_is_down_and_made_once_when_it_is_sent_again(
    stage: Stage, by: str
) -> None:
    """It keeps the time of its first receipt."""
    await stage.serve()
    client, ann = await stage.subscribe(), await fanning(stage, by)
    stage.link.cut()
    begun_ns = time.time_ns()
    assert [UNAVAILABLE] * 2 == await ann.send_all([message(1)] * 2)
    cut_ns = time.time_ns()
    stage.link.mend()
    await stage.server.until_health(200)
    first, again = await ann.send_all([message(1)] * 2)
    assert first == again
    assert {"ack": 1, "client": "ann", "received": first.received, "repeated": True} == first.acknowledged
    assert begun_ns <= first.received <= cut_ns
    await ann.send(message(2))
    assert [("ann", 1), ("ann", 2)] == [(update.client, update.n) for update in await client.receive(2)]
    assert (2, 1, 2) == await messages_counted(stage)


async def test_refusal_says_when_to_try_again(stage: Stage, by: str) -> None:  # noqa: ARG001 -- of all ways
    await stage.serve()
    stage.link.cut()
    answer = await (await stage.connect()).ask(post(message(1), "fan_out=true"))
    assert (503, "1") == (answer.status, answer.headers["retry-after"])


@pytest.mark.long
async def test_producer_that_does_not_answer_holds_nobody_for_long(
    stage: Stage, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits behind is refused with it. Messages without fan-out are acknowledged meanwhile."""
    monkeypatch.setattr("services.relay.PASS_SECONDS", 0.1)
    await stage.serve()
    stage.link.mute()
    ann = await fanning(stage, by)
    await ann.begin(*[message(n) for n in range(1, 11)])
    assert 200 == (await (await Posting.open(stage)).send(message(1, "bob"))).status
    assert [UNAVAILABLE] * 10 == [await ann.reply() for _ in range(10)]
    stage.link.mend()
    await stage.server.until_health(200)
    assert {200} == {reply.status for reply in await ann.send_all(message(n) for n in range(1, 11))}
    assert [("ann", n) for n in range(1, 11)] == sorted(await made(stage.producer))


@pytest.mark.long
async def test_message_whose_acknowledgement_was_lost_is_made_once(stage: Stage, by: str) -> None:
    """The producer has made it, the server could not know: it was passed on by another server, say."""
    await stage.serve()
    ann = await fanning(stage, by)
    await ann.send(message(1))
    await stage.server.stop()
    await stage.serve()
    reply = await (await fanning(stage, by)).send(message(1))
    assert {"ack": 1, "client": "ann", "received": reply.received} == reply.acknowledged
    assert [("ann", 1)] == await made(stage.producer)


@pytest.mark.processes
async def test_producer_that_is_killed_makes_no_message_again(stage: Stage, by: str, tmp_path: Path) -> None:
    """With a record file. Without it, its keys are lost with its updates."""
    arguments = ("producer", "--idle", "true", "--record-file", str(tmp_path / "record"), *stage.broker_arguments)
    await stage.producer.stop()
    first = await ServiceProcess.start(*arguments)
    second: ServiceProcess | None = None
    try:
        stage.follow(first.port)
        await stage.serve()
        client, ann = await stage.subscribe(), await fanning(stage, by)
        assert {200} == {reply.status for reply in await ann.send_all(message(n) for n in (1, 2))}
        await client.receive(2)
        await first.end(signal.SIGKILL)
        await stage.server.until_health(503)
        assert UNAVAILABLE == await ann.send(message(3))
        second = await ServiceProcess.start(*arguments)
        stage.follow(second.port)
        await stage.server.until_health(200)
        replies = await ann.send_all(message(n) for n in (1, 2, 3, 4))
        assert [200] * 4 == [reply.status for reply in replies]
        assert [3, 4] == [update.n for update in await client.receive(2)]
        assert [("ann", n) for n in (1, 2, 3, 4)] == await made(second)
    finally:
        first.close()
        if second is not None:
            second.close()


async def test_server_that_stops_answers_what_waits(stage: Stage, by: str) -> None:
    """Each message gets its answer before the connection ends, and the server does not wait for the producer."""
    await stage.serve()
    stage.link.mute()
    senders = [await fanning(stage, by) for _ in range(3)]
    for place, sender in enumerate(senders):
        await sender.begin(message(1, f"client-{place}"))
    await (await Posting.open(stage)).send(message(1, "bob"))
    stopping = asyncio.create_task(stage.server.stop())
    assert [UNAVAILABLE] * 3 == [await sender.reply() for sender in senders]
    for sender in senders:
        await sender.raw.rest()
        sender.raw.close()
    await stopping
    assert not stage.server.serves


async def test_client_that_leaves_before_its_acknowledgement_harms_nobody(stage: Stage, by: str) -> None:
    await stage.serve()
    ann, bob = await fanning(stage, by), await fanning(stage, by)
    stage.link.mute()
    await ann.begin(message(1))
    await bob.begin(message(1, "bob"))
    await (await Posting.open(stage)).send(message(9))
    ann.raw.reset()
    stage.link.mend()
    assert 200 == (await bob.reply()).status
    assert {("ann", 1), ("bob", 1)} == set(await made(stage.producer))
    await stage.server.until_health(200)


async def test_what_waits_for_the_producer_is_bounded(stage: Stage, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In messages and in bytes; the others are refused at once."""
    await stage.serve()
    stage.link.mute()
    ann = await fanning(stage, by)
    bob = await fanning(stage, by)
    await bob.begin(message(1, "bob"))
    await (await Posting.open(stage)).send(message(1, "cat"))  # bob's is under way, and does not wait
    monkeypatch.setattr("services.relay.MOST_WAITING", 0)
    assert UNAVAILABLE == await ann.send(message(1))
    monkeypatch.undo()
    monkeypatch.setattr("services.relay.MOST_WAITING_BYTES", 0)
    assert UNAVAILABLE == await ann.send(message(1))
    monkeypatch.undo()
    stage.link.mend()
    assert [200, 200] == [(await bob.reply()).status, (await ann.send(message(1))).status]
