"""The host: what every service has in common, tested on one that does nothing else."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psutil
import pytest
from aiohttp import web

from services.host import Service, ServiceOptions, serve
from tests.contract.raw import WAIT_SECONDS, Raw, get
from tests.contract.stage import Running
from wirerace.errors import BadInput
from wirerace.wire.update import Cursor

Start = Callable[..., Awaitable[Running]]


class Idle(Service):
    """A service with three paths of its own, each of which fails in another way."""

    name = "idle"
    options_type = ServiceOptions

    def __init__(self, options: ServiceOptions) -> None:
        super().__init__(options)
        self.is_live = True
        self.worked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.broken: Exception | None = None
        self.routes["/defect"] = {"GET": self._defect}
        self.routes["/body"] = {"PUT": self._body}
        self.routes["/slow"] = {"GET": self._slow}

    async def work(self) -> None:
        await self.worked.wait()
        if self.broken is not None:
            raise self.broken

    @property
    def live(self) -> bool:
        return self.is_live

    def cursor(self) -> Cursor | None:
        return None

    async def _defect(self, _request: web.BaseRequest) -> web.StreamResponse:
        raise ZeroDivisionError("a defect")

    async def _body(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"{len(await request.read())}")

    async def _slow(self, _request: web.BaseRequest) -> web.StreamResponse:
        await self.let_go.wait()
        return web.Response(text="at last")


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that starts the service."""
    started: list[Running] = []

    async def start(**options: Any) -> Running:
        started.append(await Running.start(Idle, **options))
        return started[-1]

    yield start
    for running in started:
        await running.stop()


def idle(running: Running) -> Idle:
    assert isinstance(running.service, Idle)
    return running.service


async def test_health_says_whether_the_service_works(start: Start) -> None:
    running = await start()
    answer = await running.get("/health")
    assert (200, b'{"service": "idle", "live": true}') == (answer.status, answer.body)
    assert "wirerace-cursor" not in answer.headers
    idle(running).is_live = False
    answer = await running.get("/health")
    assert (503, b'{"service": "idle", "live": false}') == (answer.status, answer.body)


async def test_defect_is_answered_with_one_line_and_logged(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback is for the log, not for the client; the service continues."""
    running = await start()
    raw = await Raw.open(running.port)
    answer = await raw.ask(get("/defect"))
    assert 500 == answer.status
    assert "defect" not in answer.line
    assert b"" == await raw.rest()
    raw.close()
    (record,) = [record for record in caplog.records if record.exc_info]
    assert "/defect" in record.getMessage()
    assert 200 == (await running.get("/health")).status


async def test_large_body_is_read_whole(start: Start) -> None:
    running = await start()
    answer = await running.ask(get("/body", method="PUT", body=b"x" * 3_000_000))
    assert (200, b"3000000") == (answer.status, answer.body)


async def test_port_in_use_is_bad_input_that_names_the_port_and_the_cure(start: Start) -> None:
    running = await start()
    with pytest.raises(
        BadInput, match=rf"^cannot listen on 127\.0\.0\.1:{running.port}: .*; choose another with --port$"
    ):
        await start(port=running.port)


async def test_service_may_listen_on_ipv6(start: Start) -> None:
    try:
        running = await start(host="::1")
    except BadInput as error:
        pytest.skip(f"no IPv6 here: {error}")
    reader, writer = await asyncio.open_connection("::1", running.port)
    writer.write(get("/health", "Connection: close"))
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_request_in_progress_is_answered_before_the_service_stops(start: Start) -> None:
    running = await start()
    raw = await Raw.open(running.port)
    await raw.send(get("/slow"))
    asked = await running.get("/health")  # by then the other request is in progress
    assert 200 == asked.status
    stopping = asyncio.create_task(running.stop())
    asyncio.get_running_loop().call_soon(idle(running).let_go.set)
    answer = await raw.answer()
    assert b"at last" == answer.body
    raw.close()
    await stopping


@pytest.mark.long
async def test_request_that_is_never_answered_holds_a_stop_up_for_a_while_only(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.host.STOP_SECONDS", 0.2)
    running = await start()
    raw = await Raw.open(running.port)
    await raw.send(get("/slow"))
    assert 200 == (await running.get("/health")).status
    async with asyncio.timeout(WAIT_SECONDS):
        await running.stop()
    assert b"" == await raw.rest()
    raw.close()


async def test_failure_of_the_work_ends_the_service_and_is_raised() -> None:
    """A service that cannot do its work must not look alive."""
    service = Idle(ServiceOptions(port=0))
    service.broken = ZeroDivisionError("broken")
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(service, asyncio.Event(), listening.set_result))
    port = await listening
    service.worked.set()
    with pytest.raises(ZeroDivisionError, match="broken"):
        await serving
    with pytest.raises(ConnectionRefusedError):
        await Raw.open(port)


@pytest.mark.processes
async def test_service_stops_when_its_parent_is_gone() -> None:
    """An experiment that was killed leaves no services behind."""
    parent = (
        "import os, subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'services', 'producer', '--port', '0', '--parent-pid', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stderr=subprocess.PIPE)\n"
        "child.stderr.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 -- it starts at once
        assert process.stdout is not None
        child = int(await asyncio.to_thread(process.stdout.readline))
        assert lives(child)
        process.kill()
        async with asyncio.timeout(WAIT_SECONDS):
            while lives(child):  # noqa: ASYNC110 -- only its parent gets an event when a process ends
                await asyncio.sleep(0.05)


def lives(pid: int) -> bool:
    """Return whether a process runs; one that has ended, and was not waited for, does not."""
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
