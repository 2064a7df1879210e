"""The serving groups: the CPU time of a server for one operation, ours beside the floor and the plain servers."""

import re
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.measure import BenchmarkFailed, Racer, Turn
from benchmarks.peers import CURSOR, UPDATE, Ours, Server, start_nginx, start_ours, start_plain
from benchmarks.stage import Bench, free_port, python
from benchmarks.targets import FLOOR
from wirerace.wire.event_stream import encode_event
from wirerace.wire.frames import Opcode, encode_frame

POLLING_CLIENTS = 50
POLL_RATE = 5.0  # updates a second, as are the others
WAITERS = 500
WAKE_RATE = 10.0
LISTENERS = 500
FANOUT_RATE = 50.0
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
STREAMING = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HERE = Path(__file__).parent


class Entrant(NamedTuple):
    """A server, and what must run beside it during the measurement, so that it has updates."""

    server: Server
    fed: Callable[[], AbstractContextManager[object]] = nullcontext


def poll(stage: Bench) -> list[Racer]:
    """50 clients poll without a pause: one poll that brings an update (200), or nothing (204)."""
    ours = _both_ways(stage, "polling", POLL_RATE)
    plain = Entrant(start_plain(stage, POLL_RATE))
    nginx = start_nginx(stage, stage.cores.tested)
    ask = _ask_with_wrk if shutil.which("wrk") else _ask_with_clients
    if not shutil.which("wrk"):
        stage.notes.append("wrk is not installed: our own client asks, which leaves a fast server idle")
    contestants = []
    for status, path, behind in (200, "/poll", 1), (204, "/empty", 0):
        reference = f"{status}: aiohttp, web.Response"
        contestants.append(Racer(reference, reference, partial(ask, stage, plain, "/poll", behind)))
        for name, entrant in ours.items():
            contestants.append(Racer(f"{status}: {name}", reference, partial(ask, stage, entrant, "/poll", behind)))
        if nginx:
            measure = partial(ask, stage, Entrant(nginx), path, behind)
            contestants.append(Racer(f"{status}: nginx, return", reference, measure))
    return contestants


def longpoll(stage: Bench) -> list[Racer]:
    """500 clients wait, and get an answer 10 times a second: one answer, and the next request, read and held."""
    entrants = {
        "aiohttp, Event and json_response": Entrant(start_plain(stage, WAKE_RATE)),
        **_both_ways(stage, "longpolling", WAKE_RATE),
    }
    nchan = start_nginx(stage, stage.cores.tested, nchan=True)
    if nchan:
        entrants["nchan"] = _published(stage, nchan, WAKE_RATE)
    return _against_the_first(stage, entrants, "ask", "/longpoll", WAITERS)


def fanout(stage: Bench) -> list[Racer]:
    """500 WebSocket clients, 50 updates a second of 100 bytes: one frame to one client."""
    name, floor = _floor(stage, UPGRADED, encode_frame(Opcode.TEXT, UPDATE))
    entrants = {
        name: Entrant(floor),
        "Wirerace": _ours(start_ours(stage, "websocket", stage.cores.tested), FANOUT_RATE),
        "aiohttp, await ws.send_str": Entrant(start_plain(stage, FANOUT_RATE)),
    }
    nchan = start_nginx(stage, stage.cores.tested, nchan=True)
    if nchan:
        entrants["nchan"] = _published(stage, nchan, FANOUT_RATE)
    return _against_the_first(stage, entrants, "listen", "/ws", LISTENERS)


def sse(stage: Bench) -> list[Racer]:
    """500 clients of an event stream, 50 updates a second of 100 bytes: one event to one client."""
    websocket = _ours(start_ours(stage, "websocket", stage.cores.tested), FANOUT_RATE)
    events = _ours(start_ours(stage, "sse", stage.cores.tested), FANOUT_RATE)
    event = encode_event(CURSOR.encode(), UPDATE)
    name, floor = _floor(stage, STREAMING, b"%x\r\n%b\r\n" % (len(event), event))
    reference, clients = "Wirerace, WebSocket", ["--clients", LISTENERS]
    listening = ["events", "/sse", *clients]
    racers = [
        Racer(reference, reference, partial(_measure, stage, websocket, ["listen", "/ws", *clients])),
        Racer(name, reference, partial(_measure, stage, Entrant(floor), listening)),
        Racer("Wirerace, SSE", reference, partial(_measure, stage, events, listening)),
    ]
    nchan = start_nginx(stage, stage.cores.tested, nchan=True)
    if nchan:
        published = _published(stage, nchan, FANOUT_RATE)
        racers.append(Racer("nchan, SSE", reference, partial(_measure, stage, published, listening)))
    return racers


def deflate(stage: Bench) -> list[Racer]:
    """500 WebSocket clients, 50 updates a second of 100 letters: one message to one client, compressed or not."""
    reference, clients = "Wirerace, WebSocket", ["--clients", LISTENERS]
    plain = _ours(start_ours(stage, "websocket", stage.cores.tested), FANOUT_RATE)
    racers = [Racer(reference, reference, partial(_measure, stage, plain, ["listen", "/ws", *clients]))]
    for mode, name in ("shared", "compressed once for all"), ("per-client", "a compressor for each client"):
        ours = _ours(start_ours(stage, "websocket", stage.cores.tested, "--deflate", mode), FANOUT_RATE)
        racers.append(Racer(name, reference, partial(_measure, stage, ours, ["unpack", "/ws", *clients])))
    return racers


def requests_of(report: str) -> int:
    """Return the number of requests in wrk's report.

    Raises BenchmarkFailed when some failed.
    """
    requests = re.search(r"(\d+) requests in", report)
    if requests is None or "Socket errors" in report or "Non-2xx" in report:
        raise BenchmarkFailed("wrk says: " + " | ".join(report.split("\n")))
    return int(requests[1])


def whole_seconds(stage: Bench) -> int:
    """Return how long wrk runs, in whole seconds, because it accepts no fractions."""
    return max(1, round(stage.seconds))


def _ours(ours: Ours, rate_per_second: float) -> Entrant:
    return Entrant(ours.server, partial(ours.fed, rate_per_second))


def _both_ways(stage: Bench, transport: str, rate_per_second: float) -> dict[str, Entrant]:
    """Start our server twice: with fast serving, and with aiohttp's."""
    tested = stage.cores.tested
    return {
        "Wirerace": _ours(start_ours(stage, transport, tested), rate_per_second),
        "Wirerace, serving = plain": _ours(start_ours(stage, transport, tested, "--serving", "plain"), rate_per_second),
    }


def _published(stage: Bench, server: Server, rate_per_second: float) -> Entrant:
    message = stage.directory / "message"
    message.write_bytes(UPDATE)
    options = ["--rate", rate_per_second, "--message", message]
    command = python("benchmarks.clients", "publish", server.port, "/publish", *options)
    return Entrant(server, partial(stage.running, "publisher", command))


def _against_the_first(stage: Bench, entrants: dict[str, Entrant], role: str, path: str, clients: int) -> list[Racer]:
    reference = next(iter(entrants))
    command = [role, path, "--clients", clients]
    return [Racer(name, reference, partial(_measure, stage, entrant, command)) for name, entrant in entrants.items()]


def _ask_with_wrk(stage: Bench, entrant: Entrant, path: str, behind: int) -> Turn:
    options = ["-t1", f"-c{POLLING_CLIENTS}", f"-d{whole_seconds(stage)}s", "-s", str(HERE / "poll.lua")]
    command = ["wrk", *options, entrant.server.url, "--", path, str(behind)]
    with entrant.fed():
        before = entrant.server.child.cpu_seconds()
        report = stage.run("wrk", command, stage.cores.others).text
        after = entrant.server.child.cpu_seconds()
    return Turn(after - before, requests_of(report))


def _ask_with_clients(stage: Bench, entrant: Entrant, path: str, behind: int) -> Turn:
    return _measure(stage, entrant, ["ask", path, "--clients", POLLING_CLIENTS, "--behind", behind])


def _measure(stage: Bench, entrant: Entrant, arguments: list[object]) -> Turn:
    """Run clients beside a server and return their measurement of it."""
    child, port = entrant.server.child, entrant.server.port
    role, *rest = arguments
    command = python("benchmarks.clients", role, port, *rest, "--pid", child.popen.pid, "--seconds", stage.seconds)
    with entrant.fed():
        return msgspec.json.decode(stage.run("clients", command, stage.cores.others).text, type=Turn)


def _floor(stage: Bench, head_bytes: bytes, frame_bytes: bytes) -> tuple[str, Server]:
    """Start the floor of a fan-out, in C if there is a compiler, and return it with its name."""
    head, frame = stage.directory / "head", stage.directory / "frame"
    head.write_bytes(head_bytes)
    frame.write_bytes(frame_bytes)
    name, command = _floor_in_c(stage)
    port = free_port()
    command += [str(port), str(LISTENERS), str(FANOUT_RATE), str(head), str(frame)]
    return name, Server(stage.serve("floor", command, port, stage.cores.tested), port)


def _floor_in_c(stage: Bench) -> tuple[str, list[str]]:
    compiler = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if compiler is None:
        stage.notes.append("there is no C compiler: the floor is a loop in Python")
        return "send() in a loop, in Python", [sys.executable, str(HERE / "floor.py")]
    program = str(stage.directory / "floor")
    stage.run("the C compiler", [compiler, "-O2", "-o", program, str(HERE / "floor.c")], stage.cores.others)
    return FLOOR, [program]
