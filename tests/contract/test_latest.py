"""deliver=latest: a client that is behind gets the newest update, and no update is late because of older ones."""

import json

import pytest

from tests.contract.clients import HTTP_TRANSPORTS, STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS, Update
from tests.contract.deflating import NAME, offering
from tests.contract.frames import shake_hands
from tests.contract.stage import Stage

LATEST = "deliver=latest"
PAYLOAD_BYTES = 65_536
MOST_UNREAD = 1_200  # 75 MiB: more than the receive buffer of a kernel may grow to, which is 6 or 32 MiB
"""Updates of that size are more than the kernel buffers at both ends."""
pushes = pytest.mark.parametrize("transport", [*STREAM_TRANSPORTS, *WEBSOCKET_TRANSPORTS])


def seqs(updates: list[Update]) -> list[int]:
    return [update.seq for update in updates]


async def test_client_that_resumes_gets_the_newest_update_and_then_every_one(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(5)
    client = await stage.subscribe(after=stage.at(0), query=LATEST)

    assert [5] == seqs(await client.receive(1))
    for number in (6, 7, 8):
        await stage.make_and_see()
        assert [number] == seqs(await client.receive(1))
    metrics = await stage.server.metrics()
    assert 4 == metrics["wirerace_superseded_total"]
    assert 4 == metrics["wirerace_deliveries_total"]


async def test_client_that_has_everything_is_not_behind(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    fresh, ahead = await stage.subscribe(query=LATEST), await stage.subscribe(after=stage.at(2), query=LATEST)
    await stage.make_and_see()

    assert [[3], [3]] == [seqs(await client.receive(1)) for client in (fresh, ahead)]
    assert 0 == await stage.server.metric("superseded_total")


async def test_clients_of_all_updates_are_served_beside(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    latest, every = [await stage.subscribe(after=stage.at(0), query=query) for query in (LATEST, "deliver=all")]

    assert [1, 2, 3] == seqs(await every.receive(3))
    assert [3] == seqs(await latest.receive(1))


async def test_latest_of_another_epoch_is_the_newest_update(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe(after="other-7", query=LATEST)

    assert [3] == seqs(await client.receive(1))


@pytest.mark.parametrize("deliver", ["newest", "", "LATEST", "latest%20"])
async def test_other_word_is_refused(stage: Stage, deliver: str) -> None:
    await stage.serve()
    raw = await stage.connect()
    answer = await raw.ask(stage.request(f"deliver={deliver}"))

    assert 400 == answer.status
    assert answer.line.startswith("deliver must be all or latest, got")
    other = await stage.subscribe()
    await stage.make()
    assert [1] == seqs(await other.receive(1))


@pytest.mark.long
@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_answer_has_one_update_and_the_newest_cursor(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(1_500)
    raw = await stage.connect()
    answer = await raw.ask(stage.request(f"after={stage.at(0)}&{LATEST}"))

    assert (200, stage.at(1_500)) == (answer.status, answer.cursor)
    assert b'"more"' not in answer.body, "nothing is left out that the client could ask for"


@pushes
@pytest.mark.long
async def test_client_that_does_not_read_is_behind_and_not_cut_off(stage: Stage) -> None:
    """What waits for it stays one update: the next one that it gets is the newest."""
    await stage.serve(high_water_bytes=PAYLOAD_BYTES // 2)
    slow, other = await stage.subscribe(query=LATEST), await stage.subscribe()
    made = 0
    while 0 == await stage.server.metric("waiting_bytes"):
        await stage.make_and_see(1, PAYLOAD_BYTES)
        made += 1
        assert [made] == seqs(await other.receive(1))
        assert made < MOST_UNREAD, "a client that does not read should be behind"
    await stage.make_and_see(20, 10)
    assert 2 * PAYLOAD_BYTES > await stage.server.metric("waiting_bytes")

    found: list[int] = []
    while not found or found[-1] < made + 20:
        found += seqs(await slow.receive(1))
    metrics = await stage.server.metrics()
    assert sorted(set(found)) == found
    assert made + 20 - len(found) == metrics["wirerace_superseded_total"]
    assert 0 == metrics["wirerace_slow_readers_total"]
    await stage.make_and_see()
    assert [made + 21] == seqs(await slow.receive(1))


@pushes
@pytest.mark.long
async def test_client_that_never_reads_is_cut_off_in_the_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 0.2)
    await stage.serve()
    await stage.subscribe(query=LATEST)
    for _ in range(MOST_UNREAD):
        await stage.make_and_see(1, PAYLOAD_BYTES)
        if await stage.server.metric("slow_readers_total"):
            break
    await stage.server.until_metric("slow_readers_total", 1)


@pushes
async def test_client_that_leaves_while_it_waits_is_forgotten(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe(query=LATEST) for _ in range(3)]
    clients[0].abort()
    await stage.make_and_see(2)
    clients[1].abort()
    await stage.make_and_see()

    await stage.server.until_metric("clients", 1)
    assert 3 == seqs(await clients[2].receive(3))[-1]


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_batch_brings_its_newest_update_only(stage: Stage) -> None:
    await stage.serve(batch_seconds=0.2)
    latest = await stage.connect()
    await latest.ask(stage.request(LATEST))
    await stage.make_and_see(3)

    assert b'"seq":3' in await latest.some()
    metrics = await stage.server.metrics()
    assert (1, 2) == (metrics["wirerace_deliveries_total"], metrics["wirerace_superseded_total"])


@pytest.mark.long
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
@pytest.mark.parametrize("batch_seconds", [0.0, 0.1])
@pytest.mark.parametrize("deflate", ["shared", "per-client"])
async def test_compressed_clients_get_the_latest_too(stage: Stage, deflate: str, batch_seconds: float) -> None:
    """Beside plain ones, each in its form."""
    await stage.serve(deflate=deflate, batch_seconds=batch_seconds)
    await stage.make_and_see(3)
    query = f"after={stage.at(0)}&{LATEST}"
    compressed, plain = await shake_hands(stage, query, offering(NAME)), await shake_hands(stage, query)
    assert (True, False) == (bool(compressed.agreed), bool(plain.agreed))
    for number in (3, 4, 5):
        for peer in (compressed, plain):
            received = await peer.next()
            assert isinstance(received.payload, bytes)
            found = json.loads(received.payload)
            assert number == (found[0] if batch_seconds else found)["seq"]
        await stage.make_and_see()
    metrics = await stage.server.metrics()
    assert 4 <= metrics["wirerace_superseded_total"]
