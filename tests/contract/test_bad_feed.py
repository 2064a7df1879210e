"""A feed that speaks nonsense: no server ends, none forwards it, and each reports once that it has no feed."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from services.__main__ import service_of
from tests.contract.clients import CLIENTS
from tests.contract.stage import Running, until
from wirerace.backoff import Backoff
from wirerace.transports import TRANSPORTS

HEAD = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: %b\r\n%b\r\n"
GOOD = [b'{"epoch":"e0","seq":%d,"ts":1790000000000000000,"data":"%d"}\n' % (seq, seq) for seq in range(1, 5)]


class Nonsense:
    """Something in the place of a producer: it answers every request with the same bytes, and keeps the link open."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        """Return its URL."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self.hang_up()
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                writer.write(self.answer)


def feed(*lines: bytes, cursor: bytes = b"e0-4", headers: bytes = b"") -> bytes:
    """Return the answer of a producer whose newest update is the fourth."""
    return HEAD % (cursor, headers) + b"".join(lines)


def update(
    epoch: bytes = b'"e0"', seq: bytes = b"3", ts: bytes = b"1", data: bytes = b'"x"', more: bytes = b""
) -> bytes:
    return b'{"epoch":%b,"seq":%b,"ts":%b,"data":%b%b}\n' % (epoch, seq, ts, data, more)


LINES = {
    "bytes that are no UTF-8": update(data=b'"\xff\xfe"'),
    "no UTF-8 in a field that nobody knows": update(more=b',"more":"\xff"'),
    "no UTF-8 in the name of a field": update(more=b',"mo\xffre":1'),
    "50,000 brackets": b"[" * 50_000 + b"\n",
    "50,000 brackets in a field": update(more=b',"more":' + b"[" * 50_000),
    "a time of 400 digits": update(ts=b"1" * 400),
    "a time of 5000 digits": update(ts=b"1" * 5000),
    "a time beyond 64 bits": update(ts=b"9223372036854775808"),
    "a time before 1970": update(ts=b"-1"),
    "a number of 400 digits": update(seq=b"1" * 400),
    "a number of 0": update(seq=b"0"),
    "a number that was there": update(seq=b"2"),
    "half of a surrogate pair": update(data=b'"\\ud83d"'),
    "an epoch with a line break": update(epoch=b'"e1\\r\\nX-Injected: 1"', seq=b"1"),
    "an epoch without a character": update(epoch=b'""', seq=b"1"),
    "an epoch of 17 characters": update(epoch=b'"aaaaaaaaaaaaaaaaa"', seq=b"1"),
    "no update": b"{}\n",
    "a page": b"<html>\n",
    "a block of zeros": b"\0" * 4096 + b"\n",
    "a line without an end": b"x" * (9 * 1024 * 1024),
}  # fmt: skip
ANSWERS = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "no cursor": b"HTTP/1.1 200 OK\r\n\r\n",
    "a cursor that is none": feed(cursor=b"nonsense"),
    "a cursor with a line break": feed(cursor=b"e0\r\n -4"),
    "another status": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a circle": b"HTTP/1.1 302 Found\r\nLocation: /feed\r\nContent-Length: 0\r\n\r\n",
    "somewhere that is no address": b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    "chunks of no length": feed(b"zz\r\n", headers=b"Transfer-Encoding: chunked\r\n"),
    "no gzip": feed(b"\x1f\x8b\n", headers=b"Content-Encoding: gzip\r\n"),
    "a header without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "a length of 400 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 400 + b"\r\n\r\n",
}  # fmt: skip


@pytest.fixture
async def nonsense() -> AsyncIterator[Nonsense]:
    nonsense = Nonsense(b"")
    yield nonsense
    await nonsense.close()


@pytest.fixture(autouse=True)
def quick_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the nonsense to send no heartbeats, and make the server ask again soon."""
    monkeypatch.setattr("services.feed.SILENCE_SECONDS", 0.2)
    monkeypatch.setattr("services.feed.OF_FEED", Backoff(0.005, 0.02))


@pytest.fixture
async def server(nonsense: Nonsense, transport: str) -> AsyncIterator[Running]:
    """A server that follows the nonsense."""
    server = await Running.start(service_of(transport), producer_url=await nonsense.start())
    yield server
    await server.stop()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def until_asked(nonsense: Nonsense, times: int) -> None:
    async def holds() -> bool:
        return nonsense.asked >= times

    await until(holds, f"the server has asked {times} times")


@pytest.mark.long
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_server_outlives_a_line_of_nonsense_and_resumes_before_it(
    server: Running, nonsense: Nonsense, transport: str, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Updates before it are kept; the server resumes after them when the feed is right. No client gets nonsense."""
    nonsense.answer = feed(*GOOD[:2], line, *GOOD[2:])
    await server.until_health(503, "e0-2")
    asked = nonsense.asked
    await until_asked(nonsense, asked + 2)
    assert 503 == (await server.get("/health")).status
    (warning,) = [text for text in warnings(caplog) if "line" in text or "epoch" in text]
    assert "\n" not in warning
    assert len(warning) < 500
    nonsense.answer = feed(*GOOD[2:])
    nonsense.hang_up()
    await server.until_health(200, "e0-4")
    client = CLIENTS[transport](TRANSPORTS[transport].path, "e0-0")
    await client.subscribe(server.port)
    assert [1, 2, 3, 4] == [one.seq for one in await client.receive(4)]
    client.abort()
    assert "Traceback" not in caplog.text


@pytest.mark.long
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_server_outlives_an_answer_that_is_no_feed(
    server: Running, nonsense: Nonsense, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense.answer = answer
    nonsense.hang_up()
    await until_asked(nonsense, 3)
    health = await server.get("/health")
    assert 503 == health.status
    assert b"no feed from http://127.0.0.1:" in health.body
    assert all("\n" not in text for text in warnings(caplog))
    assert len(set(warnings(caplog))) == len(warnings(caplog)) <= 3
    assert "Traceback" not in caplog.text
    nonsense.answer = feed(*GOOD)
    nonsense.hang_up()
    await server.until_health(200, "e0-4")
