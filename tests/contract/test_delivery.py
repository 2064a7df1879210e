"""Delivery: every update, once, in order, in the contract's form, to every client."""

import asyncio
import json

import pytest

from tests.contract.clients import CLIENTS, split_batch
from tests.contract.raw import get
from tests.contract.stage import Stage
from wirerace.transports import TRANSPORTS


def test_every_transport_has_an_adapter() -> None:
    """A transport that is missing here was added without a client in tests/contract/clients.py."""
    assert set(TRANSPORTS) == set(CLIENTS)


@pytest.mark.long
async def test_client_gets_all_updates_once_and_in_order(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(200)
    received = await client.receive(200)
    assert list(range(1, 201)) == [update.seq for update in received]
    await stage.make()
    assert [201] == [update.seq for update in await client.receive(1)]


async def test_client_gets_updates_while_they_are_made(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    for seq in range(1, 11):
        await stage.make()
        assert [seq] == [update.seq for update in await client.receive(1)]


@pytest.mark.long
async def test_many_clients_get_the_same_update(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(100)]
    waiting = [asyncio.create_task(client.receive(1)) for client in clients]
    await stage.make()
    assert [1] * 100 == [received[0].seq for received in await asyncio.gather(*waiting)]
    assert 1 == len({client.encoded[0] for client in clients})
    assert 100 == await stage.server.metric("deliveries_total")


async def test_client_without_a_cursor_starts_at_the_next_update(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    client = await stage.subscribe()
    assert stage.at(3) == client.cursor
    await stage.make()
    assert [4] == [update.seq for update in await client.receive(1)]


async def test_updates_are_spelled_as_the_producer_spelled_them(stage: Stage) -> None:
    """The contract's form, byte by byte; sizes lie around the bounds of a frame's length."""
    sizes = [0, 1, 30, 60, 61, 62, 100, 125, 126, 1000, 65_400, 65_535, 65_536, 70_000]
    await stage.serve()
    client = await stage.subscribe()
    for payload_bytes in sizes:
        await stage.make(1, payload_bytes)
    updates = await client.receive(len(sizes))
    assert sizes == [len(update.data) for update in updates]
    fields = [{name: getattr(update, name) for name in ("epoch", "seq", "ts", "data")} for update in updates]
    spelled = [json.dumps(given, separators=(",", ":")).encode() for given in fields]
    assert spelled == client.encoded
    feed = await stage.connect(stage.producer)
    await feed.send(get(f"/feed?after={stage.at(0)}"))
    fed = b""
    while fed.count(b'"}\n') < len(sizes):
        fed += await feed.some()
    assert spelled == [line for line in fed.splitlines() if line.startswith(b"{")]


@pytest.mark.long
async def test_large_update_arrives_whole(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    await stage.make(1, payload_bytes=1_048_576)
    (update,) = await client.receive(1)
    assert 1_048_576 == len(update.data)


@pytest.mark.parametrize(
    ("body", "parts"),
    [(b'{"updates":[{"a":1}]}', [b'{"a":1}']), (b'{"updates":[{"a":1},{"b":[2]}]}', [b'{"a":1}', b'{"b":[2]}'])],
)
def test_adapter_takes_a_batch_apart(body: bytes, parts: list[bytes]) -> None:
    assert parts == split_batch(body)
