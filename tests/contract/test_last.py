"""last=K: a client starts with the K newest updates instead of the next one."""

from urllib.parse import quote

import pytest

from tests.contract.clients import HTTP_TRANSPORTS, STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS, Update
from tests.contract.deflating import NAME, offering
from tests.contract.frames import shake_hands
from tests.contract.stage import Stage

BAD_COUNTS = [
    "", "0", "-1", "+1", "x", "1.0", "1e1", "nan", "01", " 1", "1 ", "1_0", "0x1", "1000001", 400 * "1", 5000 * "9",
    "\N{ARABIC-INDIC DIGIT ONE}", "k3f9-17",
]  # fmt: skip
pushes = pytest.mark.parametrize("transport", [*STREAM_TRANSPORTS, *WEBSOCKET_TRANSPORTS])


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def test_client_starts_with_the_newest_update_and_continues_without_a_gap(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    client = await stage.subscribe(query="last=1")
    assert [5] == seqs(await client.receive(1))
    client.query = ""  # an asking client continues from its cursor
    await stage.make(2)
    assert [6, 7] == seqs(await client.receive(2))


@pytest.mark.parametrize("count", [1, 2, 4, 5])
async def test_client_starts_with_as_many_as_it_asks_for(stage: Stage, count: int) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    client = await stage.subscribe(query=f"last={count}")
    assert list(range(6 - count, 6)) == seqs(await client.receive(count))


async def test_client_that_asks_for_more_than_is_kept_starts_with_the_oldest_kept(stage: Stage) -> None:
    await stage.serve(keep_updates=3)
    await stage.make_and_see(6)
    client = await stage.subscribe(query="last=1000000")
    assert [4, 5, 6] == seqs(await client.receive(3))


async def test_client_that_comes_before_the_first_update_starts_with_it(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe(query="last=3")
    assert stage.at(0) == client.cursor
    client.query = ""
    await stage.make()
    assert [1] == seqs(await client.receive(1))


@pytest.mark.long
async def test_newest_updates_may_be_of_two_epochs(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    first = stage.head
    await stage.restart_producer()
    await stage.server.until_health(200, stage.head)
    await stage.make_and_see(2)
    assert first.partition("-")[0] != stage.head.partition("-")[0]
    for count, expected in ((1, [2]), (2, [1, 2]), (3, [3, 1, 2]), (4, [2, 3, 1, 2])):
        client = await stage.subscribe(query=f"last={count}")
        assert expected == seqs(await client.receive(count))


@pytest.mark.long
async def test_newest_of_an_epoch_without_updates_is_that_of_the_epoch_before(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    await stage.restart_producer()
    await stage.server.until_health(200, stage.head)
    client = await stage.subscribe(query="last=1")
    assert [3] == seqs(await client.receive(1))


@pushes
async def test_cursor_of_the_answer_lies_before_the_newest_updates(stage: Stage) -> None:
    """The connection may break before they have come: resumed there, none of them is lost."""
    await stage.serve()
    await stage.make_and_see(5)
    client = stage.client()
    client.query = "last=2"
    answer = await client.subscribe(stage.server.port)
    assert stage.at(3) == answer.cursor
    resumed = await stage.subscribe(after=answer.cursor)
    assert [4, 5] == seqs(await resumed.receive(2))


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_answer_has_the_newest_updates_at_once_and_their_cursor(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    answer = await (await stage.connect()).ask(stage.request("last=2&hold=60"))
    assert (200, stage.at(5)) == (answer.status, answer.cursor)


@pytest.mark.long
@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_answer_is_bounded_and_leads_to_the_rest(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(1_200)
    raw = await stage.connect()
    answer = await raw.ask(stage.request("last=1100"))
    assert (stage.at(1_100), True) == (answer.cursor, b'"more":true' in answer.body)
    assert stage.at(1_200) == (await raw.ask(stage.request(f"after={answer.cursor}"))).cursor


async def test_last_that_is_no_number_is_refused(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for last in BAD_COUNTS:
        answer = await raw.ask(stage.request(f"last={quote(last)}"))
        assert 400 == answer.status, last
        assert answer.line.startswith("last must be a whole number from 1 to 1,000,000, got ")


async def test_last_together_with_after_is_refused(stage: Stage) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(stage.request(f"last=1&after={stage.at(0)}"))
    assert (400, "last and after are two places to start from: give one of them") == (answer.status, answer.line)


async def test_latest_only_gets_the_newest_of_them(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    client = await stage.subscribe(query="last=3&deliver=latest")
    assert [5] == seqs(await client.receive(1))
    assert 2 == await stage.server.metric("superseded_total")


async def test_clients_of_the_next_update_are_served_beside(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    newest, following = await stage.subscribe(query="last=2"), await stage.subscribe()
    assert [2, 3] == seqs(await newest.receive(2))
    await stage.make()
    assert [4] == seqs(await following.receive(1))


@pytest.mark.parametrize("transport", ["polling"])
async def test_tag_counts_more_than_last(stage: Stage) -> None:
    """A client that polls conditionally asks for the same URL each time."""
    await stage.serve()
    await stage.make_and_see(3)
    raw = await stage.connect()
    first = await raw.ask(stage.request("last=1"))
    assert (200, f'"{stage.at(3)}"') == (first.status, first.headers["etag"])
    assert 304 == (await raw.ask(stage.request("last=1", f"If-None-Match: {first.headers['etag']}"))).status
    await stage.make_and_see(2)
    newer = await raw.ask(stage.request("last=1", f"If-None-Match: {first.headers['etag']}"))
    assert (200, 2) == (newer.status, newer.body.count(b'"seq"'))
    unknown = await raw.ask(stage.request("last=1", 'If-None-Match: "nonsense"'))
    assert (200, 1) == (unknown.status, unknown.body.count(b'"seq"'))


@pytest.mark.parametrize("transport", ["sse"])
async def test_last_event_id_counts_more_than_last(stage: Stage) -> None:
    """A browser reconnects to the same URL."""
    await stage.serve()
    await stage.make_and_see(4)
    raw = await stage.connect()
    await raw.send(stage.request("last=1", f"Last-Event-ID: {stage.at(2)}"))
    found = await raw.some()
    while b'"seq":4' not in found:
        found += await raw.some()
    assert [True, True] == [b'"seq":3' in found, b'"seq":2' not in found]


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
@pytest.mark.parametrize("deflate", ["shared", "per-client"])
async def test_compressed_clients_start_with_the_newest_too(stage: Stage, deflate: str) -> None:
    await stage.serve(deflate=deflate)
    await stage.make_and_see(3)
    for headers in ([offering(NAME)], []):
        peer = await shake_hands(stage, "last=1", *headers)
        assert bool(headers) == bool(peer.agreed)
        received = await peer.next()
        assert isinstance(received.payload, bytes)
        assert b'"seq":3' in received.payload
