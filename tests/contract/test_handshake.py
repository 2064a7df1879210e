"""WebSocket, the handshake: which clients are accepted, which are not, and what may come with it."""

import asyncio
import base64
import hashlib
import json
import os

import aiohttp
import pytest

from tests.contract.clients import WEBSOCKET_TRANSPORTS
from tests.contract.frames import (
    BINARY,
    CLOSE,
    NO_MESSAGE,
    PING,
    PONG,
    TEXT,
    Received,
    close,
    frame,
    refusal_in,
    shake_hands,
)
from tests.contract.raw import get
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3, as is the answer to it.
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FIELDS = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


@pytest.fixture(params=["/ws", "/echo"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def handshake(path: str, *more: str, **changed: str | None) -> bytes:
    """Return a handshake with headers changed or left out, and more of them."""
    fields = FIELDS | {name.replace("_", "-"): value for name, value in changed.items()}
    return get(path, *(f"{name}: {value}" for name, value in fields.items() if value is not None), *more)


async def test_handshake_is_answered_as_the_rfc_says(stage: Stage, path: str) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path))
    assert 101 == answer.status
    assert ACCEPT == answer.headers["sec-websocket-accept"]
    assert "websocket" == answer.headers["upgrade"].lower()
    assert "upgrade" == answer.headers["connection"].lower()
    assert (stage.at(0) if path == "/ws" else None) == answer.headers.get("wirerace-cursor")


async def test_every_key_has_its_own_answer(stage: Stage, path: str) -> None:
    await stage.serve()
    key = base64.b64encode(os.urandom(16))
    accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    answer = await (await stage.connect()).ask(handshake(path, Sec_WebSocket_Key=key.decode()))
    assert accept.decode() == answer.headers["sec-websocket-accept"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "upgrade"},
        {"Origin": "http://test"},
        {"Sec_WebSocket_Protocol": "chat, superchat"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
    ],
    ids=str,
)
async def test_handshake_of_any_browser_is_accepted(stage: Stage, path: str, changed: dict[str, str | None]) -> None:
    """Neither extension nor subprotocol is agreed to: bytes must mean the same everywhere."""
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, **changed))
    assert 101 == answer.status
    assert "sec-websocket-extensions" not in answer.headers
    assert "sec-websocket-protocol" not in answer.headers


@pytest.mark.parametrize("version", ["8", "7", "0", "14", "13, 8", "x", ""])
async def test_other_version_gets_the_right_one(stage: Stage, path: str, version: str) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, Sec_WebSocket_Version=version))
    assert (426, "Sec-WebSocket-Version must be 13") == (answer.status, answer.line)
    assert "13" == answer.headers["sec-websocket-version"]


async def test_answer_to_another_version_carries_upgrade(stage: Stage, path: str) -> None:
    """RFC 9110, section 15.5.22: a server must send it."""
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, Sec_WebSocket_Version="8"))
    assert "websocket" == answer.headers.get("upgrade")


NO_UPGRADE = "this path speaks WebSocket: send Upgrade: websocket and Connection: Upgrade"


@pytest.mark.parametrize(
    ("missing", "status", "line"),
    [
        ("Upgrade", 426, NO_UPGRADE),
        ("Connection", 426, NO_UPGRADE),
        ("Sec_WebSocket_Version", 426, "Sec-WebSocket-Version must be 13"),
        ("Sec_WebSocket_Key", 400, "Sec-WebSocket-Key must be 16 bytes in base64"),
    ],
)
async def test_handshake_that_lacks_a_header_is_refused(
    stage: Stage, path: str, missing: str, status: int, line: str
) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, **{missing: None}))
    assert (status, line) == (answer.status, answer.line)


async def test_plain_request_is_asked_to_upgrade(stage: Stage, path: str) -> None:
    await stage.serve()
    answer = await stage.server.get(path)
    assert (426, NO_UPGRADE) == (answer.status, answer.line)
    assert "websocket" == answer.headers["upgrade"]


@pytest.mark.parametrize(
    ("twice", "status"),
    [("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 400), ("Sec-WebSocket-Version: 13", 426)],
    ids=["key", "version"],
)
async def test_header_that_may_appear_once_is_refused_when_it_comes_twice(
    stage: Stage, path: str, twice: str, status: int
) -> None:
    """RFC 6455, sections 11.3.1 and 11.3.5."""
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, twice))
    assert status == answer.status


@pytest.mark.parametrize(
    "key",
    ["", "x", "dGhlIHNhbXBsZQ==", KEY[:-1], KEY + "AAAA", "!" * 24, KEY.replace("=", "-"), "\xff" * 24],
    ids=ascii,
)
async def test_key_that_is_not_16_bytes_in_base64_is_refused(stage: Stage, path: str, key: str) -> None:
    await stage.serve()
    answer = await (await stage.connect()).ask(handshake(path, Sec_WebSocket_Key=key))
    assert 400 == answer.status
    assert answer.line.startswith("Sec-WebSocket-Key must be ")


async def test_handshake_that_comes_byte_by_byte_is_answered(stage: Stage, path: str) -> None:
    await stage.serve()
    raw = await stage.connect()
    for byte in handshake(path):
        await raw.send(bytes([byte]))
        await asyncio.sleep(0)
    assert 101 == (await raw.answer()).status


async def test_frame_right_behind_the_handshake_is_read(stage: Stage) -> None:
    """In one segment with it."""
    await stage.serve()
    peer = await shake_hands(stage, behind=frame(PING, b"early") + frame(TEXT, b"refused") + frame(PING, b"second"))
    assert Received(PONG, b"early") == await peer.next()
    assert NO_MESSAGE == refusal_in(await peer.next())
    assert Received(PONG, b"second") == await peer.next()


async def test_part_of_a_frame_right_behind_the_handshake_is_kept(stage: Stage) -> None:
    await stage.serve()
    early = frame(PING, b"in two parts")
    peer = await shake_hands(stage, behind=early[:5])
    assert Received(PONG, b"in two parts") == await peer.ask(early[5:])


async def test_close_right_behind_the_handshake_is_answered(stage: Stage) -> None:
    """Nothing is delivered after it, although there are updates."""
    await stage.serve()
    await stage.make_and_see(3)
    peer = await shake_hands(stage, f"after={stage.at(0)}", behind=close(1000))
    assert [Received(CLOSE, 1000)] == await peer.rest()


async def test_fault_right_behind_the_handshake_is_answered(stage: Stage) -> None:
    await stage.serve()
    peer = await shake_hands(stage, behind=frame(BINARY, b"x", masked=False))
    assert [Received(CLOSE, 1002)] == await peer.rest()


async def test_handshake_may_follow_another_request_on_the_connection(stage: Stage, path: str) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get("/health") + get("/nosuch") + handshake(path))
    assert [200, 404, 101] == [(await raw.answer()).status for _ in range(3)]


async def test_client_of_another_make_is_served(stage: Stage) -> None:
    """aiohttp's, with every extension it can offer."""
    await stage.serve()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{stage.server.port}{stage.transport.path}", compress=15) as socket,
    ):
        assert 0 == socket.compress
        await stage.make(2)
        assert [1, 2] == [json.loads(await socket.receive_str())["seq"] for _ in range(2)]
        await socket.close()
        assert 1000 == socket.close_code
