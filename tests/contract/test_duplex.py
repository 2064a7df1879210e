"""A WebSocket sends and receives at the same time: messages in any frames, their answers, and updates between them."""

import asyncio

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.deflating import COMPRESSED, MODES, agreeing, deflated
from tests.contract.frames import CLOSE, PING, PONG, TEXT, Received, close, fragments, frame, shake_hands
from tests.contract.senders import Framing, Reply, message, messages_counted
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)


@pytest.mark.long
@pytest.mark.parametrize("query", ["fan_out=true", "fan_out=true&deliver=latest"])
async def test_hundreds_of_messages_are_under_way_in_both_directions_and_none_is_lost(stage: Stage, query: str) -> None:
    """Two clients send as fast as they can, and read at the same time. Each gets its answers and every update."""
    await stage.serve()
    watching = await stage.subscribe()
    clients = {name: await Framing.open(stage, query) for name in ("ann", "bob")}

    async def read(client: Framing) -> list[Reply]:
        return [await client.reply() for _ in range(500)]

    async with asyncio.TaskGroup() as tasks:
        reading = {name: tasks.create_task(read(client)) for name, client in clients.items()}
        for begin in range(1, 501, 50):
            for name, client in clients.items():
                await client.begin(*[message(n, name) for n in range(begin, begin + 50)])
    for name, replies in reading.items():
        assert [(n, name) for n in range(1, 501)] == [
            (reply.acknowledged["ack"], reply.acknowledged["client"]) for reply in replies.result()
        ]
    assert list(range(1, 1001)) == [update.seq for update in await watching.receive(1000)]
    for client in clients.values():
        received, client.updates = client.updates, []
        while received[-1].seq < 1000:
            received.append(await client.update())
        seqs = [update.seq for update in received]
        assert sorted(set(seqs)) == seqs
        assert "latest" in query or list(range(1, 1001)) == seqs


async def test_acknowledgements_and_updates_that_cross_are_whole(stage: Stage) -> None:
    """Also while a client catches up, and with bytes that come one by one."""
    await stage.serve()
    await stage.make_and_see(3, payload_bytes=100_000)
    client = await Framing.open(stage, f"after={stage.at(0)}")
    for byte in frame(TEXT, message(1)):
        await client.raw.send(bytes([byte]))
    assert 1 == (await client.reply()).acknowledged["ack"]
    assert [1, 2, 3] == [(await client.update()).seq for _ in range(3)]


async def test_message_in_fragments_with_a_ping_between_them_is_one_message(stage: Stage) -> None:
    await stage.serve()
    client = await Framing.open(stage)
    encoded = message(1, data="x" * 5_000)
    parts = [encoded[place : place + 500] for place in range(0, len(encoded), 500)]
    await client.raw.send(fragments(TEXT, *parts, between=frame(PING, b"?")))
    assert [Received(PONG, b"?")] * (len(parts) - 1) == [await client.peer.next() for _ in parts[1:]]
    assert 1 == (await client.reply()).acknowledged["ack"]


@pytest.mark.parametrize("mode", MODES)
async def test_compressed_message_is_acknowledged(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode)
    client, other = Framing(await agreeing(stage, "fan_out=true")), await stage.subscribe()
    packed = [deflated(message(n, data="hello " * 100))[0] for n in (1, 2)]
    for n, payload in enumerate(packed, 1):
        await client.raw.send(frame(TEXT, payload, reserved=COMPRESSED))
        assert n == (await client.reply()).acknowledged["ack"]
    assert ["hello " * 100] * 2 == [(await client.update()).data for _ in range(2)]
    assert [1, 2] == [update.n for update in await other.receive(2)]


@pytest.mark.long
async def test_answers_come_between_batches(stage: Stage) -> None:
    """With --batch-seconds updates come in arrays, and acknowledgements do not wait for them."""
    await stage.serve(batch_seconds=0.05)
    peer = await shake_hands(stage, "fan_out=true")
    acknowledged, batch = [await peer.ask(frame(TEXT, message(1))), await peer.next()]
    assert isinstance(acknowledged.payload, bytes)
    assert isinstance(batch.payload, bytes)
    assert acknowledged.payload.startswith(b'{"ack":1,"client":"ann"')
    assert batch.payload.startswith(b'[{"epoch":')


@pytest.mark.parametrize("compressed", [False, True])
async def test_message_that_is_too_large_closes_the_connection(stage: Stage, *, compressed: bool) -> None:
    """It cannot be skipped: a frame has no end before its last byte."""
    await stage.serve(max_message_bytes=1_000, deflate="shared")
    client = Framing(await (agreeing if compressed else shake_hands)(stage))
    largest = message(1, data="x" * (1_000 - len(message(1, data=""))))
    assert 200 == (await client.send(largest)).status
    payload = message(2, data="x" * 1_000)
    await client.raw.send(
        frame(TEXT, deflated(payload)[0], reserved=COMPRESSED) if compressed else frame(TEXT, payload)
    )
    assert [Received(CLOSE, 1009)] == await client.peer.rest()
    assert (1, 0, 0) == await messages_counted(stage)


async def test_messages_before_a_fault_are_taken_and_those_behind_it_are_not(stage: Stage) -> None:
    await stage.serve()
    client = await Framing.open(stage)
    await client.raw.send(
        frame(TEXT, message(1)) + frame(TEXT, b"\xff") + frame(TEXT, message(2)),
    )
    assert 1 == (await client.reply()).acknowledged["ack"]
    assert [Received(CLOSE, 1007)] == await client.peer.rest()
    assert (1, 0, 0) == await messages_counted(stage)


async def test_close_behind_messages_is_answered_after_them(stage: Stage) -> None:
    """What still waits for the producer then has no answer, and may be sent again."""
    await stage.serve()
    client = await Framing.open(stage)
    await client.raw.send(frame(TEXT, message(1)) + frame(TEXT, message(2)) + close(1000) + frame(TEXT, message(3)))
    assert [1, 2] == [(await client.reply()).acknowledged["ack"] for _ in range(2)]
    assert [Received(CLOSE, 1000)] == await client.peer.rest()
    assert (2, 0, 0) == await messages_counted(stage)


@pytest.mark.long  # megabytes fill the kernel's buffers first
@pytest.mark.parametrize("query", ["", "fan_out=true"])
async def test_client_that_reads_no_answers_is_cut_off_and_others_are_not(
    stage: Stage, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if frames may come as fast as they can."""
    monkeypatch.setattr("services.incoming.MOST_FRAMES_AT_ONCE", 10**9)
    monkeypatch.setattr("services.incoming.MOST_FRAMES_A_SECOND", 10**9)
    await stage.serve(high_water_bytes=65_536, max_messages_per_second=10**6)
    slow, other = await Framing.open(stage, query), await Framing.open(stage)
    flood, rounds = frame(TEXT, message(1)) * 500, 0
    try:
        while not await stage.server.metric("slow_readers_total"):
            await slow.raw.send(flood)
            rounds += 1
            assert rounds < 1_000
    except ConnectionError:
        assert 1 == await stage.server.metric("slow_readers_total")
    assert 200 == (await other.send(message(1, "bob"))).status


async def test_bytes_of_messages_and_answers_are_those_that_a_client_counts(stage: Stage) -> None:
    await stage.serve(max_messages_per_second=3)
    stage.server.service.inbox._clock = lambda: 5  # type: ignore[attr-defined]
    client = await Framing.open(stage, "fan_out=true")
    replies = await client.send_all([message(1), message(1), message(1, data="other"), b"{}", message(2)])
    assert [200, 200, 409, 400, 429] == sorted([reply.status for reply in replies], key=[200, 409, 400, 429].index)
    assert 1 == (await client.update()).seq
    await client.raw.send(close(1000))
    assert [Received(CLOSE, 1000)] == await client.peer.rest()
    metrics = await stage.server.metrics()
    assert client.raw.sent_bytes == metrics["wirerace_received_bytes_total"]
    assert client.raw.received_bytes == metrics["wirerace_sent_bytes_total"]
    assert 0 == metrics['wirerace_responses_total{outcome="error"}']
    assert (1, 1, 3) == await messages_counted(stage)
