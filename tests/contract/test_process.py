"""Processes: services start, stop and refuse to start as a supervisor and a person expect."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from services.__main__ import SERVICES, service_of
from tests.contract.clients import HTTP_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.frames import CLOSE, Peer, Received
from tests.contract.processes import Ended, ServiceProcess, run
from tests.contract.raw import WAIT_SECONDS, Raw, get
from tests.contract.stage import Stage, until
from wirerace.observe.metrics import samples
from wirerace.options import flag_of, variable_of

pytestmark = pytest.mark.processes

STOP_SECONDS = 5.0
Launch = Callable[..., Awaitable[ServiceProcess]]


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Return a function that starts a service, which ends with the test."""
    started: list[ServiceProcess] = []

    async def launch(name: str, *arguments: str, **environment: str) -> ServiceProcess:
        started.append(await ServiceProcess.start(name, *arguments, **environment))
        return started[-1]

    yield launch
    for process in started:
        process.close()


async def connect(stage: Stage, process: ServiceProcess) -> Raw:
    """Return a connection with a granted request; a 503 means that the feed is not live yet."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            raw = await stage.connect(process)
            answer = await raw.ask(stage.request("hold=0"))
            if answer.status != 503:
                assert stage.client_type.granted == answer.status
                return raw


async def held(stage: Stage, process: ServiceProcess, count: int) -> None:
    """Wait until `count` requests are held."""
    raw = await stage.connect(process)

    async def holds() -> bool:
        return samples((await raw.ask(get("/metrics"))).body.decode())["wirerace_held_requests"] == count

    await until(holds, f"{count} requests are held")


async def stopped_in_time(process: ServiceProcess) -> bool:
    """Stop with SIGTERM and return whether it exited with 0 in time, without a traceback.

    Where starting takes long, because the machine is busy, so may stopping; it costs far less.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    code = await process.end()
    assert "Traceback" not in process.log, process.log
    return code == 0 and loop.time() - begun < STOP_SECONDS + process.took_seconds


@pytest.mark.parametrize("transport", HTTP_TRANSPORTS)
async def test_sigterm_answers_requests_and_ends_with_0(stage: Stage, launch: Launch) -> None:
    """A held request gets 204 and its cursor, an idle connection closes, one that reads nothing delays no other."""
    process = await launch(stage.transport.name, "--producer-url", stage.link.url)
    idle, waiting, silent = [await connect(stage, process) for _ in range(3)]
    await waiting.send(stage.request("hold=60"))
    await silent.send(stage.request("hold=60")[:10])
    await held(stage, process, 0 if stage.transport.name == "polling" else 1)
    assert await stopped_in_time(process)
    assert b"" == await idle.rest()
    answer = await waiting.answer()
    assert 204 == answer.status
    assert stage.at(0) == answer.cursor
    assert b"" == await waiting.rest()


@pytest.mark.parametrize("transport", WEBSOCKET_TRANSPORTS)
async def test_sigterm_closes_sockets_with_1001_and_ends_with_0(stage: Stage, launch: Launch) -> None:
    """A client that does not answer the close delays no other."""
    process = await launch(stage.transport.name, "--producer-url", stage.link.url)
    raw = await connect(stage, process)
    assert await stopped_in_time(process)
    assert [Received(CLOSE, 1001)] == await Peer(raw).rest()


async def test_producer_ends_with_0_on_sigterm_and_on_sigint(launch: Launch) -> None:
    first, second = await launch("producer"), await launch("producer", "--idle", "true")
    assert await stopped_in_time(first)
    assert 0 == await second.end(signal.SIGINT)


async def test_json_logs_are_json_while_there_is_no_feed(launch: Launch) -> None:
    """From the first line to the last, with the warnings between them."""
    process = await launch("polling", WIRERACE_LOG_FORMAT="json", WIRERACE_PRODUCER_URL="http://127.0.0.1:1")

    async def warned() -> bool:
        return "warning" in process.log

    await until(warned, "there is a warning")
    assert await stopped_in_time(process)
    entries = [json.loads(line) for line in process.log.splitlines()]
    assert all({"time", "level", "logger", "message"} <= entry.keys() for entry in entries)
    assert "polling stopped" == entries[-1]["message"]


@pytest.mark.parametrize("name", SERVICES)
async def test_help_lists_every_option_with_its_variable_and_what_it_does(name: str) -> None:
    ended = await run(name, "--help")
    assert 0 == ended.code
    options = msgspec.structs.fields(service_of(name).options_type)
    flags = [flag_of(option.name) for option in options]
    entries = [" ".join(entry.split()) for entry in re.split(r"\n  (?=--)", ended.stdout)[1:]]
    assert flags == [entry.split()[0] for entry in entries]
    for option, entry in zip(options, entries, strict=True):
        _flag, _placeholder, what = entry.split(" ", 2)
        described, variable, _ = what.partition(f"(${variable_of(option.name)}")
        assert variable, entry
        assert described, entry


def refused(ended: Ended, service: str) -> str:
    """Return the one line that a service said before it ended with 2."""
    assert 2 == ended.code
    assert "" == ended.stdout
    assert 1 == ended.stderr.count("\n"), ended.stderr
    assert ended.stderr.startswith(f"{service}: ")
    return ended.stderr


async def test_port_in_use_is_said_in_one_line(launch: Launch) -> None:
    process = await launch("producer", "--idle", "true")
    ended = await asyncio.gather(*(run(name, "--port", str(process.port)) for name in SERVICES))
    for name, end in zip(SERVICES, ended, strict=True):
        line = refused(end, name)
        assert f"127.0.0.1:{process.port}" in line
        assert "--port" in line


@pytest.mark.parametrize(
    ("service", "arguments", "environment", "named"),
    [
        ("polling", ["--port", "70000"], {}, "--port"),
        ("websocket", [], {"WIRERACE_PORT": "x"}, "WIRERACE_PORT"),
        ("longpolling", ["--hold-seconds", "-1"], {}, "--hold-seconds"),
        ("longpolling", [], {"WIRERACE_HOLD_SECONDS": "3601"}, "WIRERACE_HOLD_SECONDS"),
        ("polling", ["--log-format", "xml"], {}, "--log-format"),
        ("polling", ["--producer-url", "nonsense"], {}, "--producer-url"),
        ("polling", ["--host", "nosuch.invalid"], {}, "nosuch.invalid"),
        ("producer", ["--host", "a..b"], {}, "--host must be an address or a name, got 'a..b'"),
        (
            "websocket",
            ["--producer-url", "http://a..b:1"],
            {},
            "--producer-url: a host is a URL such as http://127.0.0.1",
        ),
        ("producer", ["--arrivals", "trace", "--trace-file", "\udcff"], {}, r"--trace-file: '\udcff' is no UTF-8"),
        ("polling", [], {"WIRERACE_PORT": "\udcff"}, "WIRERACE_PORT must be UTF-8"),
        ("producer", ["--arrivals", "trace"], {}, "--trace-file"),
        ("producer", ["--arrivals", "trace", "--trace-file", "/nosuch/trace"], {}, "/nosuch/trace"),
        ("producer", ["--record-file", "/nosuch/record"], {}, "/nosuch/record"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list | dict) else value,
)
async def test_bad_option_is_refused_in_one_line_that_names_it(
    service: str, arguments: list[str], environment: dict[str, str], named: str
) -> None:
    assert named in refused(await run(service, *arguments, **({"WIRERACE_PORT": "0"} | environment)), service)


@pytest.mark.parametrize("arguments", [["nosuch"], ["polling", "--nosuch"]], ids=" ".join)
async def test_unknown_argument_is_refused_without_a_traceback(arguments: list[str]) -> None:
    ended = await run(*arguments)
    assert 2 == ended.code
    assert "Traceback" not in ended.stderr
    assert "usage: " in ended.stderr


async def test_flag_comes_before_the_environment(launch: Launch) -> None:
    process = await launch("producer", "--idle", "true", WIRERACE_PORT="1")
    assert process.port > 1
