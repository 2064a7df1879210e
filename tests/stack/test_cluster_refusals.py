"""What `wirerace run --on kubernetes` refuses: one line with the cure, exit code 2, and nothing left in the cluster."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.race.running import SMALL, wait_until
from tests.stack.cluster.cluster import NAMESPACE, Cluster, configuration
from tests.stack.clustered import VALUES, ClusterRuns, beyond_the_role, programs_path
from wirerace.runner.cluster.release import CHART, NAME

pytestmark = pytest.mark.stack


def refused(runs: ClusterRuns, *options: str) -> str:
    """Return the one line with which a run is refused. It leaves nothing."""
    race = runs.start(options=options)
    assert 2 == race.wait(), race.said
    (line,) = race.stderr.splitlines()
    assert [] == runs.left()
    return line.removeprefix("wirerace: ")


def file_of(values: object, directory: Path) -> tuple[str, ...]:
    """Return the options for a file of values."""
    file = directory / "more.json"
    file.write_text(json.dumps(values))
    return "--values", str(file)


@pytest.mark.parametrize("missing", ["kubectl", "helm"])
def test_program_that_is_missing_is_named(
    runs: ClusterRuns, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other,) = {"kubectl", "helm"} - {missing}
    found = shutil.which(other, path=programs_path())
    assert found is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / other).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    race = runs.start()
    monkeypatch.undo()
    assert 2 == race.wait()
    assert race.stderr.startswith(f"wirerace: there is no {missing} command: install ")
    assert race.stderr.endswith("or leave out --on kubernetes\n")


def test_address_without_a_cluster_is_said(runs: ClusterRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(configuration("http://127.0.0.1:1")))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    line = refused(runs)
    assert line.startswith("no cluster answers: ")
    assert line.endswith("choose one with kubectl config use-context, or leave out --on kubernetes")


def test_namespace_that_is_missing_is_named_with_the_cure(
    runs: ClusterRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(configuration(runs.cluster.api.url, "nowhere")))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    line = refused(runs)
    assert 'namespaces "nowhere" not found: make it with kubectl create namespace NAME' in line


@pytest.mark.parametrize(("verb", "kind"), [("list", "secrets"), ("create", "deployments")])
def test_user_without_rights_learns_which_and_what_to_do(
    runs: ClusterRuns, rights: Cluster, verb: str, kind: str
) -> None:
    rights.forbid(lambda call: beyond_the_role(call) or (call.verb, call.kind.name) == (verb, kind))
    line = refused(runs)
    assert f'cannot {verb} resource "{kind}"' in line
    assert "no right in this namespace" in line
    assert "docs/kubernetes.md" in line


def test_image_that_cannot_be_pulled_is_named(runs: ClusterRuns, tmp_path: Path) -> None:
    values: dict[str, Any] = VALUES | {"images": {"services": "example.org/nowhere:1"}}
    line = refused(runs, *file_of(values, tmp_path))
    assert line.startswith("producer: the image example.org/nowhere:1 cannot be pulled (")
    assert "name it in --values: docs/kubernetes.md" in line


def test_pod_that_no_node_can_take_is_named(runs: ClusterRuns, tmp_path: Path) -> None:
    line = refused(runs, *file_of({"load": {"resources": {"limits": {"cpu": "1000"}}}}, tmp_path))
    assert line.startswith("locust")
    assert "no node can take it (0/1 nodes are available: 1 Insufficient cpu" in line
    assert line.endswith("ask for less in --values (or in servers.cpus), or free a node")


def test_release_that_exists_is_left_alone(runs: ClusterRuns) -> None:
    values = ["--set", "servers.replicas=0,dashboards.enabled=false,networkPolicy.enabled=false"]
    runs.helm("install", NAME, str(CHART), *values)
    before = runs.cluster.objects
    race = runs.start()
    assert 2 == race.wait()
    assert race.stderr.startswith(f"wirerace: the release {NAME} is in the namespace {NAMESPACE} already: another run ")
    assert race.stderr.endswith(f"helm uninstall {NAME}\n")
    assert set(before) <= set(runs.cluster.objects)
    runs.helm("uninstall", NAME)
    wait_until(lambda: runs.left() == [])


def test_values_that_the_chart_refuses_are_named(runs: ClusterRuns, tmp_path: Path) -> None:
    line = refused(runs, *file_of({"load": {"workerz": 3}}, tmp_path))
    assert line.startswith("--values: the chart refuses load: Additional property workerz is not allowed")


def test_values_that_are_no_file_are_refused(runs: ClusterRuns) -> None:
    assert "--values: there is no file nowhere.yaml" == refused(runs, "--values", "nowhere.yaml")


def test_values_without_a_cluster_are_refused(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    command = [sys.executable, "-m", "wirerace", "run", "small.toml", "--out", "out", "--values", "small.toml"]
    finished = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    line = "wirerace: --values are for the chart of --on kubernetes: add that, or leave them out\n"
    assert (2, line) == (finished.returncode, finished.stderr)
