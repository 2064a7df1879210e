"""/echo under pressure: many messages cost no memory and no other client, whether their sender reads or not."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from services.connection import ServerConnection
from tests.contract.frames import BINARY, CLOSE, PING, PONG, TEXT, Peer, Received, close, echoing, fragments, frame
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", ["websocket"])

MIB = 1 << 20
MESSAGE_BYTES = 65_536
KERNEL_BYTES = 16 * MIB
"""More than Linux buffers in both directions of a connection on which nobody reads."""
STALL_SECONDS = 0.5
"""A server that takes nothing for that long has stopped reading."""


@pytest.fixture
def kept_bytes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that reads the most that has waited in the server for one client so far."""
    most = [0]

    def received(connection: ServerConnection, data: bytes) -> None:
        data_received(connection, data)
        if connection.transport is not None:
            most[0] = max(most[0], connection.transport.get_write_buffer_size())

    data_received = ServerConnection.data_received
    monkeypatch.setattr(ServerConnection, "data_received", received)
    return lambda: most[0]


async def fill(peer: Peer, data: bytes) -> int:
    """Send, and read nothing, until the server takes no more; return the number of times that all of it was sent."""
    count = 0
    with contextlib.suppress(TimeoutError):
        while peer.raw.sent_bytes < KERNEL_BYTES + 4 * MIB:
            async with asyncio.timeout(STALL_SECONDS):
                count += 1
                await peer.raw.send(data)
    return count


@pytest.mark.long
async def test_server_reads_no_more_from_a_client_that_does_not_read(
    stage: Stage, kept_bytes: Callable[[], int]
) -> None:
    """What it has sent comes back when it reads again, all of it, although that takes longer than a message may."""
    await stage.serve()
    peer, other = await echoing(stage), await echoing(stage)
    count = await fill(peer, frame(BINARY, b"x" * MESSAGE_BYTES))
    assert peer.raw.sent_bytes < KERNEL_BYTES
    assert kept_bytes() < 8 * MESSAGE_BYTES
    assert Received(TEXT, b"other") == await other.ask(frame(TEXT, b"other"))
    for _ in range(count):
        assert Received(BINARY, b"x" * MESSAGE_BYTES) == await peer.next()
    assert Received(PONG, b"") == await peer.ask(frame(PING))


@pytest.mark.long
async def test_client_that_does_not_read_is_cut_off_and_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 0.5)
    monkeypatch.setattr("services.fanout.CLOSING_SECONDS", 60.0)  # it reads the rest, however slow the machine is
    await stage.serve()
    peer, other, listener = await echoing(stage), await echoing(stage), await stage.subscribe()
    await fill(peer, frame(BINARY, b"x" * MESSAGE_BYTES))
    await stage.server.until_metric("echo_slow_readers_total", 1)
    assert 0 == await stage.server.metric("slow_readers_total")
    received = await peer.rest()
    assert Received(CLOSE, 1008) == received[-1]
    assert {Received(BINARY, b"x" * MESSAGE_BYTES)} == set(received[:-1])
    assert Received(TEXT, b"other") == await other.ask(frame(TEXT, b"other"))
    await stage.make()
    assert [1] == [update.seq for update in await listener.receive(1)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("one", "answer"),
    [
        (frame(PING), Received(PONG, b"")),
        (frame(TEXT, b"x"), Received(TEXT, b"x")),
        (frame(BINARY), Received(BINARY, b"")),
    ],
    ids=["pings", "messages of one byte", "messages of nothing"],
)
async def test_frames_that_come_as_fast_as_they_can_are_all_answered(
    stage: Stage, one: bytes, answer: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On /ws they are a flood, because no client needs to send there. Others have their turn between portions."""
    monkeypatch.setattr("services.echo.PORTION_BYTES", 1024)  # more than 100 portions
    await stage.serve()
    peer, other = await echoing(stage), await echoing(stage)
    peer.raw.post(one * 20_000)
    turns = 0
    answers = asyncio.create_task(first(peer, 20_000))
    while not answers.done():
        assert Received(PONG, b"?") == await other.ask(frame(PING, b"?"))
        turns += 1
    assert {answer} == set(answers.result())
    assert turns > 20


@pytest.mark.long
@pytest.mark.parametrize(("size_bytes", "pieces"), [(16 * MIB, 1), (4 * MIB, 65_536)])
async def test_largest_messages_of_the_autobahn_test_suite_come_back(
    stage: Stage, size_bytes: int, pieces: int
) -> None:
    """Its cases 9.1.6 and 9.3.1."""
    await stage.serve(max_echo_bytes=16 * MIB)
    peer, payload = await echoing(stage), b"BAsd7&jh" * (size_bytes // 8)
    size = size_bytes // pieces
    peer.raw.post(fragments(TEXT, *(payload[start : start + size] for start in range(0, size_bytes, size))))
    assert Received(TEXT, payload) == await peer.next()


async def first(peer: Peer, count: int) -> list[Received]:
    return [await peer.next() for _ in range(count)]


async def test_bytes_after_a_close_are_not_kept(stage: Stage, kept_bytes: Callable[[], int]) -> None:
    await stage.serve()
    peer = await echoing(stage)
    await peer.raw.send(close(1000) + frame(BINARY, b"x" * MIB))
    assert [Received(CLOSE, 1000)] == await peer.rest()
    assert kept_bytes() < MESSAGE_BYTES
    await stage.server.until_metric("echo_clients", 1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("services.incoming.MESSAGE_SECONDS", 0.3)


@pytest.mark.long
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("data", [b"\x81", frame(TEXT, b"a", final=False), frame(TEXT, b"abc")[:-1]], ids=len)
async def test_message_that_is_not_whole_in_time_ends_the_connection(stage: Stage, data: bytes) -> None:
    await stage.serve()
    peer = await echoing(stage)
    await peer.raw.send(data)
    assert [Received(CLOSE, 1008)] == await peer.rest()
    assert 1 == await stage.server.metric("echo_request_timeouts_total")


@pytest.mark.long
@pytest.mark.usefixtures("impatient")
async def test_message_is_not_late_while_the_server_does_not_read_it(stage: Stage) -> None:
    await stage.serve()
    peer = await echoing(stage)
    count = await fill(peer, frame(BINARY, b"x" * MESSAGE_BYTES))
    await asyncio.sleep(1.0)
    assert 0 == await stage.server.metric("echo_request_timeouts_total")
    for _ in range(count):
        assert BINARY == (await peer.next()).opcode
