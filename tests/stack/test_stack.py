"""The stack as its users see it: real containers, a real Prometheus, Locust's page."""

import json
import re
import subprocess
import time
from typing import Any

import pytest

from grafana.build import DASHBOARDS, encoded
from loadtests.demo import workers_of
from tests.race.running import wait_until
from tests.stack.compose import PARTS, ROOT, Stack
from tests.stack.promtool import promtool
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def loaded(stack: Stack) -> Stack:
    """The stack with clients of every transport, for long enough that every rate is known."""
    started = stack.post("LOCUST_PORT", "/swarm", user_count=30, spawn_rate=30, polling_interval_seconds="0.5")
    assert started["success"], started
    wait_until(lambda: stack.value("sum(wirerace:clients)") == 30)
    wait_until(lambda: stack.value("min(wirerace:deliveries:rate)") > 0)
    wait_until(lambda: len(stack.samples("wirerace:cpu_seconds_per_delivery")) == len(TRANSPORTS))  # the last to come
    return stack


def test_compose_file_is_clean() -> None:
    finished = subprocess.run(["docker", "compose", "config"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (finished.returncode, finished.stderr)


def test_every_part_is_healthy_and_scraped(stack: Stack) -> None:
    states = {container["Name"]: container["State"]["Health"]["Status"] for container in stack.containers()}
    assert len(PARTS) == len(states)
    assert {"healthy"} == set(states.values())
    wait_until(lambda: len(stack.samples('up{job=~"server|producer|load"} == 1')) == 2 + len(TRANSPORTS))


def test_containers_may_do_little(stack: Stack) -> None:
    for container in stack.containers():
        config, host = container["Config"], container["HostConfig"]
        uid = subprocess.run(
            ["docker", "exec", container["Id"], "id", "-u"], capture_output=True, text=True, check=True
        ).stdout.strip()
        assert uid != "0", container["Name"]
        assert host["ReadonlyRootfs"], container["Name"]
        assert host["CapDrop"] == ["ALL"], container["Name"]
        assert "no-new-privileges:true" in host["SecurityOpt"], container["Name"]
        assert host["Init"], container["Name"]
        assert host["Memory"] > 0, container["Name"]
        assert host["NanoCpus"] > 0, container["Name"]
        assert config["Image"], container["Name"]


def test_servers_have_the_same_limits(stack: Stack) -> None:
    limits = {
        (container["HostConfig"]["NanoCpus"], container["HostConfig"]["Memory"])
        for container in stack.containers()
        if any(f"-{name}-" in container["Name"] for name in TRANSPORTS)
    }
    assert len(limits) == 1


def test_ports_are_open_on_loopback_alone(stack: Stack) -> None:
    bindings = [
        binding
        for container in stack.containers()
        for bound in container["HostConfig"]["PortBindings"].values()
        for binding in bound
    ]
    assert bindings
    assert {"127.0.0.1"} == {binding["HostIp"] for binding in bindings}


QUERIES = [
    pytest.param(target["expr"], id=f"{name}: {panel['title']} {target['refId']}")
    for name in DASHBOARDS
    for panel in json.loads(encoded(name))["panels"]
    for target in panel.get("targets", [])
]


@pytest.mark.parametrize("expression", QUERIES)
def test_every_panel_shows_data(loaded: Stack, expression: str) -> None:
    for name in TRANSPORTS if "$transport" in expression else [""]:
        assert loaded.samples(expression.replace("$transport", name)), expression


def test_every_recording_rule_yields_data(loaded: Stack) -> None:
    groups = loaded.get("PROMETHEUS_PORT", "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert not [rule["lastError"] for rule in rules if rule["health"] != "ok"]
    assert not [rule["name"] for rule in rules if not loaded.samples(rule["name"])]


def test_prometheus_says_what_the_ledgers_say(loaded: Stack) -> None:
    assert loaded.value("sum(wirerace:faults)") == 0
    polling, websocket = (
        loaded.value(f'wirerace:delivery_latency_seconds:mean{{transport="{name}"}}')
        for name in ("polling", "websocket")
    )
    assert 0.15 < polling < 0.4, "half of 0.5 s"
    assert websocket < polling / 2
    assert abs(loaded.value('wirerace:theory:latency_seconds{transport="polling"}') - polling) < 0.1


@pytest.mark.parametrize("part", [*TRANSPORTS, "producer"])
def test_part_that_is_killed_and_started_again_costs_no_update(loaded: Stack, part: str) -> None:
    loaded.compose("kill", part)
    loaded.compose("up", "--detach", "--wait", part)
    wait_until(lambda: loaded.value("sum(wirerace:clients)") == 30)
    before = received(loaded)
    wait_until(lambda: all(count > before[name] for name, count in received(loaded).items()))
    assert loaded.value("sum(wirerace:faults)") == 0


def received(stack: Stack) -> dict[str, float]:
    found: list[dict[str, Any]] = stack.samples("sum by (transport) (wirerace_load_deliveries_total)")
    return {sample["metric"]["transport"]: float(sample["value"][1]) for sample in found}


def test_demo_starts_a_load_by_itself(stack: Stack) -> None:
    stack.post("LOCUST_PORT", "/stop")
    wait_until(lambda: stack.value("sum(wirerace_load_clients)") == 0)
    stack.compose("--profile", "demo", "up", "--detach", "demo")
    wait_until(lambda: stack.value("sum(wirerace_load_clients)") == 60)


def test_more_workers_are_scraped_and_make_one_ledger(stack: Stack) -> None:
    stack.post("LOCUST_PORT", "/stop")
    stack.compose("up", "--detach", "--wait", "--scale", "locust-worker=3", "locust-worker")
    wait_until(lambda: stack.get("LOCUST_PORT", "/stats/requests").get("worker_count") == 3)
    assert stack.post("LOCUST_PORT", "/swarm", user_count=30, spawn_rate=30, user_classes="WebSocketUser")["success"]
    wait_until(lambda: len(stack.samples('wirerace_load_clients{transport="websocket"} == 10')) == 3)
    wait_until(lambda: stack.get("LOAD_CONTROL_PORT", "/state")["received"] > 300)
    account = stack.post("LOAD_CONTROL_PORT", "/finish")
    assert (30, 0, 0) == (account["clients"], account["missing"], account["repeated"])
    stack.post("LOCUST_PORT", "/stop")


def test_rules_are_right() -> None:
    for check in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        promtool(ROOT / "prometheus", *check)


def start_thirty(stack: Stack) -> None:
    """Start a test once there is a worker: the number on the page may be two seconds old."""
    wait_until(lambda: workers_of(f"http://127.0.0.1:{stack.ports['LOCUST_PORT']}") == 1)
    form = {"user_count": 30, "spawn_rate": 30, "user_classes": "WebSocketUser"}
    wait_until(lambda: bool(stack.post("LOCUST_PORT", "/swarm", **form)["success"]))
    wait_until(lambda: stack.get("LOAD_CONTROL_PORT", "/state")["received"] > 100)


def test_workers_follow_a_master_that_is_restarted(stack: Stack) -> None:
    stack.compose("up", "--detach", "--wait", "locust-worker")
    start_thirty(stack)
    stack.compose("restart", "locust")
    start_thirty(stack)


def test_master_that_is_killed_takes_its_workers_along_and_both_come_back(stack: Stack) -> None:
    start_thirty(stack)
    stack.compose("kill", "locust")
    wait_until(lambda: "locust-worker" not in stack.compose("ps", "--services").split())
    assert "The master is gone: no heartbeat for 5 s" in stack.compose("logs", "--no-log-prefix", "locust-worker")
    wait_until(lambda: stack.value('wirerace_clients{transport="websocket"}') == 0)
    stack.compose("up", "--detach", "--wait", "locust", "locust-worker")
    start_thirty(stack)


def test_what_is_gone_is_gone_within_seconds(stack: Stack) -> None:
    """Otherwise Prometheus would return the last value of a part for five minutes."""
    wait_until(lambda: stack.value("count(wirerace_load_cpu_seconds_total)") == 1)
    stack.compose("restart", "--no-deps", "locust-worker")
    started = time.monotonic()
    wait_until(lambda: stack.get("LOCUST_PORT", "/stats/requests").get("worker_count") == 1)
    wait_until(lambda: len(stack.samples("wirerace_load_cpu_seconds_total")) == 1)
    assert time.monotonic() - started < 30


def test_everything_stops_in_time_and_in_order(stack: Stack) -> None:
    """A test is running, and its ledger is still whole, because workers are stopped before their master."""
    start_thirty(stack)
    started = time.monotonic()
    stack.compose("stop", "--timeout", "10")
    assert time.monotonic() - started < 12, "somebody had to be killed"
    codes = {container["Name"]: container["State"]["ExitCode"] for container in stack.containers()}
    assert {0} == set(codes.values()), codes
    *_, ledger = re.findall("Ledger: .*", stack.compose("logs", "--no-log-prefix", "locust"))
    assert re.fullmatch(r"Ledger: 30 clients received [1-9]\d* updates; missing 0, received again 0", ledger)
