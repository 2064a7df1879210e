"""Channels: a client listens to one, whose updates have numbers and cursors of their own."""

import pytest

from tests.contract.clients import Update
from tests.contract.feeds import SELDOM, Follow, Start, put
from tests.contract.stage import Stage


def places(updates: list[Update]) -> list[tuple[str, int]]:
    return [(update.channel, update.seq) for update in updates]


async def test_client_gets_the_updates_of_its_channel_and_no_others(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(channels=3)
    first, third, fresh = [await stage.subscribe(query=f"channel={name}") for name in (1, 3, 3)]
    default = await stage.subscribe()

    await stage.make_and_see(2, channels=3)
    await stage.make_and_see(channels=1)

    assert [("1", 2), ("1", 3)] == places(await first.receive(2))
    assert [("3", 2), ("3", 3)] == places(await third.receive(2))
    assert [("3", 2), ("3", 3)] == places(await fresh.receive(2))
    assert [("", 1)] == places(await default.receive(1))
    assert 7 == await stage.server.metric("deliveries_total")
    assert 4 == await stage.server.metric("channels")


async def test_client_resumes_in_its_channel_after_the_server_was_restarted(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    client = await stage.subscribe(query="channel=2")
    assert stage.at(1) == client.cursor
    await stage.make_and_see(2, channels=2)
    received = await client.receive(2)
    client.close()
    await stage.server.stop()
    await stage.make(3, channels=2)
    await stage.serve()

    client = await stage.subscribe(after=client.cursor, query="channel=2")
    received += await client.receive(3)
    assert [("2", seq) for seq in range(2, 7)] == places(received)


@pytest.mark.long
async def test_lost_feed_leaves_no_gap_in_any_channel(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    clients = [await stage.subscribe(query=f"channel={name}") for name in (1, 2)]
    for _ in range(3):
        stage.link.cut()
        await stage.server.until_health(503)
        await stage.make(2, channels=2)
        stage.link.mend()
        await stage.server.until_health(200, stage.head)

    for name, client in zip("12", clients, strict=True):
        assert [(name, seq) for seq in range(2, 8)] == places(await client.receive(6))


@pytest.mark.long
async def test_channel_goes_on_in_the_epoch_of_another_producer(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2, channels=2)
    client = await stage.subscribe(after=stage.at(1), query="channel=2")
    assert [("2", 2)] == places(await client.receive(1))
    await stage.restart_producer()
    stage.link.cut()
    stage.link.mend()
    await stage.server.until_health(200, stage.at(0))

    await stage.make_and_see(2, channels=2)
    assert [("2", 1), ("2", 2)] == places(await client.receive(2))


async def test_channel_whose_updates_were_dropped_is_known_to_a_new_server(stage: Stage) -> None:
    """The producer keeps two updates; those of the second channel are older."""
    await stage.restart_producer(keep_updates=2)
    await stage.make(3, channels=2)
    await stage.make(3)
    await stage.serve()

    client = await stage.subscribe(query="channel=2")
    assert stage.at(3) == client.cursor
    await stage.make_and_see(channels=2)
    assert [("2", 4)] == places(await client.receive(1))


async def test_channels_share_the_bound_of_what_is_kept(stage: Stage) -> None:
    """The oldest update of all is dropped first, so a quiet channel keeps its updates no longer than a busy one."""
    await stage.serve(keep_updates=4)
    await stage.make_and_see(2, channels=2)
    await stage.make_and_see(3)

    second, default = [await stage.subscribe(after=stage.at(0), query=query) for query in ("channel=2", "")]
    assert [("2", 2)] == places(await second.receive(1))
    assert [("", 1), ("", 2), ("", 3)] == places(await default.receive(3))


async def test_newest_update_is_that_of_the_channel(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(4, channels=2)
    await stage.make_and_see(3)

    client = await stage.subscribe(after=stage.at(1), query="channel=1&deliver=latest")
    assert [("1", 4)] == places(await client.receive(1))
    assert 2 == await stage.server.metric("superseded_total")


@pytest.mark.parametrize(
    ("name", "status", "line"),
    [
        ("3", 404, "there is no channel 3: name one of the producer's"),
        ("nobody", 404, "there is no channel nobody: name one of the producer's"),
        ("a%20b", 400, "channel must be 1 to 32 letters, digits, _ and -, got 'a b'"),
        ("x" * 33, 400, f"channel must be 1 to 32 letters, digits, _ and -, got '{'x' * 33}'"),
        ("1/2", 400, "channel must be 1 to 32 letters, digits, _ and -, got '1/2'"),
    ],
)
async def test_unknown_channel_is_refused_and_the_others_are_served(
    stage: Stage, name: str, status: int, line: str
) -> None:
    await stage.serve()
    await stage.make_and_see(channels=2)
    client = await stage.subscribe(query="channel=2")

    answer = await stage.server.ask(stage.request(f"channel={name}"))
    assert (status, f"{line}\n") == (answer.status, answer.body.decode())
    await stage.make_and_see(channels=2)
    assert [("2", 2)] == places(await client.receive(1))


async def test_feed_numbers_the_updates_of_all_channels_together(start: Start, follow: Follow) -> None:
    """A line begins with its number in the feed where that is not its seq; the first line names the channels."""
    producer = await start()
    for channels in (1, 2, 2, 1):
        await put(producer, SELDOM | {"channels": channels})
    feed = await follow(producer, after="0-0")

    heads, *lines = [await feed.line() for _ in range(7)]
    assert feed.cursor.endswith("-6")
    assert b'{"heads":{"":2,"1":2,"2":2}}\n' == heads
    assert [b"", b"2 ", b"3 ", b"4 ", b"5 ", b"6 "] == [line.partition(b"{")[0] for line in lines]
    updates = [Update.parse(line.partition(b" ")[2] or line) for line in lines]
    assert [("", 1), ("1", 1), ("2", 1), ("1", 2), ("2", 2), ("", 2)] == places(updates)
    resumed = await follow(producer, after=feed.cursor.replace("-6", "-4"))
    assert [heads, *lines[4:]] == [await resumed.line() for _ in range(3)]
