"""HTTP: how connections are kept, closed and shared by requests, for transports that answer requests."""

import asyncio

import pytest

from tests.contract.answers import seqs
from tests.contract.clients import HTTP_TRANSPORTS
from tests.contract.raw import get
from tests.contract.stage import Stage

pytestmark = pytest.mark.parametrize("transport", HTTP_TRANSPORTS)


def ask(stage: Stage, seq: int, *headers: str, version: str = "1.1") -> bytes:
    """Return a request that does not wait for what comes after an update."""
    return get(f"{stage.transport.path}?after={stage.at(seq)}&hold=0", *headers, version=version)


async def test_connection_is_kept(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    for _ in range(3):
        assert [1, 2] == seqs(await raw.ask(ask(stage, 0)))
        assert 204 == (await raw.ask(ask(stage, 2))).status


@pytest.mark.parametrize("seq", [0, 2], ids=["with data", "empty"])
async def test_connection_closes_when_the_client_asks_for_it(stage: Stage, seq: int) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    answer = await raw.ask(ask(stage, seq, "Connection: close"))
    assert "close" == answer.headers["connection"]
    assert stage.at(2) == answer.cursor
    assert b"" == await raw.rest()


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)], ids=["plain", "keep-alive"])
@pytest.mark.parametrize("seq", [0, 2], ids=["with data", "empty"])
async def test_http_1_0_gets_its_answer_and_the_connection_closes(
    stage: Stage, seq: int, headers: tuple[str, ...]
) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    answer = await raw.ask(ask(stage, seq, *headers, version="1.0"))
    assert stage.at(2) == answer.cursor
    assert b"" == await raw.rest()


async def test_health_over_http_1_0_closes(stage: Stage) -> None:
    await stage.serve()
    for path in ("/health", "/metrics"):
        raw = await stage.connect()
        assert 200 == (await raw.ask(get(path, version="1.0"))).status
        assert b"" == await raw.rest()


@pytest.mark.long
async def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    """More of them than are parsed at a time."""
    await stage.serve()
    await stage.make_and_see(100)
    raw = await stage.connect()
    await raw.send(b"".join(ask(stage, seq) for seq in range(100)))
    for seq in range(100):
        assert list(range(seq + 1, 101)) == seqs(await raw.answer())


async def test_pipelined_requests_of_all_kinds_are_answered_in_order(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(1)
    raw = await stage.connect()
    bad = get(f"{stage.transport.path}?after=nonsense")
    await raw.send(
        ask(stage, 0) + get("/nosuch") + bad + get("/health") + ask(stage, 1) + ask(stage, 0, "Connection: close")
    )
    assert [200, 404, 400, 200, 204, 200] == [(await raw.answer()).status for _ in range(6)]
    assert b"" == await raw.rest()


async def test_request_that_comes_byte_by_byte_is_answered(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    for byte in ask(stage, 0):
        await raw.send(bytes([byte]))
        await asyncio.sleep(0)
    assert 204 == (await raw.answer()).status


async def test_request_with_a_body_is_answered_and_the_next_one_too(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    target = f"{stage.transport.path}?after={stage.at(0)}&hold=0"
    await raw.send(get(target, body=b"0123456789") + ask(stage, 0))
    assert [204, 204] == [(await raw.answer()).status for _ in range(2)]


async def test_offer_to_upgrade_is_declined_and_the_next_request_answered(stage: Stage) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(ask(stage, 0, "Upgrade: websocket", "Connection: Upgrade") + ask(stage, 0))
    assert [204, 204] == [(await raw.answer()).status for _ in range(2)]


async def test_answer_says_what_it_is(stage: Stage) -> None:
    await stage.serve()
    await stage.make_and_see(1)
    raw = await stage.connect()
    answer = await raw.ask(ask(stage, 0))
    assert "application/json" == answer.headers["content-type"]
    assert "no-store" == answer.headers["cache-control"]
    assert answer.headers["date"].endswith(" GMT")
    answer = await raw.ask(ask(stage, 1))
    assert "no-store" == answer.headers["cache-control"]
    assert not {"content-length", "content-type", "transfer-encoding"} & answer.headers.keys()
