"""Stopping: every client's connection is closed in its transport's own way."""

import asyncio

import pytest

from tests.contract.clients import HTTP_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.frames import CLOSE, TEXT, Received, close, shake_hands
from tests.contract.stage import Stage


async def test_server_with_clients_stops(stage: Stage) -> None:
    await stage.serve()
    clients = [await stage.subscribe() for _ in range(5)]
    stopping = asyncio.create_task(stage.server.stop())
    for client in clients:
        await client.raw.rest()
        assert client.raw.ended
        client.close()
    await stopping
    assert not stage.server.serves


async def test_server_that_never_had_a_feed_stops(stage: Stage) -> None:
    stage.link.cut()
    server = await stage.serve_soon()
    await server.stop()
    assert not server.serves


@pytest.mark.long
async def test_server_whose_clients_do_not_let_go_stops(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads nothing and closes nothing, and one in the middle of a request."""
    monkeypatch.setattr("services.fanout.CLOSING_SECONDS", 0.2)
    monkeypatch.setattr("services.host.STOP_SECONDS", 0.2)
    await stage.serve()
    await stage.subscribe()
    dawdler = await stage.connect()
    await dawdler.send(stage.request()[:20])
    await stage.server.stop()
    assert not stage.server.serves


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_idle_connection_is_closed(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    assert 204 == (await raw.ask(stage.request("hold=0"))).status
    await stage.server.stop()
    assert b"" == await raw.rest()


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_held_request_is_answered_empty_with_its_cursor(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    held = [await stage.connect() for _ in range(10)]
    for raw in held:
        await raw.send(stage.request("hold=60"))
    await stage.server.until_metric("held_requests", 10)
    await stage.server.stop()
    for raw in held:
        answer = await raw.answer()
        assert 204 == answer.status
        assert stage.at(2) == answer.cursor
        assert "close" == answer.headers["connection"]
        assert b"" == await raw.rest()


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_socket_is_closed_with_1001_after_all_updates(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await stage.make_and_see(3)
    stopping = asyncio.create_task(stage.server.stop())
    frames = await peer.rest()
    assert [TEXT, TEXT, TEXT] == [received.opcode for received in frames[:-1]]
    assert Received(CLOSE, 1001) == frames[-1]
    await peer.raw.send(close(1001))
    peer.raw.close()
    await stopping


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_socket_of_a_client_that_is_ahead_is_closed_with_1001_too(stage: Stage) -> None:
    """It waits for the server to reach its cursor."""
    await stage.serve()
    peer = await shake_hands(stage, f"after={stage.at(9)}")
    stopping = asyncio.create_task(stage.server.stop())
    assert [Received(CLOSE, 1001)] == await peer.rest()
    peer.raw.close()
    await stopping
