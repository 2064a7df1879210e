"""Faults: a client that does something wrong harms no other, and is forgotten."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from services.__main__ import service_of
from services.producer import Producer
from tests.contract.raw import Raw, get
from tests.contract.stage import Running, Stage

Fault = Callable[[Raw, bytes], Awaitable[None]]
MOST_HEADER_BYTES = 50_000_000


async def garbage(raw: Raw, _request: bytes) -> None:
    """No HTTP at all."""
    await raw.send(random.Random(7).randbytes(2000) + b"\r\n\r\n")
    await raw.rest()


async def tls(raw: Raw, _request: bytes) -> None:
    """A client that takes this for HTTPS."""
    await raw.send(bytes.fromhex("16030100c8010000c40303") + bytes(192))
    await raw.rest()


async def huge_header(raw: Raw, request: bytes) -> None:
    raw.post(request.removesuffix(b"\r\n") + b"X-Huge: " + b"x" * 1_000_000 + b"\r\n\r\n")
    await raw.rest()


async def endless_header(raw: Raw, request: bytes) -> None:
    """A line that never ends; the server must not wait for its end."""
    raw.post(request.removesuffix(b"\r\n") + b"X-Endless: ")
    end = asyncio.create_task(raw.rest())
    while not end.done():
        raw.post(b"x" * 10_000)
        assert raw.sent_bytes < MOST_HEADER_BYTES, "the server waits for its end"
        await asyncio.wait({end}, timeout=0.01)


async def thousands_of_headers(raw: Raw, request: bytes) -> None:
    raw.post(request.removesuffix(b"\r\n") + b"X-Many: x\r\n" * 5000 + b"\r\n")
    await raw.rest()


async def endless_target(raw: Raw, request: bytes) -> None:
    raw.post(request.replace(b" HTTP", b"&x=" + b"x" * 100_000 + b" HTTP", 1))
    await raw.rest()


async def two_lengths(raw: Raw, request: bytes) -> None:
    """Two lengths, as in request smuggling."""
    raw.post(request.removesuffix(b"\r\n") + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    await raw.rest()


async def reset_after_the_request(raw: Raw, request: bytes) -> None:
    await raw.send(request)
    raw.reset()


async def reset_in_the_answer(raw: Raw, request: bytes) -> None:
    await raw.send(request)
    await raw.some()
    raw.reset()


async def reset_in_the_request(raw: Raw, request: bytes) -> None:
    await raw.send(request[: len(request) // 2])
    raw.reset()


async def half_close_after_the_request(raw: Raw, request: bytes) -> None:
    await raw.send(request)
    raw.end_sending()
    await raw.rest()


async def half_close_in_the_request(raw: Raw, request: bytes) -> None:
    await raw.send(request[: len(request) // 2])
    raw.end_sending()
    await raw.rest()


async def half_close_before_the_request(raw: Raw, _request: bytes) -> None:
    raw.end_sending()
    await raw.rest()


async def body_that_never_comes(raw: Raw, request: bytes) -> None:
    await raw.send(request.removesuffix(b"\r\n") + b"Content-Length: 1000000\r\n\r\nx")
    await raw.some()
    raw.reset()


async def method_without_a_meaning(raw: Raw, _request: bytes) -> None:
    await raw.send(get("*", "Connection: close", method="OPTIONS") + get("x:1", method="CONNECT"))
    raw.end_sending()
    await raw.rest()


FAULTS: list[Fault] = [
    garbage,
    tls,
    huge_header,
    endless_header,
    thousands_of_headers,
    endless_target,
    two_lengths,
    reset_after_the_request,
    reset_in_the_answer,
    reset_in_the_request,
    half_close_after_the_request,
    half_close_in_the_request,
    half_close_before_the_request,
    body_that_never_comes,
    method_without_a_meaning,
]


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_fault_of_one_client_harms_no_other(stage: Stage, fault: Fault) -> None:
    """The others receive every update, and the one at fault is forgotten."""
    await stage.serve()
    await stage.make_and_see()
    other = await stage.subscribe()
    await fault(await stage.connect(), stage.request(f"after={stage.at(0)}"))
    await stage.make()
    assert [2] == [update.seq for update in await other.receive(1)]
    await stage.server.until_metric("clients", 1)
    await stage.server.until_health(200)


@pytest.mark.parametrize(
    "opening", [b"\x16\x03\x01\x00\xc8\x01\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 9000, b"get / http\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_with_one_line(stage: Stage, opening: bytes) -> None:
    await stage.serve()
    raw = await stage.connect()
    answer = await raw.ask(opening)
    assert 400 == answer.status
    assert answer.line
    assert "close" == answer.headers["connection"]
    assert b"" == await raw.rest()


@pytest.mark.long
async def test_clients_that_vanish_while_updates_are_made_harm_no_other(stage: Stage) -> None:
    """A socket may close at the moment of a write to it."""
    await stage.serve()
    other = await stage.subscribe()
    await stage.schedule("PUT", rate_per_second=500, arrivals="periodic", payload_bytes=10)
    for _ in range(3):
        clients = [await stage.subscribe() for _ in range(20)]
        for client in clients:
            client.raw.reset()
            await other.receive(2)  # time passes
    await stage.schedule("DELETE")
    await stage.server.until_metric("clients", 1)
    await stage.server.until_health(200, stage.head)
    assert stage.server.serves


@pytest.mark.parametrize("url", ["http://127.0.0.1:PORT/", "http://[::1]:PORT", "http://localhost:PORT"])
async def test_producer_is_found_however_its_url_is_spelled(stage: Stage, url: str) -> None:
    host = "::1" if "::1" in url else "127.0.0.1"
    producer = await Running.start(Producer, idle=True, host=host)
    server = await Running.start(service_of(stage.transport.name), producer_url=url.replace("PORT", str(producer.port)))
    await server.until_health(200)
    await server.stop()
    await producer.stop()
