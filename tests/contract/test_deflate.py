"""WebSocket with compression: what is agreed on, and that each client gets each update once, in its form."""

import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.contract.deflating import ALL_OFFERS, COMPRESSED, MODES, NAME, agreeing, numbers, offering
from tests.contract.frames import CLOSE, PING, TEXT, Received, shake_hands
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", ["websocket"])

SHARED = f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
OWN = f"{NAME}; server_max_window_bits=12"
DECLINED = ""


@pytest.mark.long
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


@pytest.mark.long
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
            assert 400 == json.loads(await socket.recv())["refused"]
        await (await socket.ping())
        await stage.make()
        assert 1 == json.loads(await socket.recv())["seq"]


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


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
async def test_pings_and_a_stop_reach_clients_of_both_kinds(stage: Stage, mode: str) -> None:
    await stage.serve(deflate=mode, ping_interval_seconds=0.05)
    peers = [await agreeing(stage), await shake_hands(stage)]
    for peer in peers:
        assert Received(PING, b"") == await peer.next()
    await stage.server.stop()
    assert [Received(CLOSE, 1001)] * 2 == [(await peer.rest())[-1] for peer in peers]
