"""The relay: a producer that lies, stalls or is gone costs its messages their acknowledgement, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from aiohttp import web

from services.relay import AT_ONCE_BYTES, AT_ONCE_MESSAGES, MOST_ANSWER_BYTES, Relay
from wirerace.wire.message import Passed


class Producing:
    """Something in the place of a producer, and a relay to it."""

    def __init__(self) -> None:
        self.asked: list[list[list[object]]] = []
        self.answer: Callable[[int], web.Response] = lambda count: web.json_response([True] * count)
        self.release = asyncio.Event()
        self.release.set()
        self.relay = Relay("")
        self.outcomes: dict[int, bool] = {}

    async def handle(self, request: web.BaseRequest) -> web.Response:
        assert ("POST", "/messages") == (request.method, request.path)
        self.asked.append(json.loads(await request.content.read()))
        await self.release.wait()
        return self.answer(len(self.asked[-1]))

    def add(self, *numbers: int, data: str = "x") -> None:
        for n in numbers:
            self.relay.add(Passed("", "ann", n, 5, data), partial(self.outcomes.__setitem__, n))

    async def settled(self, count: int) -> dict[int, bool]:
        await until(lambda: len(self.outcomes) >= count)
        return self.outcomes

    async def first_asked(self) -> None:
        await until(lambda: bool(self.asked))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- the relay has nobody to tell
            await asyncio.sleep(0.001)


@pytest.fixture
async def producing() -> AsyncIterator[Producing]:
    producing = Producing()
    runner = web.ServerRunner(web.Server(producing.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    producing.relay = Relay(f"http://127.0.0.1:{runner.addresses[0][1]}")
    work = asyncio.create_task(producing.relay.work())
    yield producing
    assert not work.done(), work
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await runner.cleanup()


async def test_what_comes_meanwhile_goes_with_the_next_request_in_order(producing: Producing) -> None:
    producing.release.clear()
    producing.add(1)
    await producing.first_asked()
    producing.add(2, 3, 4)
    producing.release.set()
    await producing.settled(4)
    assert [[1], [2, 3, 4]] == [[message[2] for message in messages] for messages in producing.asked]
    assert [1, 2, 3, 4] == list(producing.outcomes)


async def test_request_is_bounded_in_messages_and_in_bytes(producing: Producing) -> None:
    producing.add(*range(1, AT_ONCE_MESSAGES + 2))
    await producing.settled(AT_ONCE_MESSAGES + 1)
    producing.add(*range(2_001, 2_004), data="ä" * (AT_ONCE_BYTES // 2))
    await producing.settled(AT_ONCE_MESSAGES + 4)
    assert [AT_ONCE_MESSAGES, 1, 1, 1, 1] == [len(messages) for messages in producing.asked]
    assert all(producing.outcomes.values())


ANSWERS: dict[str, Callable[[int], web.Response]] = {
    "too few": lambda count: web.json_response([True] * (count - 1)),
    "too many": lambda count: web.json_response([True] * (count + 1)),
    "no list": lambda _: web.json_response({"made": True}),
    "no truth values": lambda count: web.json_response([1] * count),
    "no JSON": lambda _: web.Response(body=b"yes\xff\xfe"),
    "text that is no UTF-8": lambda _: web.Response(body=b'["\xff"]'),
    "brackets": lambda _: web.Response(body=b"[" * 10_000),
    "nothing": lambda _: web.Response(),
    "more than a list can have": lambda _: web.Response(body=b" " * (MOST_ANSWER_BYTES + 1)),
    "an error": lambda _: web.Response(status=500),
    "a refusal": lambda _: web.Response(status=400, text="bad"),
    "another place": lambda _: web.Response(status=307, headers={"Location": "/messages"}),
    "created": lambda count: web.json_response([True] * count, status=201),
    "what is not compressed": lambda _: web.Response(body=b"x", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("lie", ANSWERS)
async def test_answer_that_is_none_acknowledges_nothing_and_the_next_one_counts(producing: Producing, lie: str) -> None:
    right, producing.answer = producing.answer, ANSWERS[lie]
    producing.add(1, 2)
    assert {1: False, 2: False} == await producing.settled(2)
    producing.answer = right
    producing.add(3)
    assert (await producing.settled(3))[3]


async def test_each_message_has_its_own_outcome(producing: Producing) -> None:
    producing.answer = lambda _: web.json_response([True, False, True])
    producing.add(1, 2, 3)
    assert {1: True, 2: False, 3: True} == await producing.settled(3)


@pytest.mark.parametrize("raw", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[true]"])
async def test_peer_that_speaks_no_http_or_ends_in_the_middle_acknowledges_nothing(raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    producing = Producing()
    producing.relay = Relay(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    work = asyncio.create_task(producing.relay.work())
    for n in (1, 2):
        producing.add(n)
        assert not (await producing.settled(n))[n]
    assert not work.done()
    work.cancel()
    server.close()


async def test_client_that_cannot_be_answered_does_not_harm_the_others(
    producing: Producing, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: bool) -> None:
        raise ZeroDivisionError

    producing.relay.add(Passed("", "bob", 1, 5, ""), fail)
    producing.add(1)
    assert {1: True} == await producing.settled(1)
    assert "a client could not be answered" in caplog.text


async def test_relay_that_has_ended_refuses_at_once_and_reports_nothing_twice(producing: Producing) -> None:
    producing.release.clear()
    producing.add(1)
    await producing.first_asked()
    producing.add(2)
    producing.relay.end()
    producing.add(3)
    assert {1: False, 2: False, 3: False} == producing.outcomes
    producing.outcomes.clear()
    producing.release.set()
    await producing.relay._wanted.wait()
    assert {} == producing.outcomes


async def test_what_waits_is_bounded_in_messages_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing works here, so everything waits."""
    monkeypatch.setattr("services.relay.MOST_WAITING", 3)
    producing = Producing()
    producing.add(1, 2, 3, 4)
    assert {4: False} == producing.outcomes
    monkeypatch.setattr("services.relay.MOST_WAITING_BYTES", 100)
    producing = Producing()
    producing.add(1, data="x" * 99)
    producing.add(2, data="ä")
    producing.add(3, data="")
    assert {3: False} == producing.outcomes
    producing.relay.end()
    assert {1, 2, 3} == producing.outcomes.keys()
    assert 0 == producing.relay._waiting_bytes
