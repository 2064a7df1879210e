"""The memory group: what a client takes of the own memory (USS) of a server's process, and of a load process."""

from functools import partial
from typing import NamedTuple

import msgspec

from benchmarks.measure import MemoryGrowth, Racer
from benchmarks.peers import ours_for_once
from benchmarks.stage import Bench, python

FIRST_CLIENTS = 200
CLIENTS = 3_000
RATE = 2.0  # updates a second: each client receives some, and next to none is on its way when memory is read


class ClientKind(NamedTuple):
    """A kind of client: its server, and the role and the user that play it."""

    name: str
    transport: str
    role: str
    path: str
    user: str


KINDS = (
    ClientKind("WebSocket", "websocket", "listen", "/ws", "websocket-user"),
    ClientKind("SSE", "sse", "events", "/sse", "sse-user"),
    ClientKind("held poll", "longpolling", "ask", "/longpoll", "held-user"),
    ClientKind("poller", "polling", "poll", "/poll", "waiting-user"),
)


def memory(stage: Bench) -> list[Racer]:
    """3,000 clients, 2 updates a second of 100 bytes: growth of a process from 200 clients on, for each client."""
    racers, first = [], f"server, {KINDS[0].name}"
    for kind in KINDS:
        racers.append(Racer(f"server, {kind.name}", first, partial(_server, stage, kind)))
        racers.append(Racer(f"load, {kind.name}", first, partial(_load, stage, kind)))
    return racers


def _server(stage: Bench, kind: ClientKind) -> MemoryGrowth:
    """Measure a new server: one that has had clients before would use their memory again."""
    with ours_for_once(stage, kind.transport, stage.cores.tested) as ours, ours.fed(RATE):
        numbers = ["--clients", CLIENTS, "--grown-from", FIRST_CLIENTS, "--pid", ours.server.child.popen.pid]
        command = python("benchmarks.clients", kind.role, ours.server.port, kind.path, *numbers)
        return msgspec.json.decode(stage.run("clients", command, stage.cores.others).text, type=MemoryGrowth)


def _load(stage: Bench, kind: ClientKind) -> MemoryGrowth:
    with ours_for_once(stage, kind.transport, stage.cores.tested) as ours, ours.fed(RATE):
        command = python(
            "benchmarks.users", kind.user, ours.server.url, "--users", CLIENTS, "--grown-from", FIRST_CLIENTS
        )
        return msgspec.json.decode(stage.run(kind.user, command, stage.cores.others).text, type=MemoryGrowth)
