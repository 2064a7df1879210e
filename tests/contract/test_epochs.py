"""Epochs: a producer that starts again begins one, and clients receive all of the old and all of the new one."""

import pytest

from tests.contract.clients import Update
from tests.contract.stage import Stage

pytestmark = pytest.mark.long


def keys(updates: list[Update]) -> list[tuple[str, int]]:
    return [(update.epoch, update.seq) for update in updates]


def epoch_of(stage: Stage) -> str:
    return stage.head.partition("-")[0]


async def test_connected_client_receives_the_new_epoch_from_its_first_update(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(2)
    old, received = epoch_of(stage), await client.receive(2)
    await stage.restart_producer()
    await stage.make(2)
    received += await client.receive(2)
    new = epoch_of(stage)
    assert old != new
    assert [(old, 1), (old, 2), (new, 1), (new, 2)] == keys(received)
    assert stage.head == client.cursor


async def test_client_that_was_away_gets_the_rest_of_the_old_epoch_and_then_the_new(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(4)
    old, cursor = epoch_of(stage), stage.at(2)
    await stage.restart_producer()
    await stage.make(2)
    new = epoch_of(stage)
    client = await stage.subscribe(after=cursor)
    assert [(old, 3), (old, 4), (new, 1), (new, 2)] == keys(await client.receive(4))


async def test_cursor_names_the_new_epoch_before_its_first_update(stage: Stage) -> None:
    """The answer says that the producer is another one, which has made nothing yet."""
    await stage.serve()
    await stage.make_and_see(2)
    known = stage.head
    assert known == (await stage.client().subscribe(stage.server.port)).cursor
    await stage.restart_producer()
    await stage.server.until_health(200, stage.head)
    assert stage.at(0) == stage.head
    assert stage.head == (await stage.client().subscribe(stage.server.port)).cursor
    client = await stage.subscribe(after=known)
    await stage.make()
    assert [(epoch_of(stage), 1)] == keys(await client.receive(1))


async def test_cursor_before_the_first_update_of_a_new_epoch_leads_to_it(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    await stage.restart_producer()
    await stage.server.until_health(200, stage.head)
    client = await stage.subscribe(after=stage.at(0))
    await stage.make(2)
    assert [(epoch_of(stage), 1), (epoch_of(stage), 2)] == keys(await client.receive(2))


async def test_cursor_ahead_in_an_epoch_that_has_ended_leads_to_the_new_epoch(stage: Stage) -> None:
    """The client had more of the old epoch than this server ever got."""
    await stage.serve()
    await stage.make_and_see(2)
    cursor = stage.at(7)
    await stage.restart_producer()
    await stage.make_and_see(2)
    client = await stage.subscribe(after=cursor)
    assert [(epoch_of(stage), 1), (epoch_of(stage), 2)] == keys(await client.receive(2))


async def test_client_that_is_ahead_when_the_epoch_ends_receives_the_new_epoch(stage: Stage) -> None:
    """It waits for updates that this server never gets, and receives the new epoch all the same."""
    await stage.serve()
    await stage.make_and_see(2)
    client = await stage.subscribe(after=stage.at(7))
    await stage.restart_producer()
    await stage.make(2)
    assert [(epoch_of(stage), 1), (epoch_of(stage), 2)] == keys(await client.receive(2))


async def test_server_that_was_started_after_the_epoch_ended_gives_the_new_one_from_its_start(stage: Stage) -> None:
    await stage.make(3)
    cursor = stage.at(2)
    await stage.restart_producer()
    await stage.make(2)
    await stage.serve()
    client = await stage.subscribe(after=cursor)
    assert [(epoch_of(stage), 1), (epoch_of(stage), 2)] == keys(await client.receive(2))


@pytest.mark.long
async def test_updates_of_three_epochs_come_in_order(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    cursor, expected = stage.at(0), [(epoch_of(stage), 1), (epoch_of(stage), 2)]
    for _ in range(2):
        await stage.restart_producer()
        await stage.make_and_see(2)
        expected += [(epoch_of(stage), 1), (epoch_of(stage), 2)]
    client = await stage.subscribe(after=cursor)
    assert expected == keys(await client.receive(6))
