"""WebSocket with compression: what clients send compressed, right and wrong, and that it harms no other."""

import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from tests.contract.deflating import COMPRESSED, MODES, NAME, agreeing, deflated, numbers
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
    frame,
    refusal_in,
    shake_hands,
)
from tests.contract.stage import Stage
from wirerace.wire.deflate import EMPTY_BLOCK, Inflater, InflatingReader
from wirerace.wire.frames import Message, Opcode

pytestmark = pytest.mark.parametrize("transport", ["websocket"])


async def still_served(stage: Stage, peer: Peer) -> bool:
    """Return whether a ping is answered and the next update delivered."""
    pong = await peer.ask(frame(PING, b"?"))
    await stage.make()
    return pong == Received(PONG, b"?") and (await peer.next()).opcode == TEXT


ONE, TWO = deflated(b"hello, hello, hello", b"hello again, hello")
(NOISE,) = deflated(bytes(range(256)) * 256)
FINAL = zlib.compressobj(wbits=-12)
FINAL_BLOCK = FINAL.compress(b"last") + FINAL.flush() + b"\x00"  # RFC 7692, section 7.2.3.4
MESSAGES = {
    "compressed": frame(TEXT, ONE, reserved=COMPRESSED),
    "not compressed": frame(TEXT, b"plain"),
    "empty": frame(TEXT, b"\x00", reserved=COMPRESSED),
    "binary, the largest": frame(BINARY, NOISE, reserved=COMPRESSED),
    "fragments": frame(TEXT, ONE[:3], final=False, reserved=COMPRESSED)
    + frame(PING, b"between")
    + frame(CONTINUATION, ONE[3:]),
    "a last block": frame(TEXT, FINAL_BLOCK, reserved=COMPRESSED),
    "a last block, and then another": frame(TEXT, FINAL_BLOCK, reserved=COMPRESSED) * 2,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("message", MESSAGES)
async def test_message_that_is_none_is_refused_in_a_frame_and_the_client_is_served(
    stage: Stage, mode: str, message: str
) -> None:
    await stage.serve(deflate=mode)
    peer = await agreeing(stage)
    await peer.raw.send(MESSAGES[message])
    if message == "fragments":
        assert Received(PONG, b"between") == await peer.next()
    for _ in range(2 if message == "a last block, and then another" else 1):
        assert (NO_TEXT if "binary" in message else NO_MESSAGE) == refusal_in(await peer.next())
    assert await still_served(stage, peer)


async def test_message_may_refer_back_only_where_that_is_agreed_on(stage: Stage) -> None:
    frames = [frame(TEXT, payload, reserved=COMPRESSED) for payload in (ONE, TWO)]
    await stage.serve(deflate="per-client")
    peer = await agreeing(stage)
    await peer.raw.send(b"".join(frames))
    assert [NO_MESSAGE] * 2 == [refusal_in(await peer.next()) for _ in frames]
    assert await still_served(stage, peer)
    forgetful = await agreeing(stage, offers=f"{NAME}; client_no_context_takeover")
    await forgetful.raw.send(b"".join(frames))
    assert NO_MESSAGE == refusal_in(await forgetful.next())
    assert Received(CLOSE, 1007) == await forgetful.next()


(BOMB,) = deflated(bytes(10_000_000))
(ABOVE,) = deflated(bytes(65_537))
(BAD_TEXT,) = deflated(b"\xff\xfe")
FAULTS = {
    "not deflate": (frame(TEXT, b"\xff\xff\xff\xff", reserved=COMPRESSED), 1007),
    "bytes after the last block": (frame(TEXT, FINAL_BLOCK + b"x", reserved=COMPRESSED), 1007),
    "text that is not UTF-8": (frame(TEXT, BAD_TEXT, reserved=COMPRESSED), 1007),
    "one byte too many": (frame(BINARY, ABOVE, reserved=COMPRESSED), 1009),
    "a bomb": (frame(BINARY, BOMB, reserved=COMPRESSED), 1009),
    "a bomb in fragments": (
        frame(BINARY, BOMB[:50], final=False, reserved=COMPRESSED) + frame(CONTINUATION, BOMB[50:]),
        1009,
    ),
    "a head of a terabyte": (
        frame(BINARY, length=b"\x7f" + (1 << 40).to_bytes(8, "big"), reserved=COMPRESSED),
        1009,
    ),
    "fragments too big together": (
        frame(BINARY, bytes(40_000), final=False, reserved=COMPRESSED) + frame(CONTINUATION, bytes(40_000)),
        1009,
    ),
    "a compressed continuation": (
        frame(TEXT, b"x", final=False) + frame(CONTINUATION, ONE, reserved=COMPRESSED),
        1002,
    ),
    "a compressed ping": (frame(PING, ONE, reserved=COMPRESSED), 1002),
    "a compressed close": (frame(CLOSE, ONE, reserved=COMPRESSED), 1002),
    "another reserved bit": (frame(TEXT, ONE, reserved=COMPRESSED | 2), 1002),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_closes_with_its_code_and_harms_no_other(stage: Stage, mode: str, fault: str) -> None:
    data, code = FAULTS[fault]
    await stage.serve(deflate=mode)
    others, peer = [await agreeing(stage), await shake_hands(stage)], await agreeing(stage)
    await peer.raw.send(data + frame(PING, b"too late"))
    assert Received(CLOSE, code) == await peer.next()
    await stage.make()
    assert [] == await peer.rest()
    peer.raw.close()
    assert [[1]] * 2 == [await numbers(other, 1) for other in others]
    await stage.server.until_metric("clients", 2)
    assert 1 == await stage.server.metric('responses_total{outcome="error"}')


@pytest.mark.parametrize("mode", MODES)
async def test_flood_of_messages_that_unpack_to_their_limit_is_cut_off(stage: Stage, mode: str) -> None:
    """Each has some 80 bytes, and unpacks to 64 KiB."""
    await stage.serve(deflate=mode)
    other, peer = await agreeing(stage), await agreeing(stage)
    compressor = zlib.compressobj(wbits=-12)
    packed = (compressor.compress(bytes(65_536)) + compressor.flush(zlib.Z_FULL_FLUSH)).removesuffix(EMPTY_BLOCK)
    await peer.raw.send(frame(BINARY, packed, reserved=COMPRESSED) * 500)
    assert Received(CLOSE, 1008) == (await peer.rest())[-1]
    assert 1 == await stage.server.metric("floods_total")
    await stage.make()
    assert [1] == await numbers(other, 1)


@pytest.mark.parametrize("mode", ["off", *MODES])
async def test_compressed_message_without_an_agreement_is_a_protocol_error(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode)
    peer = await shake_hands(stage)
    await peer.raw.send(MESSAGES["compressed"])
    assert Received(CLOSE, 1002) == await peer.next()


@pytest.mark.parametrize("mode", MODES)
async def test_frames_right_behind_the_handshake_are_read(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode)
    peer = await agreeing(stage, behind=MESSAGES["compressed"] + frame(PING, b"early"))
    assert NO_MESSAGE == refusal_in(await peer.next())
    assert Received(PONG, b"early") == await peer.next()


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Return bytes in pieces."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[start:end] for start, end in pairwise(edges))


@pytest.mark.long
@given(
    texts=st.lists(st.text(max_size=300), max_size=8),
    cuts=st.lists(st.integers(0, 10_000), max_size=10),
    bits=st.integers(9, 15),
    takes_over=st.booleans(),
)
def test_reader_agrees_with_wsproto_on_every_split(
    transport: str,  # noqa: ARG001 -- of the whole module
    texts: list[str],
    cuts: list[int],
    bits: int,
    takes_over: bool,
) -> None:
    """Wsproto compresses; messages of several frames are split anywhere."""
    extension = PerMessageDeflate(client_max_window_bits=bits, client_no_context_takeover=not takes_over)
    extension._enabled = True
    sender = FrameProtocol(client=True, extensions=[extension])
    sent = b"".join(
        sender.send_data(part, fin)
        for text in texts
        for part, fin in ((text[: len(text) // 2], False), (text[len(text) // 2 :], True))
    )
    reader = InflatingReader(Inflater(bits, 100_000, takes_over=takes_over), masked=True, max_message_bytes=100_000)
    received = [message for piece in pieces(sent, cuts) for message in reader.feed(piece)]
    assert [Message(Opcode.TEXT, text.encode()) for text in texts] == received
