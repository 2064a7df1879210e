"""Other people's servers in a trial: found, started, looked at before clients come."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web

from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan, plans_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.servers import ForeignServer
from wirerace.experiment.shipped import Requirement
from wirerace.runner.foreign import probing
from wirerace.runner.foreign.installed import found
from wirerace.runner.foreign.probing import Probe
from wirerace.runner.foreign.publishing import publisher_command
from wirerace.runner.foreign.starting import ForeignParts, ForeignPeer
from wirerace.runner.parts.running import RunningServer
from wirerace.runner.peer import Peer
from wirerace.runner.sampling import foreign_sample
from wirerace.runner.targets.target import Child
from wirerace.transports import TRANSPORTS
from wirerace.wire.update import Update, encode_update

UPDATE = encode_update(Update("e", 7, 1, "x"))
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Stand:
    """A small server in a thread of its own. `made` is set when an update is to be made."""

    def __init__(self, handle: Handler) -> None:
        self._loop = asyncio.new_event_loop()
        self._handle = handle
        self.made = asyncio.Event()
        self.requests: list[dict[str, str]] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,))
        self._thread.start()
        assert ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _serve(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._asked, handler_cancellation=True), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/updates"

    async def _asked(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(dict(request.headers))
        return await self._handle(request)

    def prime(self) -> None:
        self._loop.call_soon_threadsafe(self.made.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


Begin = Callable[[Handler], Stand]


@pytest.fixture
def begin() -> Iterator[Begin]:
    stands: list[Stand] = []

    def start(handle: Handler) -> Stand:
        stands.append(Stand(handle))
        return stands[-1]

    yield start
    for stand in stands:
        stand.stop()


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


async def knows_nothing(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=404, text="no such\npath")


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


def plan_with(server: dict[str, Any]) -> Plan:
    contestant = {"id": "theirs", "transport": "websocket", "server": server}
    (plan,) = plans_of(study_of({"title": "t", "contestants": [contestant]}, Path()).settings[0], 1)
    return plan


def start(server: dict[str, Any], logs: Path) -> Child:
    return ForeignParts(logs).start(plan_with(server), "http://127.0.0.1:1", [])[0]


def test_server_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match=r"^theirs: http://127\.0\.0\.1:1/ cannot be reached: Connection refused"):
        start({"url": "http://127.0.0.1:1/", "dialect": "bare"}, tmp_path)


def test_process_that_is_not_there_fails(begin: Begin, tmp_path: Path) -> None:
    stand = begin(knows_nothing)
    with pytest.raises(TrialFailed, match=r"^theirs: there is no process 4194304: correct pid in its server"):
        start({"url": stand.url, "dialect": "bare", "pid": 4_194_304}, tmp_path)


def test_process_of_somebody_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    with pytest.raises(TrialFailed, match=r"^theirs: process .* belongs to somebody else"):
        RunningServer("theirs", os.getpid(), is_local=True)


def test_running_server_is_sampled_and_left_alone(begin: Begin, tmp_path: Path) -> None:
    stand = begin(knows_nothing)
    child = start({"url": stand.url, "dialect": "bare", "pid": os.getpid()}, tmp_path)
    sample = foreign_sample(child, 5)

    assert (5, None, None) == (sample.began_ns, sample.sent_bytes, sample.feed_updates)
    assert sample.cpu_seconds is not None
    assert sample.cpu_seconds > 0
    assert (child.part.memory().user_bytes or 0) > 0
    child.part.stop()
    assert (False, False) == (child.part.has_ended(), child.part.is_stopped())


def test_server_of_which_no_process_is_known_has_no_costs(begin: Begin, tmp_path: Path) -> None:
    child = start({"url": begin(knows_nothing).url, "dialect": "bare"}, tmp_path)

    assert (None, None) == (foreign_sample(child, 5).cpu_seconds, child.part.memory().user_bytes)
    assert not child.part.has_ended()


def test_server_that_ends_in_the_trial_fails_it(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ForeignParts(tmp_path)
    server = {"url": begin(knows_nothing).url, "dialect": "bare", "pid": os.getpid()}
    child, started = parts.start(plan_with(server), "", [])
    assert ([child.part], []) == (parts.running, started)
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: False)

    with pytest.raises(TrialFailed, match=r"^theirs ended in the middle of the trial; see its own log"):
        parts.watch()
    parts.leave(child.part)
    parts.watch()


REQUIREMENTS: list[tuple[Requirement, str]] = [
    (Requirement(name="x", cure="apt install it", program="no-such-program"), "the program no-such-program"),
    (Requirement(name="x", cure="apt install it", module="no_such_module"), "the Python module no_such_module"),
    (Requirement(name="x", cure="apt install it", node="no-such-package"), "the package no-such-package of Node.js"),
    (Requirement(name="x", cure="apt install it", files=["/no/such.so"]), "the file such.so"),
]


@pytest.mark.parametrize(("requirement", "what"), REQUIREMENTS)
def test_what_is_not_installed_is_named_with_its_cure(requirement: Requirement, what: str) -> None:
    with pytest.raises(TrialFailed, match=f"^theirs needs {what}, which is not installed: apt install it$"):
        found("theirs", [requirement], "")


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/package.json").write_text("{}")
    needs = [
        Requirement(name="python", cure="", program=Path(sys.executable).name),
        Requirement(name="modules", cure="", node="ws"),
        Requirement(name="file", cure="", files=["/no", str(tmp_path / "ws/package.json")]),
        Requirement(name="aiohttp", cure="", module="aiohttp"),
    ]

    places = found("theirs", needs, str(tmp_path))
    assert (str(tmp_path), str(tmp_path / "ws/package.json")) == (places["modules"], places["file"])


def test_publisher_gets_what_the_server_says_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRERACE_PUBLISH_TOKEN", "t0ken")
    place = ForeignServer(
        url="http://a/",
        publisher="mercure",
        publish_url="http://a/hub",
        topic="news",
        token_file="/t",  # noqa: S106
    )
    command = publisher_command(ForeignPeer("theirs", place), 9, "http://p")

    assert ["-m", "services", "publisher", "--port", "9", "--producer-url", "http://p"] == command[:7]
    assert [
        "--publish-url",
        "http://a/hub",
        "--protocol",
        "mercure",
        "--topic",
        "news",
        "--token-file",
        "/t",
    ] == command[7:]
    assert [] == publisher_command(Peer("sse", 1), 9, "http://p")
    assert [] == publisher_command(ForeignPeer("theirs", ForeignServer(url="http://a/")), 9, "http://p")


def test_contract_needs_health_and_others_an_open_port(begin: Begin) -> None:
    stand = begin(knows_nothing)
    for dialect, is_up in (("contract", False), ("bare", True)):
        place = ForeignServer(url=stand.url, dialect=dialect)  # type: ignore[arg-type]
        assert is_up == ForeignPeer("theirs", place).is_up()
