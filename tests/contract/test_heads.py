"""Heads of requests as RFC 9110, RFC 9112 and RFC 6455 have them: lists, expectations, Host, HEAD, ends."""

import asyncio

import pytest

from tests.contract.clients import HTTP_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.raw import Raw, get
from tests.contract.stage import Running, Stage

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (101, ["Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket"]),
        (101, ["Connection: keep-alive, Upgrade", "Upgrade: h2c", "Upgrade: WebSocket"]),
        (101, ["Connection:upgrade ,x", "Upgrade: h2c, websocket"]),
        (426, ["Connection: keep-alive", "Upgrade: websocket"]),
        (426, ["Connection: Upgrade", "Upgrade: notwebsocket"]),
        (426, ["Connection: noupgrade", "Upgrade: websocket"]),
        (426, ["Connection: Upgrade"]),
    ],
)
async def test_several_lines_of_one_name_are_one_list(stage: Stage, status: int, headers: list[str]) -> None:
    """RFC 9110, section 5.3, and RFC 6455, section 4.2.1: the token, in any case, is a member of the list."""
    await stage.serve()
    answer = await stage.server.ask(get(stage.transport.path, *headers, KEY, VERSION))
    assert status == answer.status


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_upgrade_of_http_1_0_is_none(stage: Stage) -> None:
    """RFC 9110, section 7.8: a server must ignore it."""
    await stage.serve()
    request = get(stage.transport.path, "Connection: Upgrade", "Upgrade: websocket", KEY, VERSION, version="1.0")
    assert 426 == (await stage.server.ask(request)).status


@pytest.mark.parametrize(
    ("version", "lines", "status"), [("1.1", 0, 400), ("1.1", 1, 200), ("1.1", 2, 400), ("1.0", 0, 200)]
)
async def test_request_of_http_1_1_has_exactly_one_host(stage: Stage, version: str, lines: int, status: int) -> None:
    """RFC 9112, section 3.2: a server must answer 400."""
    await stage.serve()
    head = f"GET /health HTTP/{version}\r\n" + lines * "Host: x\r\n" + "\r\n"
    assert status == (await stage.server.ask(head.encode())).status


async def test_absolute_target_is_taken(stage: Stage) -> None:
    """RFC 9112, section 3.2.2: a server must accept it."""
    await stage.serve()
    assert 200 == (await stage.server.ask(b"GET http://x:1/health HTTP/1.1\r\nHost: x:1\r\n\r\n")).status


@pytest.mark.parametrize("path", ["/health", "/metrics"])
async def test_head_gets_the_head_of_the_answer(stage: Stage, path: str) -> None:
    await stage.serve()
    raw = await stage.connect()
    await raw.send(get(path, method="HEAD") + get("/nosuch"))
    head = await raw.answer(to_head=True)
    assert 200 == head.status
    assert int(head.headers["content-length"]) > 0
    assert 404 == (await raw.answer()).status, "no body lies between"


async def put(raw: Raw, *headers: str, body: bytes = b"{}") -> None:
    await raw.send(get("/schedule", *headers, method="PUT", body=body).removesuffix(body))


async def test_client_that_waits_for_100_gets_it(stage: Stage) -> None:
    raw = await stage.connect(stage.producer)
    await put(raw, "Expect: 100-continue")
    assert 100 == (await raw.answer(to_head=True)).status
    await raw.send(b"{}")
    assert 200 == (await raw.answer()).status


async def test_client_that_waits_for_100_and_is_refused_gets_the_refusal_at_once(stage: Stage) -> None:
    raw = await stage.connect(stage.producer)
    await put(raw, "Expect: 100-continue", "Content-Encoding: gzip")
    answer = await raw.answer()
    assert (415, "close") == (answer.status, answer.headers["connection"])


async def test_other_expectations_are_not_met(stage: Stage) -> None:
    raw = await stage.connect(stage.producer)
    await put(raw, "Expect: the-unexpected")
    assert 417 == (await raw.answer()).status


async def ended(running: Running, data: bytes) -> bytes:
    """Send bytes, then no more, and return all that comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_client_that_ends_its_side_gets_its_answers(stage: Stage) -> None:
    """As `nc -N` does: RFC 9112, section 9.6. A long poll is not held then, because it would look abandoned."""
    await stage.serve()
    await stage.make_and_see(1)
    for target, start in ((f"?after={stage.at(0)}", b"HTTP/1.1 200"), (f"?after={stage.at(1)}", b"HTTP/1.1 204")):
        answer = await ended(stage.server, get(stage.transport.path + target))
        assert answer.startswith(start)
    pipelined = await ended(stage.server, get("/nosuch") + get("/health"))
    assert [b"404 Not Found", b"200 OK"] == [part.partition(b"\r\n")[0] for part in pipelined.split(b"HTTP/1.1 ")[1:]]


async def test_body_that_ends_too_early_is_no_request(stage: Stage) -> None:
    request = get("/schedule", method="PUT", body=b"{}")
    assert b"" == await ended(stage.producer, request[:-1])
    assert b"200" in await ended(stage.producer, request)


@pytest.mark.parametrize("transport", ["longpolling"])
async def test_client_that_ends_its_side_while_its_request_is_held_has_left(stage: Stage) -> None:
    await stage.serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
    writer.write(stage.request("hold=600"))
    await stage.server.until_metric("held_requests", 1)
    writer.write_eof()
    await stage.server.until_metric("held_requests", 0)
    assert b"" == await reader.read()
    writer.close()


async def test_feed_is_refused_to_http_1_0(stage: Stage) -> None:
    """RFC 9112, section 7.1: a server must not send chunks to it."""
    answer = await stage.producer.ask(get("/feed", version="1.0"))
    assert (400, "the feed is chunked, and HTTP/1.0 knows no chunks: ask with HTTP/1.1") == (answer.status, answer.line)


async def test_every_answer_has_a_date(stage: Stage) -> None:
    """RFC 9110, section 6.6.1: a server with a clock must send it."""
    await stage.serve()
    raw = await stage.connect(stage.producer)
    await raw.send(get("/feed"))
    assert "date" in (await raw.answer(to_head=True)).headers
    for path in ("/health", "/metrics", "/nosuch"):
        assert "date" in (await stage.server.get(path)).headers
