"""`wirerace run --on compose`: the same experiments in the stack's containers, which are left as they were found."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import SMALL, Race, wait_until
from tests.stack.compose import PROJECT, Stack
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.stack


def whole(race: Race) -> list[dict[str, Any]]:
    assert race.wait() == 0, race.stderr
    trials: list[dict[str, Any]] = race.result["trials"]
    for trial in trials:
        assert (1.0, 0, 0) == (trial["reach"], trial["duplicated"], trial["reordered"])
    return trials


def test_experiment_has_a_whole_ledger_and_leaves_the_stack_as_it_was(run: Callable[..., Race], stack: Stack) -> None:
    schedule = stack.get("PRODUCER_PORT", "/schedule")
    trials = whole(run("load.processes=2", "window.measure_seconds=1.5"))
    assert TRANSPORTS.keys() == {trial["transport"] for trial in trials}
    for trial in trials:
        assert (20, 2) == (trial["clients"], trial["load"]["processes"])
        assert trial["server"]["cpu_seconds"] > 0
        assert trial["load"]["cpu_seconds"] > 0
        assert trial["server"]["user_bytes"] > 1_000_000
        assert trial["bytes"]["application_out"] > trial["bytes"]["payload"] > 0
    assert schedule | {"start_ns": 0} == stack.get("PRODUCER_PORT", "/schedule") | {"start_ns": 0}
    assert "stopped" == stack.get("LOCUST_PORT", "/stats/requests")["state"]
    wait_until(lambda: stack.get("LOCUST_PORT", "/stats/requests")["worker_count"] == 1)
    assert {"healthy"} == {container["State"]["Health"]["Status"] for container in stack.containers()}


def test_storm_on_the_stack_loses_nothing(run: Callable[..., Race]) -> None:
    keys = (
        'faults=[{kind = "cut", on = "clients", at_seconds = 0.5}]',
        'transports=["websocket"]',
        "window.measure_seconds=2",
    )
    (trial,) = whole(run(*keys))
    assert (20, 20) == (trial["cuts"], trial["return_seconds"]["count"])


def test_containers_are_killed_and_stalled_as_the_experiment_asks(run: Callable[..., Race], stack: Stack) -> None:
    stall = '{kind = "stall", on = "producer", at_seconds = 0.5, lasts_seconds = 0.8}'
    kill = '{kind = "kill", on = "server", at_seconds = 2.5}'
    (trial,) = whole(run(f"faults=[{kill}, {stall}]", 'transports=["websocket"]', "window.measure_seconds=6"))
    assert (1, 20) == (trial["restarts"], trial["return_seconds"]["count"])
    assert 0.6 < trial["producer"]["late_seconds_max"]
    found = [one for one in trial["verdict"]["findings"] if one["weight"] == "reason" and one["part"] != "wirerace"]
    reasons = [one["what"] for one in found if "died" in one["what"] or "stopped by a signal" in one["what"]]
    assert [] == reasons, "what was asked for is none"
    assert {"healthy"} == {container["State"]["Health"]["Status"] for container in stack.containers()}


def test_stall_that_is_interrupted_leaves_no_container_paused(run: Callable[..., Race], stack: Stack) -> None:
    stall = '{kind = "stall", on = "server", at_seconds = 0.2, lasts_seconds = 20}'
    started = run(f"faults=[{stall}]", 'transports=["websocket"]', "window.measure_seconds=30")
    started.wait_for("measuring")
    wait_until(lambda: any(container["State"]["Paused"] for container in stack.containers()))
    started.signal(signal.SIGINT)
    assert started.wait() == 130
    assert not any(container["State"]["Paused"] for container in stack.containers())


def test_server_that_is_killed_in_the_middle_is_started_again(run: Callable[..., Race], stack: Stack) -> None:
    started = run('transports=["websocket"]', "window.measure_seconds=6")
    started.wait_for("measuring")
    stack.compose("kill", "websocket")
    (trial,) = whole(started)
    assert (1, None) == (trial["restarts"], trial["server"]["cpu_seconds"])


def test_worker_that_is_killed_fails_the_trial(run: Callable[..., Race], stack: Stack) -> None:
    started = run('transports=["websocket"]', "window.measure_seconds=4")
    started.wait_for("measuring")
    stack.compose("kill", "locust-worker")
    assert started.wait() == 1
    assert "locust-worker ended in the middle of the trial" in started.stderr
    assert {"healthy"} == {container["State"]["Health"]["Status"] for container in stack.containers()}


def test_producer_that_is_killed_in_the_middle_is_started_again(run: Callable[..., Race], stack: Stack) -> None:
    started = run('transports=["websocket"]', "window.measure_seconds=6")
    started.wait_for("measuring")
    stack.compose("kill", "producer")
    code = started.wait()
    (trial,) = started.result["trials"]
    assert code == (1 if trial["lost"] else 0), started.stderr
    assert trial["delivered"] + trial["lost"] == trial["expected"]
    assert trial["lost"] <= trial["clients"], "at most the update that was being made reached nobody"
    assert {"healthy"} == {container["State"]["Health"]["Status"] for container in stack.containers()}


def quota_of(stack: Stack, service: str) -> int:
    """Return the CPU quota of a service's container, in billionths of a core."""
    (quota,) = [
        container["HostConfig"]["NanoCpus"]
        for container in stack.containers()
        if container["Config"]["Labels"]["com.docker.compose.service"] == service
    ]
    return int(quota)


def test_servers_have_the_quota_of_the_experiment_and_theirs_again_afterwards(
    run: Callable[..., Race], stack: Stack
) -> None:
    before = {name: quota_of(stack, name) for name in ("polling", "websocket")}
    assert 0 < min(before.values())
    started = run('transports=["websocket"]', "servers.cpus=0.15", "window.measure_seconds=2")
    started.wait_for("measuring")
    assert 150_000_000 == quota_of(stack, "websocket")
    whole(started)
    assert before == {name: quota_of(stack, name) for name in ("polling", "websocket")}


def test_search_on_the_stack_that_is_interrupted_puts_quotas_back(run: Callable[..., Race], stack: Stack) -> None:
    before = quota_of(stack, "websocket")
    search = (
        'kind="capacity"',
        'capacity.objectives=["latency.p99 < 60"]',
        "capacity.most=40",
        'transports=["websocket"]',
        "servers.cpus=0.5",
    )
    started = run(*search, "window.measure_seconds=30")
    started.wait_for("measuring")
    assert 500_000_000 == quota_of(stack, "websocket")
    started.signal(signal.SIGINT)
    assert started.wait() == 130
    assert before == quota_of(stack, "websocket")


def test_stack_that_is_in_use_is_left_alone(run: Callable[..., Race], stack: Stack) -> None:
    wait_until(lambda: stack.get("LOCUST_PORT", "/stats/requests").get("worker_count") == 1)
    assert stack.post("LOCUST_PORT", "/swarm", user_count=3, spawn_rate=3)["success"]
    wait_until(lambda: stack.get("LOCUST_PORT", "/stats/requests")["state"] == "running")
    started = run()
    assert started.wait() == 2
    assert "wirerace: Locust is running a test on the stack: stop it first\n" == started.stderr
    stack.post("LOCUST_PORT", "/stop")


def test_option_of_a_server_is_refused_with_the_place_where_it_is_set(run: Callable[..., Race]) -> None:
    started = run("websocket.ping_interval_seconds=5")
    assert started.wait() == 2
    assert (
        "websocket.ping_interval_seconds is a server's, and the stack's are set in docker-compose.yml" in started.stderr
    )


def test_missing_engine_is_said_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    command = [sys.executable, "-m", "wirerace", "run", "small.toml", "--on", "compose", "--out", "out"]
    environment = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/none"}
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    line = "wirerace: no Docker engine answers: start it, or leave out --on compose\n"
    assert (2, line) == (finished.returncode, finished.stderr)


@pytest.fixture
def other(run: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: ARG001 -- run sets its project first
    """A project beside the stack, with its own ports, of which no part is up."""
    project = f"{PROJECT}-other"
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", project)
    for name, port in Stack().ports.items():
        monkeypatch.setenv(name, str(port))
    yield project
    subprocess.run(["docker", "compose", "-p", project, "down", "--volumes"], capture_output=True, check=True)


def containers_of(project: str) -> str:
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout


def test_stack_that_is_down_is_brought_up_and_taken_away(run: Callable[..., Race], other: str) -> None:
    (trial,) = whole(run('transports=["websocket"]', "window.measure_seconds=1"))
    assert trial["updates"] > 0
    assert "" == containers_of(other)


def test_master_that_is_killed_costs_its_trial_and_nothing_else(run: Callable[..., Race], other: str) -> None:
    """The trial after it is in the table, and nothing stays behind."""
    keys = ('transports=["websocket", "polling"]', "window.measure_seconds=3")
    started = run(*keys)
    started.wait_for("[1/2] Polling: measuring")
    subprocess.run(["docker", "kill", f"{other}-locust-1"], capture_output=True, check=True)
    assert started.wait() == 1
    assert "wirerace: polling, repeat 1: locust ended in the middle of the trial; its log ends: " in started.stderr
    assert ["websocket"] == [trial["transport"] for trial in started.result["trials"]]
    assert "WebSocket" in started.stdout_file.read_text()
    assert "" == containers_of(other)


def test_interrupted_start_of_the_stack_leaves_nothing_behind(run: Callable[..., Race], other: str) -> None:
    started = run('transports=["websocket"]')
    wait_until(lambda: containers_of(other) != "")
    started.signal(signal.SIGINT)
    assert started.wait() == 130, started.stderr
    assert "Traceback" not in started.stderr
    assert "" == containers_of(other)


def test_taken_port_is_said_with_its_number(
    run: Callable[..., Race], stack: Stack, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = str(stack.ports["PRODUCER_PORT"])
    monkeypatch.setenv("PRODUCER_PORT", taken)
    started = run('transports=["websocket"]')
    assert started.wait() == 2
    (line,) = started.stderr.splitlines()
    assert line.startswith("wirerace: docker compose up: ")
    assert taken in line
    assert "" == containers_of(other)


def test_part_that_does_not_come_up_is_said_with_its_last_words(
    run: Callable[..., Race], other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_PER_SECOND", "often")
    started = run('transports=["websocket"]')
    assert started.wait() == 2
    (line,) = started.stderr.splitlines()
    assert line.startswith("wirerace: docker compose up: ")
    assert "producer is down; its log ends: producer: WIRERACE_RATE_PER_SECOND must be a number" in line
    assert "" == containers_of(other)


def test_old_compose_is_said_on_one_line(
    run: Callable[..., Race], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "docker"
    old.write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    started = run()
    assert started.wait() == 2
    line = "wirerace: docker compose is not there: Compose v2 is needed, docs.docker.com/compose/install\n"
    assert line == started.stderr
