"""The dashboards in the pinned Grafana, whose query API runs every panel, if its image is available."""

import json
from typing import Any

import pytest

from grafana.build import DASHBOARDS, encoded
from tests.race.running import wait_until
from tests.stack.compose import Stack
from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.grafana

PORT = "GRAFANA_PORT"
TARGETS = [
    pytest.param(target, id=f"{name}: {panel['title']} {target['refId']}")
    for name in DASHBOARDS
    for panel in json.loads(encoded(name))["panels"]
    for target in panel.get("targets", [])
]


@pytest.fixture(scope="module")
def grafana(stack: Stack) -> Stack:
    """The stack with Grafana, under load."""
    try:
        stack.compose("pull", "grafana", timeout=600)
    except AssertionError as error:
        pytest.skip(f"Grafana's image is not to be had here: {str(error).splitlines()[-1][:80]}")
    stack.compose("up", "--detach", "--wait", "grafana")
    assert stack.post("LOCUST_PORT", "/swarm", user_count=30, spawn_rate=30)["success"]
    wait_until(lambda: stack.value("sum(wirerace:clients)") == 30)
    wait_until(lambda: len(stack.samples("wirerace:cpu_seconds_per_delivery")) == len(TRANSPORTS))  # the last to come
    return stack


def test_home_is_the_race_and_needs_no_login(grafana: Stack) -> None:
    assert "wirerace-race" == grafana.get(PORT, "/api/dashboards/home")["dashboard"]["uid"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard_is_there(grafana: Stack, name: str) -> None:
    found = grafana.get(PORT, f"/api/dashboards/uid/wirerace-{name}")["dashboard"]
    assert json.loads(encoded(name))["title"] == found["title"]


@pytest.mark.parametrize("target", TARGETS)
def test_every_panel_shows_data(grafana: Stack, target: dict[str, Any]) -> None:
    for name in TRANSPORTS if "$transport" in target["expr"] else [""]:
        query = target | {"expr": target["expr"].replace("$transport", name), "intervalMs": 1000, "maxDataPoints": 100}
        asked = {"queries": [query], "from": "now-1m", "to": "now"}
        answer = grafana.post_json(PORT, "/api/ds/query", asked)["results"][target["refId"]]
        assert 200 == answer["status"], answer
        assert any(frame["data"]["values"] for frame in answer["frames"]), target["expr"]
