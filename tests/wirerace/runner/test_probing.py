"""One client subscribes to a foreign server before all others: what it may meet."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.wirerace.runner.standing import Begin, Handler, Stand, knows_nothing
from wirerace.errors import TrialFailed
from wirerace.experiment.servers import ForeignServer
from wirerace.runner.foreign import probing
from wirerace.runner.foreign.probing import Probe
from wirerace.transports import TRANSPORTS
from wirerace.wire.update import Update, encode_update

pytestmark = pytest.mark.long

UPDATE = encode_update(Update("e", 7, 1, "x"))


def probe(stand: Stand, transport: str, **keys: Any) -> None:
    server = ForeignServer(url=stand.url, dialect="nchan", **keys)
    Probe("theirs", server, TRANSPORTS[transport]).run(stand.prime, lambda: "nothing was published")


def sends(stand: list[Stand], kind: str, body: bytes) -> Handler:
    """Return a server that answers at once, and sends something when an update is made."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if kind == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await stand[0].made.wait()
            await socket.send_str(body.decode())
            return socket
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        await stand[0].made.wait()
        await response.write(body)
        await asyncio.sleep(60)
        return response

    return handle


KINDS = {"websocket": "websocket", "sse": "text/event-stream", "stream": "application/json"}


def spelled(transport: str, update: bytes) -> bytes:
    return b"id: 1\ndata: %b\n\n" % update if transport == "sse" else update


@pytest.mark.parametrize("transport", KINDS)
def test_update_that_comes_is_enough(begin: Begin, transport: str) -> None:
    stand: list[Stand] = []
    stand.append(begin(sends(stand, KINDS[transport], spelled(transport, UPDATE))))

    probe(stand[0], transport)


@pytest.mark.parametrize("transport", KINDS)
def test_something_else_than_an_update_is_shown(begin: Begin, transport: str) -> None:
    stand: list[Stand] = []
    stand.append(begin(sends(stand, KINDS[transport], spelled(transport, b"hello"))))

    with pytest.raises(TrialFailed) as failed:
        probe(stand[0], transport)
    assert str(failed.value).startswith(f"theirs: {stand[0].url} sends no update in the dialect nchan: ")
    assert str(failed.value).endswith("; it begins b'hello'")


@pytest.mark.parametrize("transport", ["polling", "longpolling"])
def test_asking_goes_on_with_the_validators_until_an_update_is_there(begin: Begin, transport: str) -> None:
    answers = iter([304, 408, 200])

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        status = next(answers)
        return web.Response(status=status, body=UPDATE if status == 200 else None, headers={"ETag": "W/1"})

    stand = begin(handle)
    probe(stand, transport)

    assert [None, "W/1", "W/1"] == [headers.get("If-None-Match") for headers in stand.requests]


async def redirects(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/there"})


async def asks_for_a_password(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})


async def answers_a_page(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="<html>hello", content_type="text/html")


BAD_ANSWERS: list[tuple[Handler, str, str]] = [
    (redirects, "sse", "answers 302: it redirects to /there: name that in url"),
    (redirects, "websocket", "answers 302: it redirects to /there: name that in url"),
    (asks_for_a_password, "stream", "answers 401: it asks for a password, or refuses everybody:"),
    (
        asks_for_a_password,
        "websocket",
        "answers 401: it asks for a password, or refuses everybody: open it for clients",
    ),
    (knows_nothing, "longpolling", r"answers 404, not 200: no such\npath"),
    (knows_nothing, "websocket", "answers 404, not 101, an upgrade to WebSocket: Invalid response status"),
    (answers_a_page, "sse", "answers with text/html, not text/event-stream; it begins b'<html>hello'"),
    (
        answers_a_page,
        "stream",
        "sends no update in the dialect nchan: JSON is malformed: invalid character (byte 0)",
    ),
]


@pytest.mark.parametrize(("handle", "transport", "said"), BAD_ANSWERS)
def test_bad_answer_fails_with_one_line(begin: Begin, handle: Handler, transport: str, said: str) -> None:
    stand = begin(handle)
    with pytest.raises(TrialFailed) as failed:
        probe(stand, transport)
    assert str(failed.value).startswith(f"theirs: {stand.url} {said}")
    assert "\n" not in str(failed.value)


def test_silence_fails_with_what_the_publisher_says(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    stand: list[Stand] = []
    stand.append(begin(sends(stand, "text/event-stream", b": nothing\n\n")))
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.3)

    with pytest.raises(TrialFailed, match=r"sent no update within 0\.3 s: nothing was published"):
        probe(stand[0], "sse")


def test_failure_of_the_producer_ends_the_probe(begin: Begin) -> None:
    stand: list[Stand] = []
    stand.append(begin(sends(stand, "text/event-stream", b"")))

    def prime() -> None:
        raise TrialFailed("no producer")

    with pytest.raises(TrialFailed, match="no producer"):
        Probe("theirs", ForeignServer(url=stand[0].url), TRANSPORTS["sse"]).run(prime, str)
