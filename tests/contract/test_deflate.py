"""WebSocket with compression: what is agreed on, and that each client gets each update once, in its form."""

import json
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol

from tests.contract.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, Received, frame, shake_hands
from tests.contract.stage import Stage
from wirerace.wire.deflate import EMPTY_BLOCK, Inflater, InflatingReader
from wirerace.wire.frames import Message, Opcode

pytestmark = pytest.mark.parametrize("transport", ["websocket"])

MODES = ("shared", "per-client")
COMPRESSED = 4  # RSV1
NAME = "permessage-deflate"
ALL_OFFERS = f"{NAME}; client_max_window_bits"  # as browsers send it
SHARED = f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
OWN = f"{NAME}; server_max_window_bits=12"
DECLINED = ""


def offering(offers: str) -> str:
    return f"Sec-WebSocket-Extensions: {offers}"


async def agreeing(stage: Stage, query: str = "", offers: str = ALL_OFFERS, behind: bytes = b"") -> Peer:
    """Return a peer that has agreed on compression."""
    peer = await shake_hands(stage, query, offering(offers), behind=behind)
    assert peer.agreed
    return peer


async def numbers(peer: Peer, count: int) -> list[int]:
    """Return the numbers of the next updates."""
    found: list[int] = []
    while len(found) < count:
        received = await peer.next()
        assert isinstance(received.payload, bytes)
        updates = json.loads(received.payload)
        found += [update["seq"] for update in (updates if isinstance(updates, list) else [updates])]
    return found


def deflated(*payloads: bytes, bits: int = 12, level: int = 5, mode: int = zlib.Z_SYNC_FLUSH) -> list[bytes]:
    """Return payloads compressed by one compressor, as the RFC says."""
    compressor = zlib.compressobj(wbits=-bits, memLevel=level)
    return [(compressor.compress(payload) + compressor.flush(mode)).removesuffix(EMPTY_BLOCK) for payload in payloads]


@pytest.mark.parametrize(
    ("offers", "shared", "own"),
    [
        (NAME, SHARED, OWN),
        (ALL_OFFERS, f"{SHARED}; client_max_window_bits=12", f"{OWN}; client_max_window_bits=12"),
        (
            f"{NAME}; client_max_window_bits=10",
            f"{SHARED}; client_max_window_bits=10",
            f"{OWN}; client_max_window_bits=10",
        ),
        (
            f'{NAME}; client_max_window_bits="10"',
            f"{SHARED}; client_max_window_bits=10",
            f"{OWN}; client_max_window_bits=10",
        ),
        (f"{NAME}; server_max_window_bits=15", SHARED, OWN),
        (f"{NAME}; server_max_window_bits=9", DECLINED, f"{NAME}; server_max_window_bits=9"),
        (f"{NAME}; server_max_window_bits=8", DECLINED, DECLINED),
        (
            f"{NAME}; server_no_context_takeover",
            SHARED,
            f"{NAME}; server_no_context_takeover; server_max_window_bits=12",
        ),
        (
            f"{NAME}; client_no_context_takeover",
            SHARED,
            f"{NAME}; client_no_context_takeover; server_max_window_bits=12",
        ),
        (f"x-unknown, {NAME}", SHARED, OWN),
        (f"{NAME}; server_max_window_bits=8, {NAME}", SHARED, OWN),
        ("x-unknown; a=1", DECLINED, DECLINED),
        (f"{NAME}; mystery", DECLINED, DECLINED),
        (f"{NAME}; server_no_context_takeover=1", DECLINED, DECLINED),
        (f"{NAME}; client_no_context_takeover; client_no_context_takeover", DECLINED, DECLINED),
        (f"{NAME}; server_max_window_bits", DECLINED, DECLINED),
        (f"{NAME}; server_max_window_bits=16", DECLINED, DECLINED),
        (f"{NAME}; server_max_window_bits=09", DECLINED, DECLINED),
        (f"{NAME}; server_max_window_bits=10; server_max_window_bits=10", DECLINED, DECLINED),
        (f"{NAME}; client_max_window_bits=7", DECLINED, DECLINED),
        (f"{NAME}; client_max_window_bits=x", DECLINED, DECLINED),
    ],
    ids=str,
)
async def test_offer_is_answered_or_declined_as_the_rfc_says(stage: Stage, offers: str, shared: str, own: str) -> None:
    """A client whose offer is declined gets every update uncompressed."""
    for mode, answer in zip(MODES, (shared, own), strict=True):
        await stage.serve(deflate=mode)
        peer = await shake_hands(stage, "", offering(offers))
        assert answer == peer.agreed
        await stage.make()
        await numbers(peer, 1)


async def test_client_may_have_a_window_of_8_bits(stage: Stage) -> None:
    """Wsproto cannot compress with it, and neither can zlib; a server only has to unpack."""
    await stage.serve(deflate="per-client")
    answer = await (await stage.connect()).ask(stage.request("", offering(f"{NAME}; client_max_window_bits=8")))
    assert f"{OWN}; client_max_window_bits=8" == answer.headers["sec-websocket-extensions"]


@pytest.mark.parametrize("offers", [f"{NAME};", f"{NAME}; a=", "a b", "=1", f'{NAME}; a="x', "é", ";"])
@pytest.mark.parametrize("mode", MODES)
async def test_malformed_offer_is_refused(stage: Stage, mode: str, offers: str) -> None:
    await stage.serve(deflate=mode)
    answer = await (await stage.connect()).ask(stage.request("", offering(offers)))
    assert 400 == answer.status
    assert answer.line.startswith("Sec-WebSocket-Extensions must be a list of extensions: ")


@pytest.mark.parametrize("offers", [ALL_OFFERS, f"{NAME};"])
async def test_server_without_compression_ignores_offers(stage: Stage, offers: str) -> None:
    await stage.serve()
    assert "" == (await shake_hands(stage, "", offering(offers))).agreed


async def test_offers_in_several_lines_are_one_list(stage: Stage) -> None:
    await stage.serve(deflate="shared")
    peer = await shake_hands(stage, "", offering("x-unknown"), offering(NAME))
    assert SHARED == peer.agreed


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("bits", "level"), [(9, 1), (12, 5), (15, 9)])
async def test_updates_reach_clients_with_and_without_compression(
    stage: Stage, mode: str, bits: int, level: int
) -> None:
    """From what is kept, and live; the resumed ones got some of both."""
    await stage.serve(deflate=mode, deflate_window_bits=bits, deflate_memory_level=level)
    peers = [await agreeing(stage), await shake_hands(stage), await agreeing(stage)]
    await stage.make_and_see(3, payload_bytes=3_000)
    peers += [await agreeing(stage, f"after={stage.at(1)}"), await shake_hands(stage, f"after={stage.at(1)}")]
    await stage.make(3)
    assert [[1, 2, 3, 4, 5, 6]] * 3 == [await numbers(peer, 6) for peer in peers[:3]]
    assert [[2, 3, 4, 5, 6]] * 2 == [await numbers(peer, 5) for peer in peers[3:]]
    metrics = await stage.server.metrics()
    assert 28 == metrics["wirerace_deliveries_total"]
    assert 3 * (9_000 + 30) + 2 * (6_000 + 30) == metrics["wirerace_payload_bytes_total"]
    assert sum(peer.raw.received_bytes for peer in peers) == metrics["wirerace_sent_bytes_total"]


@pytest.mark.parametrize("mode", MODES)
async def test_batch_is_compressed_as_a_whole(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode, batch_seconds=2.0)
    peers = [await agreeing(stage), await shake_hands(stage)]
    await stage.make_and_see(2, payload_bytes=1_000)
    late = [await agreeing(stage), await agreeing(stage, f"after={stage.at(0)}")]
    late.append(await shake_hands(stage, f"after={stage.at(0)}"))
    assert [[1, 2]] * 2 == [await numbers(peer, 1) for peer in peers], "one frame, sent before its time"
    assert [[1, 2]] * 2 == [await numbers(peer, 2) for peer in late[1:]]
    await stage.make(2)
    assert [[3, 4]] * 5 == [await numbers(peer, 1) for peer in (*peers, *late)]
    assert peers[0].raw.received_bytes < peers[1].raw.received_bytes


async def test_shared_update_has_the_same_bytes_for_every_client(stage: Stage) -> None:
    await stage.serve(deflate="shared")
    peers = [await agreeing(stage), await agreeing(stage, offers=NAME)]
    await stage.make(1, payload_bytes=5_000)
    after = await agreeing(stage, f"after={stage.at(0)}")
    frames = [await peer.raw.some() for peer in (*peers, after)]
    assert 1 == len(set(frames))
    assert 0x80 | COMPRESSED << 4 | TEXT == frames[0][0]


async def test_compressor_of_a_client_refers_back_to_its_earlier_updates(stage: Stage) -> None:
    """With one for all the second update is as long as the first."""
    sizes: dict[str, list[int]] = {}
    for mode in MODES:
        await stage.serve(deflate=mode)
        peer = await agreeing(stage)
        sizes[mode] = []
        for _ in range(2):
            before = peer.raw.received_bytes
            await stage.make(payload_bytes=0)
            await peer.next()
            sizes[mode].append(peer.raw.received_bytes - before)
    assert sizes["per-client"][1] < 0.7 * sizes["per-client"][0]
    assert abs(sizes["shared"][1] - sizes["shared"][0]) < 8


async def test_client_that_limits_the_servers_compressor_gets_that(stage: Stage) -> None:
    """Another library is the judge: with a window too small, it could not follow."""
    await stage.serve(deflate="per-client", deflate_window_bits=15)
    limits: list[dict[str, object]] = [{"server_max_window_bits": 9}, {"server_no_context_takeover": True}, {}]
    async with (
        _library(stage, **limits[0]) as small,
        _library(stage, **limits[1]) as forgetful,
        _library(stage, **limits[2]) as plain,
    ):
        await stage.make(5, payload_bytes=2_000)
        for socket in (small, forgetful, plain):
            assert [1, 2, 3, 4, 5] == [json.loads(await socket.recv())["seq"] for _ in range(5)]


def _library(stage: Stage, **limits: object) -> connect:
    factory = ClientPerMessageDeflateFactory(**limits)  # type: ignore[arg-type]
    url = f"ws://127.0.0.1:{stage.server.port}{stage.transport.path}"
    return connect(url, compression=None, extensions=[factory], proxy=None)


@pytest.mark.parametrize("mode", MODES)
async def test_library_sends_and_receives_compressed_messages(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode)
    async with _library(stage) as socket:
        assert isinstance(socket, ClientConnection)
        for text in ("hello " * 1000, "", "héllo", "hello " * 1000):
            await socket.send(text)
        await (await socket.ping())
        await stage.make()
        assert 1 == json.loads(await socket.recv())["seq"]


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
async def test_message_of_a_client_is_read_and_dropped(stage: Stage, mode: str, message: str) -> None:
    await stage.serve(deflate=mode)
    peer = await agreeing(stage)
    await peer.raw.send(MESSAGES[message])
    if message == "fragments":
        assert Received(PONG, b"between") == await peer.next()
    assert await still_served(stage, peer)


async def test_message_may_refer_back_only_where_that_is_agreed_on(stage: Stage) -> None:
    frames = [frame(TEXT, payload, reserved=COMPRESSED) for payload in (ONE, TWO)]
    await stage.serve(deflate="per-client")
    peer = await agreeing(stage)
    await peer.raw.send(b"".join(frames))
    assert await still_served(stage, peer)
    forgetful = await agreeing(stage, offers=f"{NAME}; client_no_context_takeover")
    await forgetful.raw.send(b"".join(frames))
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
    assert Received(CLOSE, 1008) == await peer.next()
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
    assert Received(PONG, b"early") == await peer.next()


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
async def test_reader_that_is_too_slow_is_cut_off_and_can_resume(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode, high_water_bytes=1_000_000)
    slow, other, plain = await agreeing(stage), await agreeing(stage), await shake_hands(stage)
    await stage.schedule("PUT", rate_per_second=10, arrivals="periodic", payload_bytes=500_000)  # random letters
    made = 0
    while 0 == await stage.server.metric("slow_readers_total"):
        made += 1
        assert [[made]] * 2 == [await numbers(peer, 1) for peer in (other, plain)]
        assert made < 100
    await stage.schedule("DELETE")
    assert Received(CLOSE, 1008) == (await slow.rest())[-1]
    resumed = await agreeing(stage, f"after={stage.at(made - 1)}")
    assert [made] == await numbers(resumed, 1)


@pytest.mark.parametrize("mode", MODES)
async def test_pings_and_a_stop_reach_clients_of_both_kinds(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode, ping_interval_seconds=0.05)
    peers = [await agreeing(stage), await shake_hands(stage)]
    for peer in peers:
        assert Received(PING, b"") == await peer.next()
    await stage.server.stop()
    assert [Received(CLOSE, 1001)] * 2 == [(await peer.rest())[-1] for peer in peers]


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Return bytes in pieces."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[start:end] for start, end in pairwise(edges))


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
