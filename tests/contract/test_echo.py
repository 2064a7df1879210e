"""/echo: every message comes back as it came, to the limit. Its clients are in no figure of the deliveries."""

import asyncio
import re
import struct
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.contract.clients import HANDSHAKE
from tests.contract.deflating import ALL_OFFERS, COMPRESSED, MODES, offering
from tests.contract.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Peer,
    Received,
    close,
    echoing,
    fragments,
    frame,
)
from tests.contract.raw import get
from tests.contract.stage import Stage
from tests.wirerace.wire.framing import splits_of

pytestmark = pytest.mark.parametrize("transport", ["websocket"])

ROOT = Path(__file__).parents[2]
MIB = 1 << 20


@st.composite
def sent_messages(draw: st.DrawFn) -> tuple[Received, bytes]:
    """Draw a message, and the bytes of a client that sends it, in one or more fragments."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    payload = draw(st.text(max_size=60).map(str.encode) if opcode == TEXT else st.binary(max_size=300))
    return Received(opcode, payload), fragments(opcode, *draw(splits_of(payload)))


@pytest.mark.long
@given(st.lists(sent_messages(), max_size=6), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_messages_in_any_fragments_and_pieces_come_back_equal_and_in_order(
    stage: Stage, sent: list[tuple[Received, bytes]], data: st.DataObject
) -> None:
    if not hasattr(stage, "server"):  # one server for all inputs
        await stage.serve()
    peer = await echoing(stage)
    for piece in data.draw(splits_of(b"".join(encoded for _, encoded in sent))):
        await peer.raw.send(piece)
        await asyncio.sleep(0)
    assert [message for message, _ in sent] == [await peer.next() for _ in sent]
    peer.raw.abort()


@pytest.mark.long
async def test_client_needs_no_feed_and_gets_no_updates(stage: Stage) -> None:
    """Nothing comes but its own messages, and no cursor, because there is nothing to resume."""
    stage.link.cut()
    await stage.serve_soon(ping_interval_seconds=0.02)
    raw = await stage.connect()
    answer = await raw.ask(get("/echo", *HANDSHAKE))
    assert 101 == answer.status
    assert "wirerace-cursor" not in answer.headers
    stage.link.mend()
    await stage.server.until_health(200)
    await stage.make_and_see(3)
    await stage.server.until_metric("updates_total", 3)
    assert Received(TEXT, b"mine") == await Peer(raw).ask(frame(TEXT, b"mine"))


async def test_message_that_comes_with_the_handshake_comes_back(stage: Stage) -> None:
    await stage.serve()
    early = frame(TEXT, b"early") + frame(BINARY, b"later")
    peer = await echoing(stage, behind=early[:-2])
    assert Received(TEXT, b"early") == await peer.next()
    assert Received(BINARY, b"later") == await peer.ask(early[-2:])


@pytest.mark.parametrize("options", [{"max_echo_bytes": 1000}, {}], ids=["1,000 bytes", "default"])
@pytest.mark.parametrize("first", [(), (b"", b"x" * 300)], ids=["whole", "in fragments"])
async def test_largest_message_comes_back_and_a_larger_one_closes(
    stage: Stage, options: dict[str, int], first: tuple[bytes, ...]
) -> None:
    """The limit of /ws is another one."""
    largest = b"x" * options.get("max_echo_bytes", MIB)
    rest = largest[sum(map(len, first)) :]
    await stage.serve(max_message_bytes=200, **options)
    peer = await echoing(stage)
    assert Received(BINARY, largest) == await peer.ask(fragments(BINARY, *first, rest))
    await peer.raw.send(fragments(BINARY, *first, rest + b"x"))
    assert [Received(CLOSE, 1009)] == await peer.rest()


async def test_message_above_the_limit_is_refused_at_its_head(stage: Stage) -> None:
    await stage.serve()
    peer = await echoing(stage)
    await peer.raw.send(frame(BINARY, length=b"\x7f" + struct.pack("!Q", MIB + 1)))
    assert [Received(CLOSE, 1009)] == await peer.rest()


@pytest.mark.parametrize("mode", ["off", *MODES])
async def test_compression_is_declined(stage: Stage, mode: str) -> None:
    """A round trip is one of the transport, not of zlib."""
    await stage.serve(deflate=mode)
    peer = await echoing(stage, offering(ALL_OFFERS))
    assert "" == peer.agreed
    assert Received(TEXT, b"plain") == await peer.ask(frame(TEXT, b"plain"))
    assert Received(CLOSE, 1002) == await peer.ask(frame(TEXT, b"x", reserved=COMPRESSED))


async def test_clients_of_other_makes_get_back_what_they_send(stage: Stage) -> None:
    await stage.serve()
    url = f"ws://127.0.0.1:{stage.server.port}/echo"
    async with connect(url) as client:
        for message in ("", "hello, wörld €", b"", bytes(range(256)), "x" * MIB):
            await client.send(message)
            assert message == await client.recv()
        await client.send(["in ", "three ", "fragments"])
        assert "in three fragments" == await client.recv()
        await (await client.ping(b"?"))
        await client.close(4321, "bye")
        assert 4321 == client.close_code
    async with connect(url) as client:
        await client.send("x" * (MIB + 1))
        with pytest.raises(ConnectionClosedError, match="1009"):
            await client.recv()
    async with aiohttp.ClientSession() as session, session.ws_connect(url, compress=15) as socket:
        await socket.send_str("ä")
        assert "ä" == await socket.receive_str()


@pytest.mark.long
async def test_program_of_the_documents_measures_a_round_trip(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/driving.md").read_text("utf-8"), re.DOTALL)
    await stage.serve()
    assert "ws://127.0.0.1:8003/echo" in program
    await asyncio.to_thread(exec, program.replace(":8003", f":{stage.server.port}"), {})
    assert re.fullmatch(r"median round trip: [0-9]+ µs\n", capsys.readouterr().out)


UNTOUCHED = (
    "clients",
    "deliveries_total",
    "payload_bytes_total",
    "received_bytes_total",
    "sent_bytes_total",
    "heartbeat_bytes_total",
    "slow_readers_total",
    "request_timeouts_total",
    "floods_total",
    'responses_total{outcome="data"}',
    'responses_total{outcome="empty"}',
    'responses_total{outcome="error"}',
)


async def test_clients_are_counted_apart_from_those_of_the_deliveries(stage: Stage) -> None:
    """To the byte, handshakes and pongs included."""
    await stage.serve()
    peers = [await echoing(stage) for _ in range(2)]
    for peer in peers:
        assert Received(TEXT, b"x" * 100) == await peer.ask(frame(PONG, b"unasked") + frame(TEXT, b"x" * 100))
    assert 2 == await stage.server.metric("echo_clients")
    await peers[0].raw.send(close(1000))
    await peers[1].raw.send(frame(TEXT, b"\xff"))
    for peer in peers:
        await peer.rest()
        peer.raw.close()
    assert 426 == (await stage.server.get("/echo")).status
    await stage.server.until_metric("echo_clients", 0)
    metrics = await stage.server.metrics()
    assert dict.fromkeys(UNTOUCHED, 0.0) == {name: metrics[f"wirerace_{name}"] for name in UNTOUCHED}
    assert 2 == metrics["wirerace_echo_messages_total"]
    assert 1 == metrics["wirerace_echo_errors_total"]
    pongs_bytes = 2 * len(frame(PONG, b"unasked"))
    assert pongs_bytes == metrics["wirerace_echo_heartbeat_bytes_total"]
    assert sum(peer.raw.sent_bytes for peer in peers) - pongs_bytes == metrics["wirerace_echo_received_bytes_total"]
    assert sum(peer.raw.received_bytes for peer in peers) == metrics["wirerace_echo_sent_bytes_total"]


async def test_stop_closes_with_1001_after_all_that_came(stage: Stage) -> None:
    await stage.serve()
    peer = await echoing(stage)
    assert Received(PONG, b"") == await peer.ask(frame(TEXT, b"begun", final=False) + frame(PING))
    stopping = asyncio.create_task(stage.server.stop())
    assert [Received(CLOSE, 1001)] == await peer.rest()
    peer.raw.close()
    await stopping


async def test_client_that_ends_its_sending_side_has_left(stage: Stage) -> None:
    await stage.serve()
    peer = await echoing(stage)
    await peer.raw.send(frame(TEXT, b"the last one"))
    peer.raw.end_sending()
    assert [Received(TEXT, b"the last one")] == await peer.rest()
    await stage.server.until_metric("echo_clients", 0)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 405), ("POST", 405), ("OPTIONS", 405)])
async def test_other_methods_are_refused(stage: Stage, method: str, status: int) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get("/echo", method=method))
    answer = await raw.answer(to_head=method == "HEAD")
    assert (status, "GET") == (answer.status, answer.headers["allow"])
