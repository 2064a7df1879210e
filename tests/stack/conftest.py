"""Fixtures of the tests in real containers."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.race.running import SMALL, Race
from tests.stack.cluster.cluster import Cluster
from tests.stack.cluster.engine import docker, has_image
from tests.stack.clustered import BROKER_IMAGE, ClusterRuns, beyond_the_role, missing_programs, programs_path
from tests.stack.compose import PARTS, PROJECT, Stack

IMAGE = "wirerace-services:latest"
"""It has a shell, and is there for the servers anyway."""


class SideBySide(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
    """Lets one process test the stack, and another one runs in a cluster: most of both is waiting.

    Marks do not do it: xdist 3.8 writes groups where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "cluster" if "/test_cluster" in nodeid else "stack"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    return SideBySide(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Build the images, start every part but Grafana, and remove all at the end."""
    skip_without_engine()
    stack = Stack()
    stack.compose("build", timeout=900)
    try:
        stack.compose("up", "--detach", "--wait", *PARTS)
        yield stack
    finally:
        stack.compose("--profile", "demo", "down", "--volumes", "--timeout", "5")


def skip_without_engine() -> None:
    """Skip, aloud, where no engine answers."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine answers: the stack was not tested")


@pytest.fixture(scope="session")
def images() -> None:
    """The images of all that runs in a cluster."""
    skip_without_engine()
    Stack().compose("--profile", "path", "build", "producer", "locust", "reverse-proxy", timeout=900)
    if not has_image(BROKER_IMAGE):
        docker("pull", BROKER_IMAGE)


@pytest.fixture(scope="module")
def cluster(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:  # noqa: ARG001 -- pods need them
    """A cluster for the tests of a file. Its user has the rights that the documents name, and no other."""
    if missing := missing_programs():
        pytest.skip(f"{' and '.join(missing)} missing: runs on Kubernetes were not tested")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), IMAGE)
    cluster.forbid(beyond_the_role)
    yield cluster
    cluster.close()


@pytest.fixture
def rights(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, whose user has its rights again afterwards."""
    yield cluster
    cluster.forbid(beyond_the_role)


@pytest.fixture
def runs(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterRuns]:
    """Start runs in the cluster, which each has to leave as it was."""
    monkeypatch.setenv("PATH", programs_path())
    monkeypatch.setenv("KUBECONFIG", str(cluster.configuration))
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")  # kubectl does not know it
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"HELM_{name}_HOME", str(tmp_path / "helm"))
    runs = ClusterRuns(cluster, tmp_path)
    yield runs
    runs.close()


@pytest.fixture
def run(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Race]]:
    """Start runs on the stack; those that still run at the end are ended."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", PROJECT)
    for name, port in stack.ports.items():
        monkeypatch.setenv(name, str(port))
    races: list[Race] = []

    def start(*keys: str, experiment: str = SMALL) -> Race:
        directory = tmp_path / str(len(races))
        directory.mkdir()
        overrides = [part for key in keys for part in ("--set", key)]
        races.append(Race(directory, experiment, "--on", "compose", *overrides))
        return races[-1]

    yield start
    for race in races:
        race.close()
