"""Resuming: nothing is lost or repeated when the client's link, the server or the feed has broken."""

import asyncio

import pytest

from tests.contract.clients import Client, Update
from tests.contract.stage import Stage


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


@pytest.mark.long
async def test_client_that_comes_back_misses_nothing(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    received = await client.receive(2)
    for _ in range(5):
        client.close()
        await stage.make(3)
        client = await stage.subscribe(after=client.cursor)
        received += await client.receive(3)
    assert list(range(1, 18)) == seqs(received)


@pytest.mark.long
async def test_client_that_comes_back_while_updates_are_made_misses_nothing(stage: Stage) -> None:
    """There is no gap and no repeat between catching up and going live."""
    await stage.serve()
    await stage.make_and_see(300)
    clients = [stage.client(after=stage.at(50 * number)) for number in range(6)]

    async def come_back(client: Client) -> list[Update]:
        behind = int(client.cursor.partition("-")[2])
        await client.subscribe(stage.server.port)
        return await client.receive(400 - behind)

    received = await asyncio.gather(*map(come_back, clients), stage.make(100))
    for number, updates in enumerate(received[:-1]):
        assert list(range(50 * number + 1, 401)) == seqs(updates or [])


async def test_client_resumes_at_a_server_that_was_restarted(stage: Stage) -> None:
    """A new server gets everything that the producer keeps."""
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(3)
    received = await client.receive(3)
    client.close()
    await stage.server.stop()
    await stage.make(2)
    await stage.serve()
    client = await stage.subscribe(after=client.cursor)
    await stage.make(1)
    received += await client.receive(3)
    assert [1, 2, 3, 4, 5, 6] == seqs(received)


async def test_client_may_go_from_server_to_server(stage: Stage) -> None:
    """A cursor belongs to the producer, not to the server that gave it."""
    first, second = await stage.serve(), await stage.serve()
    await stage.make_and_see(1)
    client, received = stage.client(after=stage.at(0)), []
    for server in (first, second, first, second):
        await server.until_health(200, stage.head)
        await client.subscribe(server.port)
        await stage.make()
        received += await client.receive(1)
        client.close()
        client = stage.client(after=client.cursor)
    assert [1, 2, 3, 4] == seqs(received)


@pytest.mark.long
async def test_lost_feed_leaves_no_gap(stage: Stage) -> None:
    """The server keeps its clients, says so in /health, and resumes at its cursor."""
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    received = await client.receive(2)
    stage.link.cut()
    await stage.server.until_health(503, stage.at(2))
    assert 0 == await stage.server.metric("feed_live")
    assert 1 == await stage.server.metric("clients")
    await stage.make(3)
    stage.link.mend()
    received += await client.receive(3)
    await stage.server.until_health(200, stage.at(5))
    assert [1, 2, 3, 4, 5] == seqs(received)
    assert 2 == await stage.server.metric("feed_connects_total")
    assert 1 == await stage.server.metric("clients")


async def test_server_delivers_what_it_has_while_the_feed_is_lost(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    stage.link.cut()
    await stage.server.until_health(503)
    client = await stage.subscribe(after=stage.at(1))
    assert [2, 3] == seqs(await client.receive(2))


@pytest.mark.long
async def test_feed_that_is_lost_again_and_again_leaves_no_gap(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    received: list[Update] = []
    for _ in range(5):
        await stage.make(10)
        stage.link.cut()
        await stage.make(10)
        stage.link.mend()
        received += await client.receive(20)
    assert list(range(1, 101)) == seqs(received)


@pytest.mark.long
@pytest.mark.usefixtures("quick_heartbeats")
async def test_feed_that_falls_silent_counts_as_lost(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reports that the link is lost: no byte comes, no heartbeat."""
    monkeypatch.setattr("services.feed.SILENCE_SECONDS", 0.5)
    await stage.serve()
    client = await stage.subscribe()
    stage.link.mute()
    await stage.server.until_health(503)
    await stage.make(2)
    stage.link.cut()
    stage.link.mend()
    assert [1, 2] == seqs(await client.receive(2))
    await stage.server.until_health(200)


@pytest.mark.long
async def test_gap_that_the_producer_cannot_fill_is_seen_in_seq(stage: Stage) -> None:
    """Updates lost for good are lost visibly, and delivery continues after them."""
    await stage.restart_producer(keep_updates=3)
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    received = await client.receive(2)
    stage.link.cut()
    await stage.server.until_health(503)
    await stage.make(6)
    stage.link.mend()
    received += await client.receive(3)
    assert [1, 2, 6, 7, 8] == seqs(received)
    resumed = await stage.subscribe(after=stage.at(4))
    assert [6, 7, 8] == seqs(await resumed.receive(3))
