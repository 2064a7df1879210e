"""WebSocket, the frames: the answers to a client that follows RFC 6455, and to one that does not."""

import struct

import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NO_MESSAGE,
    NO_TEXT,
    PING,
    PONG,
    TEXT,
    Peer,
    Received,
    close,
    fragments,
    frame,
    refusal_in,
    shake_hands,
)
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)


async def still_served(stage: Stage, peer: Peer) -> bool:
    """Return whether a ping is answered and the next update delivered."""
    pong = await peer.ask(frame(PING, b"?"))
    await stage.make()
    update = await peer.next()
    return pong == Received(PONG, b"?") and update.opcode == TEXT


@pytest.mark.parametrize("payload", [b"", b"x", b"\x00\xff" * 62 + b"!"], ids=len)
async def test_ping_is_answered_with_its_payload(stage: Stage, payload: bytes) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    assert Received(PONG, payload) == await peer.ask(frame(PING, payload))
    assert await still_served(stage, peer)


MESSAGES = {
    "text": frame(TEXT, b"hello"),
    "text beyond ASCII": frame(TEXT, "héllo, wörld €".encode()),
    "no text": frame(TEXT),
    "binary": frame(BINARY, bytes(range(256))),
    "no bytes": frame(BINARY),
    "the largest message": frame(BINARY, b"x" * 65_536),
    "fragments": fragments(TEXT, b"one ", b"two ", b"three"),
    "a character in two fragments": fragments(TEXT, b"\xe2", b"\x82\xac"),
    "empty fragments": fragments(TEXT, *[b""] * 902),
}


@pytest.mark.parametrize("what", MESSAGES)
async def test_message_that_is_none_is_refused_in_a_frame_and_the_client_is_served(stage: Stage, what: str) -> None:
    data = MESSAGES[what]
    await stage.serve()
    peer = await shake_hands(stage)
    status = NO_TEXT if data[0] & 15 == BINARY else NO_MESSAGE
    assert status == refusal_in(await peer.ask(data))
    assert await still_served(stage, peer)
    assert 1 == await stage.server.metric('messages_total{outcome="refused"}')


async def test_pong_that_nobody_asked_for_is_ignored(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(PONG, b"nobody asked"))
    assert await still_served(stage, peer)


async def test_ping_between_fragments_is_answered(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(TEXT, b"one", final=False))
    assert Received(PONG, b"between") == await peer.ask(frame(PING, b"between"))
    assert NO_MESSAGE == refusal_in(await peer.ask(frame(CONTINUATION, b"two")))
    assert await still_served(stage, peer)


async def test_frames_that_come_byte_by_byte_are_read(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    for byte in frame(BINARY, b"x" * 200) + frame(PING, b"at last"):
        await peer.raw.send(bytes([byte]))
    assert NO_TEXT == refusal_in(await peer.next())
    assert Received(PONG, b"at last") == await peer.next()
    assert await still_served(stage, peer)


@pytest.mark.parametrize(
    ("sent", "code"),
    [(close(1000), 1000), (close(1001, b"bye"), 1001), (close(4999, "adiós".encode()), 4999), (close(None), None)],
    ids=["1000", "1001 with a reason", "4999", "no code"],
)
async def test_close_is_answered_and_ends_the_connection(stage: Stage, sent: bytes, code: int | None) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(sent + frame(PING, b"too late"))
    await stage.make()
    assert [Received(CLOSE, code)] == [received for received in await peer.rest() if received.opcode != TEXT]
    peer.raw.close()
    await stage.server.until_metric("clients", 0)


FAULTS = {
    "an unmasked frame": (frame(TEXT, b"x", masked=False), 1002),
    "a close of 1 byte": (frame(CLOSE, b"\x03"), 1002),
    "text that is not UTF-8": (frame(TEXT, b"ok \xff"), 1007),
    "a message too big": (frame(BINARY, b"x" * 65_537), 1009),
    "the head of a message of a terabyte": (frame(BINARY, length=b"\x7f" + struct.pack("!Q", 1 << 40)), 1009),
    "fragments too big together": (frame(BINARY, b"x" * 60_000, final=False) + frame(CONTINUATION, b"x" * 6_000), 1009),
}
"""One of each kind; tests/conformance has all others."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_in_a_frame_closes_with_its_code_and_harms_no_other(stage: Stage, fault: str) -> None:
    """The close is the last frame, although updates come; the other client receives them all."""
    data, code = FAULTS[fault]
    await stage.serve()
    other, peer = await stage.subscribe(), await shake_hands(stage)
    await peer.raw.send(data + frame(PING, b"too late"))
    assert Received(CLOSE, code) == await peer.next()
    await stage.make()
    assert [] == await peer.rest()
    peer.raw.close()
    assert [1] == [update.seq for update in await other.receive(1)]
    await stage.server.until_metric("clients", 1)
    assert 1 == await stage.server.metric('responses_total{outcome="error"}')


async def test_frames_before_a_fault_are_answered(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(frame(PING, b"one") + frame(PING, b"two") + frame(TEXT, b"\xff"))
    assert [Received(PONG, b"one"), Received(PONG, b"two"), Received(CLOSE, 1007)] == await peer.rest()


@pytest.mark.long
async def test_peer_that_does_not_end_a_closed_connection_is_forgotten(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its side, gives the peer some time, and then ends the other side too."""
    monkeypatch.setattr("services.fanout.CLOSING_SECONDS", 0.2)
    await stage.serve()
    peer = await shake_hands(stage)
    await peer.raw.send(close(1000))
    assert [Received(CLOSE, 1000)] == await peer.rest()
    await stage.server.until_metric("clients", 0)


@pytest.mark.long
async def test_flood_of_pings_whose_answers_are_not_read_is_cut_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded, and others are served meanwhile, even if pings may come as fast as they can."""
    monkeypatch.setattr("services.incoming.MOST_FRAMES_AT_ONCE", 10**9)
    monkeypatch.setattr("services.incoming.MOST_FRAMES_A_SECOND", 10**9)
    await stage.serve(high_water_bytes=65_536)
    other, peer = await stage.subscribe(), await shake_hands(stage)
    flood, rounds = frame(PING, b"x" * 125) * 1000, 0
    while 0 == await stage.server.metric("slow_readers_total"):
        peer.raw.post(flood)
        rounds += 1
        assert rounds < 500
    sent = await stage.server.metric("sent_bytes_total")
    assert sent < 16 * 1024 * 1024
    await stage.make()
    assert [1] == [update.seq for update in await other.receive(1)]
    assert Received(CLOSE, 1008) == (await peer.rest())[-1]
