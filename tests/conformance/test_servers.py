"""The cases over real sockets: /echo and /ws pass them all, and servers that are known to be lax do not."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from services.inbox import Inbox
from services.incoming import NO_TEXT
from services.relay import Relay
from tests.conformance.cases import CASES, Case, Step, large_cases
from tests.conformance.running import SPLITS, Server, at_once, faults_in
from tests.contract.frames import BINARY, TEXT, Received
from tests.contract.stage import Stage
from wirerace.host.ports import free_port
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import Acknowledgement, Refusal, encode

MOST_BYTES = 1 << 20


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage("websocket")
    await stage.start()
    await stage.serve()
    yield stage
    await stage.close()


@pytest.mark.long
@pytest.mark.parametrize("split", SPLITS)
async def test_echo_passes_every_case(stage: Stage, split: str) -> None:
    echo = Server("127.0.0.1", stage.server.port, "/echo")
    assert {} == await faults_in(echo, CASES, split)
    assert {} == await faults_in(echo, {name: at_once(case) for name, case in CASES.items()}, split)


@pytest.mark.long
@pytest.mark.parametrize("split", SPLITS)
async def test_echo_passes_the_large_cases(stage: Stage, split: str) -> None:
    echo = Server("127.0.0.1", stage.server.port, "/echo")
    assert {} == await faults_in(echo, large_cases(), split)


def refusing(case: Case) -> Case:
    """Return a case for a server that refuses every message, because no case sends one with a key."""
    return tuple(Step(sent, tuple(refusal_of(frame) for frame in expected)) for sent, expected in case)


def refusal_of(frame: Received) -> Received:
    """Return the refusal of a message that would come back, and any other frame as it is."""
    if frame.opcode not in {TEXT, BINARY}:
        return frame
    answers: list[Acknowledgement | Refusal] = []
    metrics = ServiceMetrics(CollectorRegistry())
    inbox = Inbox(metrics, Relay(""), 1)
    if frame.opcode == BINARY:
        inbox.refuse(answers.append, Refusal(415, NO_TEXT))
    else:
        assert isinstance(frame.payload, bytes)
        inbox.take(frame.payload, answers.append, channel="", fan_out=False)
    return Received(TEXT, encode(answers[0]))


@pytest.mark.long
@pytest.mark.parametrize("split", SPLITS)
async def test_delivery_path_is_as_strict_as_echo(stage: Stage, split: str) -> None:
    """Where a message would come back, it is refused in a frame of text."""
    deliveries = Server("127.0.0.1", stage.server.port, "/ws")
    assert {} == await faults_in(deliveries, {name: refusing(case) for name, case in CASES.items()}, split)


LAX_IN_WEBSOCKETS = ("5.2 length", "5.4 close between", "does not end")
"""What the library websockets does otherwise: it takes lengths in any form, refuses a close between fragments, and
checks text when its message is whole."""


@pytest.mark.long
async def test_table_agrees_with_a_server_of_another_make() -> None:
    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosedError):
            async for message in connection:
                await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None, max_size=MOST_BYTES) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        checked = {name: case for name, case in CASES.items() if not any(word in name for word in LAX_IN_WEBSOCKETS)}
        assert {} == await faults_in(Server("127.0.0.1", port, "/"), checked, "in one piece")
    assert len(checked) > 0.75 * len(CASES)


@pytest.mark.long
async def test_server_that_takes_frames_without_a_mask_fails_those_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp's does."""
    monkeypatch.setattr("tests.conformance.running.WAIT_SECONDS", 0.5)

    async def echo(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(compress=False)
        await answer.prepare(request)
        async for message in answer:
            if message.type is aiohttp.WSMsgType.TEXT:
                await answer.send_str(message.data)
        return answer

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        checked = {name: case for name, case in CASES.items() if name.startswith(("5.1", "5.3"))}
        faults = await faults_in(Server("127.0.0.1", runner.addresses[0][1], "/"), checked, "in one piece")
        assert {name for name in checked if "not masked" in name} == set(faults)
        assert "expected close 1002; got close 1000" == faults["5.1 close that is not masked"]
    finally:
        await runner.cleanup()


async def command(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.conformance",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    return process.returncode, stdout.decode(), stderr.decode()


@pytest.mark.processes
async def test_command_prints_a_line_for_each_case(stage: Stage) -> None:
    port = stage.server.port
    code, printed, _ = await command(f"ws://127.0.0.1:{port}/echo", "--only", "5.3")
    assert 0 == code
    assert ["PASS 5.3 mask of zeros", "PASS 5.3 mask under which text looks like no text"] == printed.splitlines()[:2]
    assert printed.splitlines()[2].startswith("2 of 2 cases passed")

    code, printed, _ = await command(f"ws://127.0.0.1:{port}/health", "--only", "5.3 mask of zeros")
    assert (1, "FAIL 5.3 mask of zeros: in one piece: no handshake: 200") == (code, printed.splitlines()[0])


@pytest.mark.processes
@pytest.mark.parametrize("url", ["http://127.0.0.1/echo", "ws:///echo", "echo", "ws://x:y/echo"])
async def test_command_refuses_what_is_no_address(url: str) -> None:
    code, _, said = await command(url)
    assert 2 == code
    assert "ws://HOST:PORT/PATH" in said.splitlines()[-1]


@pytest.mark.processes
async def test_command_says_that_there_is_no_server() -> None:
    code, printed, said = await command(f"ws://127.0.0.1:{free_port()}/echo")
    assert (2, "", 1) == (code, printed, len(said.splitlines()))
    assert said.startswith("no server at 127.0.0.1:")
