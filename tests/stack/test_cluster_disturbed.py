"""Runs in a cluster that others disturb: pods are removed, containers end, the cluster's API does not answer."""

import json
import signal
from pathlib import Path

import pytest

from tests.race.running import wait_until
from tests.stack.cluster.cluster import Cluster
from tests.stack.cluster.engine import docker
from tests.stack.clustered import VALUES, ClusterRuns, beyond_the_role
from wirerace.runner.cluster.release import NAME

pytestmark = pytest.mark.stack

TWO = ('transports=["websocket", "polling"]', "window.measure_seconds=4")
FIRST = "[1/2] Polling: measuring"


def test_server_that_ends_is_started_again_and_loses_nothing(runs: ClusterRuns) -> None:
    race = runs.start('transports=["websocket"]', "window.measure_seconds=6")
    race.wait_for("measuring")
    docker("kill", runs.cluster.running("websocket"))
    assert 0 == race.wait(), race.said
    (trial,) = race.result["trials"]
    assert (1, 1.0, 0) == (trial["restarts"], trial["reach"], trial["lost"])
    assert [] == runs.left()


@pytest.mark.parametrize("part", ["locust-worker", "locust"])
def test_load_that_ends_fails_its_trial_and_the_next_one_runs(runs: ClusterRuns, part: str) -> None:
    race = runs.start(*TWO)
    race.wait_for(FIRST)
    docker("kill", runs.cluster.running(part))
    assert 1 == race.wait(), race.said
    assert f"wirerace: polling, repeat 1: {part} ended in the middle of the trial" in race.stderr
    assert ["websocket"] == [trial["transport"] for trial in race.result["trials"]]
    assert [] == runs.left()


def test_pod_that_somebody_removes_fails_its_trial_and_the_next_one_runs(runs: ClusterRuns) -> None:
    race = runs.start(*TWO)
    race.wait_for(FIRST)
    runs.cluster.remove_pods("polling")
    assert 1 == race.wait(), race.said
    assert "polling is gone: somebody, or its cluster, has removed its pod" in race.stderr
    assert ["websocket"] == [trial["transport"] for trial in race.result["trials"]]
    assert [] == runs.left()


@pytest.mark.parametrize("first", ["secrets/", "deployments/", "pods/"])
def test_run_that_is_ended_while_its_release_is_made_leaves_none(runs: ClusterRuns, first: str) -> None:
    race = runs.start(*TWO)
    wait_until(lambda: any(name.startswith(first) for name in runs.cluster.objects))
    race.signal(signal.SIGTERM)
    assert 143 == race.wait(), race.said
    assert "Traceback" not in race.stderr
    assert [] == runs.left()


def test_run_whose_rights_are_taken_says_what_it_leaves_and_how_to_remove_it(
    runs: ClusterRuns, rights: Cluster
) -> None:
    race = runs.start('transports=["websocket"]', "window.measure_seconds=6")
    race.wait_for("measuring")
    rights.forbid(lambda _: True)
    assert 1 == race.wait(), race.said
    assert "the cluster is not as it was found: " in race.stderr
    assert f"when it can be reached: helm uninstall {NAME}" in race.stderr
    assert "Traceback" not in race.stderr
    assert [] == runs.processes()

    rights.forbid(beyond_the_role)
    runs.helm("uninstall", NAME)
    wait_until(lambda: runs.left() == [])


def test_container_that_ends_again_and_again_is_said_with_its_log(runs: ClusterRuns, tmp_path: Path) -> None:
    """Nothing but the load understands the load's arguments."""
    values = tmp_path / "wrong.json"
    values.write_text(json.dumps(VALUES | {"images": {"load": "wirerace-services:latest"}}))
    race = runs.start(options=("--values", str(values)))
    assert 2 == race.wait(), race.said
    (line,) = race.stderr.splitlines()
    assert line.startswith("wirerace: locust")
    assert "ends again and again; its log ends: " in line
    assert "invalid choice" in line
    assert [] == runs.left()


def test_cluster_that_makes_no_pod_says_why(runs: ClusterRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs.cluster.controllers, "most_pods", 1)
    race = runs.start()
    assert 2 == race.wait(), race.said
    assert "the cluster makes no pod: pods " in race.stderr
    assert "exceeded quota" in race.stderr
    assert [] == runs.left()
