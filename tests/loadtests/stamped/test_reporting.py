"""What users for any server report to Locust, and what importing them changes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from locust import constant, task
from locust import stats as locust_stats
from locust.stats import StatsCSV, StatsEntry

from loadtests.stamped import StampedUser, keep_fractions
from tests.loadtests.script import Serve
from tests.loadtests.stamped.stand import Once, StandUp

ROOT = Path(__file__).parents[3]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
IMPORTING = """
import gc, json, sys
import gevent, locust
from locust import events, stats

def state():
    hooks = {name: len(hook._handlers) for name, hook in vars(events).items()}
    functions = [stats.bucket_response_time, stats.proper_round, stats.StatsCSV._percentile_fields]
    functions += [stats.StatsEntry.to_string, stats.StatsEntry.percentile]
    return repr((hooks, functions, gc.get_threshold(), gevent.config.track_greenlet_tree))

before, modules = state(), set(sys.modules)
import loadtests.stamped
print(json.dumps([before == state(), sorted(set(sys.modules) - modules)]))
"""
"""Prints whether an import leaves Locust as it is, and what else it loads."""


@pytest.mark.long
def test_listeners_get_what_locust_has_for_each_request(serve: Serve, stand: StandUp) -> None:
    events: list[dict[str, Any]] = []
    script = serve(HELLO)

    class User(Once):
        def context(self) -> dict[str, Any]:
            return {"user": "u"}

        def on_start(self) -> None:
            self.environment.events.request.add_listener(lambda **event: events.append(event))

        @task
        def ask(self) -> None:
            answer = self.get("/a", context={"page": 1})
            self.report("late", answer, since_ns=answer.arrival_ns - 2_500_000, error="too late")

    stand(User, script.address).wait_for(lambda: len(events) > 1)

    asked, reported = events
    assert {"request_type", "name", "response_time", "response_length", "exception", "context"} == asked.keys()
    assert ("GET", "/a", 5, None) == tuple(
        asked[key] for key in ("request_type", "name", "response_length", "exception")
    )
    assert {"user": "u", "page": 1} == asked["context"]
    assert ("message", "late", 2.5) == tuple(reported[key] for key in ("request_type", "name", "response_time"))
    assert "too late" == str(reported["exception"])


@pytest.mark.long
def test_many_different_failures_are_counted_together(serve: Serve, stand: StandUp) -> None:
    script = serve(*(b"HTTP/1.1 500 E\r\nContent-Length: 2\r\n\r\n%02d" % number for number in range(30)))

    class User(StampedUser):
        wait_time = constant(0.001)

        @task
        def listen(self) -> None:
            self.websocket("/")

    script.closes_after = set(range(31))
    stood = stand(User, script.address)
    stood.wait_for(lambda: stood.count("connect", "/") >= 30)

    assert any("other failures" in one for one in stood.failures())
    assert len(stood.failures()) < 25


@pytest.fixture
def whole_milliseconds() -> Iterator[None]:
    """Give Locust its own functions back after the test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("bucket_response_time", "proper_round"):
            patch.setattr(locust_stats, name, getattr(locust_stats, name))
        patch.setattr(StatsCSV, "_percentile_fields", StatsCSV._percentile_fields)
        for name in ("to_string", "percentile"):
            patch.setattr(StatsEntry, name, getattr(StatsEntry, name))
        yield


@pytest.mark.usefixtures("whole_milliseconds")
def test_fractions_of_a_millisecond_are_kept_if_wanted(serve: Serve, stand: StandUp) -> None:
    keep_fractions()
    script = serve(HELLO)

    class User(Once):
        @task
        def ask(self) -> None:
            answer = self.get("/a")
            self.report("late", answer, since_ns=answer.arrival_ns - 340_000)

    stood = stand(User, script.address)
    stood.wait_for(lambda: stood.count("message", "late"))

    assert 0.34 == stood.environment.stats.entries["late", "message"].get_response_time_percentile(0.99)


@pytest.mark.processes
def test_import_leaves_locust_alone_and_loads_nothing_of_the_rest() -> None:
    command = [sys.executable, "-c", IMPORTING]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    is_unchanged, loaded = json.loads(said)
    packages = {name.partition(".")[0] for name in loaded}
    ours = {".".join(name.split(".")[:2]) for name in loaded if name.startswith(("wirerace.", "loadtests."))}

    assert is_unchanged
    assert set() == packages & {"services", "typer", "rich", "docker", "aiohttp", "uvloop", "prometheus_client"}
    folders = {path.parent.name for path in ROOT.glob("wirerace/*/__init__.py")}
    assert {"observe", "transports", "wire"} == folders & {name.removeprefix("wirerace.") for name in ours}
    contract = {"user", "load", "hooks", "options", "locustfile", "pushed", "asking", "statistics", "producer", "page"}
    assert set() == contract & {name.removeprefix("loadtests.") for name in ours}
