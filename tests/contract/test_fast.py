"""Fast serving: which requests need no aiohttp, and what holds on a connection before and after aiohttp has it."""

import asyncio
import time
from collections.abc import Callable

import pytest

from services.connection import ServerConnection
from services.prompt import PromptAnswers
from tests.contract.answers import seqs
from tests.contract.clients import HTTP_TRANSPORTS
from tests.contract.raw import Raw, get
from tests.contract.stage import Stage, until

WAYS = (pytest.param("fast", id=pytest.HIDDEN_PARAM),)
TIMER_SECONDS = 0.002  # The event loop counts in milliseconds.
Taken = Callable[[], bytes]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Return a function that returns what aiohttp has read of requests for updates."""
    read: list[bytes] = []
    data_received = ServerConnection.data_received

    def received(connection: ServerConnection, data: bytes) -> None:
        if b"/health" not in data and b"/metrics" not in data and b"/schedule" not in data and b"/feed" not in data:
            read.append(data)
        data_received(connection, data)

    monkeypatch.setattr(ServerConnection, "data_received", received)
    return lambda: b"".join(read)


def ask(stage: Stage, seq: int, *headers: str, more: str = "", method: str = "GET") -> bytes:
    """Return a request that is not held."""
    hold = "" if stage.transport.name == "polling" else "&hold=0"
    return get(f"{stage.transport.path}?after={stage.at(seq)}{hold}{more}", *headers, method=method)


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_ordinary_requests_are_not_aiohttps(stage: Stage, taken: Taken) -> None:
    await stage.serve()
    await stage.make_and_see(3)
    raw = await stage.connect()
    for headers in ((), ("User-Agent: x", "Accept: */*"), ("X-Filling: " + "x" * 900,), ("Connection: keep-alive",)):
        assert [2, 3] == seqs(await raw.ask(ask(stage, 1, *headers)))
        assert [3] == seqs(await raw.ask(ask(stage, 1, *headers, more="&deliver=latest")))
        assert 204 == (await raw.ask(ask(stage, 3, *headers))).status
        last = await raw.ask(stage.request("last=2", *headers))
        assert [2, 3] == seqs(last)
    assert b"" == taken()


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 0",), ("Expect: 100-continue",), ("Upgrade: h2c", "Connection: Upgrade"),
        ("X-Long: " + "x" * 5_000,),
    ],
    ids=lambda headers: headers[0].partition(":")[0],
)  # fmt: skip
async def test_other_requests_are_aiohttps_and_so_are_those_behind_them(
    stage: Stage, taken: Taken, headers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 3600.0)
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    assert [2] == seqs(await raw.ask(ask(stage, 1)))
    other, behind = ask(stage, 1, *headers), ask(stage, 1)
    assert [2] == seqs(await raw.ask(other))
    assert [2] == seqs(await raw.ask(behind))
    assert other + behind == taken()
    metrics = await stage.server.metrics()
    assert 1 == metrics["wirerace_clients"]
    assert raw.sent_bytes == metrics["wirerace_received_bytes_total"]
    assert (3, 3) == (metrics['wirerace_responses_total{outcome="data"}'], metrics["wirerace_deliveries_total"])


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_what_heads_say_is_kept_apart(stage: Stage, taken: Taken) -> None:
    """Requests for the same target whose heads say different things get different answers."""
    await stage.serve(allowed_origins="http://a.test")
    await stage.make_and_see(2)
    raw = await stage.connect()
    for _ in range(2):
        assert "access-control-allow-origin" not in (await raw.ask(ask(stage, 1))).headers
        of_page = await raw.ask(ask(stage, 1, "Origin: http://a.test"))
        assert "http://a.test" == of_page.headers["access-control-allow-origin"]
        assert "access-control-allow-origin" not in (await raw.ask(ask(stage, 1, "Origin: http://b.test"))).headers
        if stage.transport.name == "polling":
            assert "etag" not in (await raw.ask(ask(stage, 1))).headers
            assert f'"{stage.at(2)}"' == (await raw.ask(ask(stage, 1, 'If-None-Match: "x"'))).headers["etag"]
            condition = f'If-None-Match: "{stage.at(2)}"'
            assert 304 == (await raw.ask(stage.request("", condition))).status
            assert [2] == seqs(await raw.ask(stage.request("", f'If-None-Match: "{stage.at(1)}"')))
        closing = await stage.connect()
        assert "close" == (await closing.ask(ask(stage, 1, "Connection: close"))).headers["connection"]
        assert b"" == await closing.rest()
    assert b"" == taken()


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_split_and_pipelined_requests_are_answered_in_order(stage: Stage, taken: Taken) -> None:
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    for sent in ([ask(stage, 0)[:30], ask(stage, 0)[30:]], [ask(stage, 0) + ask(stage, 1) + ask(stage, 2)[:-1], b"\n"]):
        for piece in sent:
            raw.post(piece)
            await stage.server.metric("clients")
        assert [1, 2] == seqs(await raw.answer())
    assert [2] == seqs(await raw.answer())
    assert 204 == (await raw.answer()).status
    assert taken()


async def until_fast(stage: Stage, taken: Taken, raw: Raw) -> None:
    """Ask until aiohttp does not get the request."""

    async def is_fast() -> bool:
        before = taken()
        assert [2] == seqs(await raw.ask(ask(stage, 1)))
        return before == taken()

    await until(is_fast, "the connection is taken back from aiohttp")


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
@pytest.mark.parametrize("case", ["split", "together", "refused", "no channel"])
async def test_connection_is_taken_back_when_aiohttp_has_answered_all(
    stage: Stage, taken: Taken, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.02)
    await stage.serve()
    await stage.make_and_see(2)
    raw = await stage.connect()
    whole = ask(stage, 1)
    pieces = {
        "split": [whole[:30], whole[30:]],
        "together": [whole + whole],
        "refused": [stage.request("after=nonsense")],
        "no channel": [ask(stage, 1, more="&channel=none")],
    }[case]
    for piece in pieces:
        raw.post(piece)
        await stage.server.metric("clients")
    statuses = {"refused": [400], "no channel": [404], "together": [200, 200]}.get(case, [200])
    assert statuses == [(await raw.answer()).status for _ in statuses]
    assert taken()
    await until_fast(stage, taken, raw)

    metrics = await stage.server.metrics()
    assert 1 == metrics["wirerace_clients"]
    assert raw.sent_bytes == metrics["wirerace_received_bytes_total"]
    assert raw.received_bytes == metrics["wirerace_sent_bytes_total"]
    raw.close()
    await stage.server.until_metric("clients", 0)


@pytest.mark.long
@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_beginning_of_a_request_behind_another_is_not_lost(
    stage: Stage, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp's parser has it, so aiohttp keeps the connection."""
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.02)
    await stage.serve()
    await stage.make_and_see(2)
    raw, other = await stage.connect(), await stage.connect()
    whole = ask(stage, 1)
    raw.post(whole + whole[:30])
    assert [2] == seqs(await raw.answer())
    assert 400 == (await other.ask(stage.request("after=nonsense"))).status
    await until_fast(stage, taken, other)  # so both have been looked at
    assert [2] == seqs(await raw.ask(whole[30:]))
    await until_fast(stage, taken, raw)


@pytest.mark.long
@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_busy_connection_stays_open_and_an_idle_one_does_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.02)
    await stage.serve(keep_alive_seconds=1.0)
    raw = await stage.connect()
    begun = last = time.monotonic()
    while last < begun + 1.5:
        await asyncio.sleep(0.02)
        last = time.monotonic()
        assert 204 == (await raw.ask(ask(stage, 0))).status
    assert b"" == await raw.rest()
    assert 1.0 - TIMER_SECONDS <= time.monotonic() - last
    assert 0 == await stage.server.metric("request_timeouts_total")
    await stage.server.until_metric("clients", 0)


@pytest.mark.long
@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_answers_are_those_of_now(stage: Stage) -> None:
    """Kept ones are dropped when something newer comes, and each second because of their date."""
    await stage.serve()
    await stage.make_and_see(1)
    raw = await stage.connect()
    first = await raw.ask(ask(stage, 0))
    assert [1] == seqs(first)
    await stage.make_and_see(1)
    assert [1, 2] == seqs(await raw.ask(ask(stage, 0)))
    await stage.restart_producer()
    await stage.server.until_health(200, stage.at(0))
    await stage.make_and_see(1)
    assert [1, 2, 1] == seqs(await raw.ask(get(f"{stage.transport.path}?after={first.cursor[:-1]}0&hold=0")))

    async def is_later() -> bool:
        return (await raw.ask(ask(stage, 1))).headers["date"] > first.headers["date"]

    await until(is_later, "the date goes on")


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_defect_costs_one_client_its_connection_and_nobody_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    await stage.serve()
    await stage.make_and_see(1)
    other = await stage.connect()
    assert [1] == seqs(await other.ask(ask(stage, 0)))
    with monkeypatch.context() as patch:
        patch.setattr(PromptAnswers, "find", fail)
        raw = await stage.connect()
        await raw.send(ask(stage, 0))
        assert b"" == await raw.rest()
    assert "ZeroDivisionError" in caplog.text
    assert [1] == seqs(await other.ask(ask(stage, 0)))
    await stage.server.until_metric("clients", 1)
