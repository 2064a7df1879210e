"""Unused connections: unfinished requests, silence, vanished peers. Held requests are none of them."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from services.connection import ServerConnection
from services.fast import FastConnection
from tests.contract.clients import STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.frames import CLOSE, PING, PONG, TEXT, Received, frame, shake_hands
from tests.contract.raw import get
from tests.contract.stage import Stage

pytestmark = pytest.mark.long


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"REQUEST_SECONDS": 0.3, "BODY_SECONDS": 0.6}.items():
        monkeypatch.setattr(f"services.connection.{name}", seconds)
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("services.incoming.MESSAGE_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
async def test_request_that_is_not_whole_in_time_is_refused_and_one_that_is_held_is_not(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    raw = await stage.connect()
    await raw.send(get("/health")[:-1])
    assert 408 == (await raw.answer()).status
    assert b"" == await raw.rest()
    assert 1 == await stage.server.metric("request_timeouts_total")
    await stage.make(1)
    assert [1] == [update.seq for update in await client.receive(1)]


@pytest.mark.usefixtures("impatient")
async def test_silent_connection_is_closed_without_an_answer(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    assert b"" == await raw.rest()


@pytest.mark.usefixtures("impatient")
async def test_second_request_has_as_much_time_as_the_first(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    assert 200 == (await raw.ask(get("/health"))).status
    await asyncio.sleep(0.5)  # idle is not late
    assert 200 == (await raw.ask(get("/health"))).status
    await raw.send(b"GET ")
    assert 408 == (await raw.answer()).status


@pytest.mark.usefixtures("impatient")
async def test_body_that_is_not_whole_in_time_is_refused(stage: Stage) -> None:
    raw = await stage.connect(stage.producer)
    await raw.send(get("/schedule", method="PUT", body=b"{}")[:-1])
    assert 408 == (await raw.answer()).status
    assert b"" == await raw.rest()


async def test_idle_connection_is_closed_after_its_keep_alive(stage: Stage) -> None:
    await stage.serve(keep_alive_seconds=0.2)
    raw = await stage.connect()
    assert 200 == (await raw.ask(get("/health"))).status
    assert b"" == await raw.rest()


async def test_kernel_looks_for_peers_that_have_vanished(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is two hours, and no peer can vanish on loopback, so the test reads the options.

    They are those of every connection that is open: the client's, and the server's at the producer.
    """
    found: list[socket.socket] = []

    def noting(connection_made: Callable[..., None]) -> Callable[..., None]:
        def made(connection: asyncio.Protocol, transport: asyncio.Transport) -> None:
            connection_made(connection, transport)
            found.append(transport.get_extra_info("socket"))

        return made

    for kind in (ServerConnection, FastConnection):
        monkeypatch.setattr(kind, "connection_made", noting(kind.connection_made))
    await stage.serve()
    raw = await stage.connect()
    assert 200 == (await raw.ask(get("/health"))).status
    streams = [stream for stream in found if stream.fileno() >= 0]
    assert streams[-1:] == found[-1:], "the client's is open"
    for stream in streams:
        check_probes(stream)


def check_probes(stream: socket.socket) -> None:
    assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    probes = [getattr(socket, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")]
    assert [30, 10, 3, 60_000] == [stream.getsockopt(socket.IPPROTO_TCP, name) for name in probes]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
@pytest.mark.parametrize("data", [b"\x81", frame(TEXT, b"a", final=False)], ids=["half a frame", "half a message"])
async def test_message_that_is_not_whole_in_time_ends_the_connection(stage: Stage, data: bytes) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(data)
    assert Received(CLOSE, 1008) == (await peer.rest())[-1]
    assert 1 == await stage.server.metric("request_timeouts_total")


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_client_that_answers_no_ping_is_cut_off_and_one_that_does_is_not(stage: Stage) -> None:
    await stage.serve(ping_interval_seconds=0.1)
    silent, good = await shake_hands(stage), await shake_hands(stage)

    async def answer() -> None:
        while True:
            if (await good.next()).opcode == PING:
                await good.raw.send(frame(PONG))

    answering = asyncio.create_task(answer())
    received = await silent.rest()
    assert [PING, PING] == [message.opcode for message in received[:-1]]
    assert Received(CLOSE, 1008) == received[-1]
    assert 1 == await stage.server.metric("ping_timeouts_total")
    await stage.server.until_metric("clients", 1)
    answering.cancel()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("transport", STREAM_TRANSPORTS)
async def test_body_that_never_comes_leaves_a_stream_alone(stage: Stage) -> None:
    """Nothing else may be written into an answer that has begun."""
    await stage.serve()
    raw = await stage.connect()
    answer = await raw.ask(stage.request("", "Content-Length: 10"))
    assert 200 == answer.status
    await asyncio.sleep(1.0)
    await stage.make()

    assert b"408" not in await raw.some()
    assert 0 == await stage.server.metric("request_timeouts_total")
