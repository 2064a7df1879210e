"""Cursors: every answer has one, and each leads to the right update."""

from tests.contract.clients import Update
from tests.contract.stage import Stage


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def test_first_answer_carries_a_cursor_before_any_update(stage: Stage) -> None:
    await stage.serve()
    answer = await stage.client().subscribe(stage.server.port)
    assert stage.at(0) == answer.cursor


async def test_every_answer_carries_a_cursor_that_leads_on_from_it(stage: Stage) -> None:
    """Each cursor leads to the update after it when a client sends it back unchanged."""
    await stage.serve()
    client = await stage.subscribe()
    given = [client.cursor]
    for _ in range(4):
        await stage.make()
        await client.receive(1)
        given.append(client.cursor)
    assert [stage.at(seq) for seq in range(5)] == given
    for seq, cursor in enumerate(given[:-1]):
        resumed = await stage.subscribe(after=cursor)
        assert list(range(seq + 1, 5)) == seqs(await resumed.receive(4 - seq))


async def test_cursor_of_an_answer_claims_nothing_that_was_not_given(stage: Stage) -> None:
    """A client whose connection breaks right after its first answer reconnects with that answer's cursor."""
    await stage.serve()
    await stage.make_and_see(5)
    for after, oldest in ((stage.at(2), 3), ("nosuchepoch-2", 1)):
        client = stage.client(after)
        answer = await client.subscribe(stage.server.port)
        received = [] if answer.status == 101 else await client.receive(len(client.encoded))
        client.abort()
        resumed = await stage.subscribe(after=answer.cursor)
        await stage.make_and_see()
        newest = int(stage.head.partition("-")[2])
        received += await resumed.receive(newest + 1 - oldest - len(received))
        assert list(range(oldest, newest + 1)) == seqs(received)


async def test_cursor_at_the_head_leads_to_the_next_update(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    client = await stage.subscribe(after=stage.head)
    assert stage.at(2) == client.cursor
    await stage.make()
    assert [3] == seqs(await client.receive(1))


async def test_cursor_of_an_unknown_epoch_leads_to_the_oldest_kept(stage: Stage) -> None:
    await stage.serve(keep_updates=3)
    await stage.make_and_see(5)
    client = await stage.subscribe(after="nosuchepoch-4")
    await stage.make()
    assert [3, 4, 5, 6] == seqs(await client.receive(4))


async def test_cursor_older_than_what_is_kept_leads_to_the_oldest_kept(stage: Stage) -> None:
    """The client sees the gap in `seq`."""
    await stage.serve(keep_updates=3)
    await stage.make_and_see(6)
    client = await stage.subscribe(after=stage.at(1))
    assert [4, 5, 6] == seqs(await client.receive(3))


async def test_cursor_just_before_the_oldest_kept_loses_nothing(stage: Stage) -> None:
    await stage.serve(keep_updates=3)
    await stage.make_and_see(6)
    client = await stage.subscribe(after=stage.at(3))
    assert [4, 5, 6] == seqs(await client.receive(3))


async def test_server_keeps_no_more_bytes_than_it_may(stage: Stage) -> None:
    await stage.serve(keep_bytes=3500)
    await stage.make_and_see(6, payload_bytes=1000)
    client = await stage.subscribe(after=stage.at(0))
    assert [4, 5, 6] == seqs(await client.receive(3))


async def test_server_keeps_one_update_that_is_larger_than_all_it_may_keep(stage: Stage) -> None:
    await stage.serve(keep_bytes=10)
    await stage.make_and_see(2, payload_bytes=1000)
    client = await stage.subscribe(after=stage.at(0))
    assert [2] == seqs(await client.receive(1))


async def test_cursor_ahead_of_the_server_gets_nothing_until_the_server_is_past_it(stage: Stage) -> None:
    """The client keeps its own cursor: it has more than this server."""
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe(after=stage.at(5))
    assert stage.at(5) == client.cursor
    await stage.make(4)
    assert [6, 7] == seqs(await client.receive(2))


async def test_cursor_far_ahead_is_no_cursor_of_another_epoch(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe(after=stage.at(10**18 - 1))
    assert stage.at(10**18 - 1) == client.cursor
    assert [] == client.encoded


async def test_last_of_two_cursors_counts(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe(after=f"{stage.at(0)}&after={stage.at(2)}")
    assert [3] == seqs(await client.receive(1))


async def test_cursor_may_be_percent_encoded(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe(after=stage.at(2).replace("-", "%2D"))
    assert [3] == seqs(await client.receive(1))
