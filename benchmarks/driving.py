"""The driving groups: the CPU time of a load generator for one operation, ours beside Locust's own clients and wrk."""

import shutil
from functools import partial

import msgspec

from benchmarks.measure import Racer, Turn
from benchmarks.peers import CURSOR, Server, start_nginx, start_ours
from benchmarks.serving import requests_of, whole_seconds
from benchmarks.stage import Bench, python
from wirerace.workload.schedule import Schedule

POLLING_USERS = 50
RARELY = 0.01  # updates a second: only the first one comes during a measurement
LISTENING_USERS = 200
MESSAGE_RATE = 50.0


def drive_poll(stage: Bench) -> list[Racer]:
    """50 users poll without a pause, and each answer brings the same update: one poll."""
    server, target = _answering_server(stage)
    reference = "Locust FastHttpUser"

    def users(name: str, kind: str) -> Racer:
        options = ["--users", POLLING_USERS, "--target", target]
        return Racer(name, reference, partial(drive, stage, server, kind, options))

    contestants = [
        users(reference, "fast-http-user"),
        users("Locust HttpUser", "http-user"),
        users("Wirerace, whole polling user", "polling-user"),
        users("Wirerace, HttpClient alone", "http-client"),
        users("Wirerace, StampedUser: any server, an event each", "stamped-poller"),
    ]
    if shutil.which("wrk"):
        contestants.append(Racer("wrk", reference, partial(_drive_wrk, stage, server, target)))
    else:
        stage.notes.append("left out: wrk, which is not installed")
    return contestants


def drive_message(stage: Bench) -> list[Racer]:
    """200 users receive from our server, 50 updates a second: one message received and accounted for."""
    ours = start_ours(stage, "websocket", stage.cores.others)
    reference = "websocket-client, json, an event each"

    def measure(kind: str) -> Turn:
        with ours.fed(MESSAGE_RATE):
            return drive(stage, ours.server, kind, ["--users", LISTENING_USERS])

    events = start_ours(stage, "sse", stage.cores.others)

    def measure_events() -> Turn:
        with events.fed(MESSAGE_RATE):
            return drive(stage, events.server, "sse-user", ["--users", LISTENING_USERS])

    return [
        Racer(reference, reference, partial(measure, "event-per-message")),
        Racer("Wirerace, whole WebSocket user", reference, partial(measure, "websocket-user")),
        Racer("Wirerace, whole SSE user", reference, measure_events),
        Racer("Wirerace, WebSocketClient alone", reference, partial(measure, "websocket-client")),
        Racer("Wirerace, StampedUser: json, an event each", reference, partial(measure, "stamped-listener")),
    ]


def _answering_server(stage: Bench) -> tuple[Server, str]:
    """Start a server of polls, and return it with a target that always brings one update."""
    nginx = start_nginx(stage, stage.cores.others)
    if nginx:
        return nginx, f"/poll?after={CURSOR}"
    stage.notes.append("our polling server answers in its place")
    ours = start_ours(stage, "polling", stage.cores.others)
    schedule = Schedule(rate_per_second=RARELY, arrivals="periodic")
    ours.producer.send("PUT", "/schedule", schedule, Schedule)
    return ours.server, "/poll?after=0-0"


def drive(stage: Bench, server: Server, kind: str, options: list[object]) -> Turn:
    """Return what users of a kind do in a turn, and the CPU time that it takes."""
    command = python("benchmarks.users", kind, server.url, "--seconds", stage.seconds, *options)
    return msgspec.json.decode(stage.run(kind, command, stage.cores.tested).text, type=Turn)


def _drive_wrk(stage: Bench, server: Server, target: str) -> Turn:
    command = ["wrk", "-t1", f"-c{POLLING_USERS}", f"-d{whole_seconds(stage)}s", server.url + target]
    output = stage.run("wrk", command, stage.cores.tested)
    return Turn(output.cpu_seconds, requests_of(output.text))
