"""Fixtures of the tests in real containers."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.race.running import SMALL, Race
from tests.stack.compose import PARTS, PROJECT, Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Build the images, start every part but Grafana, and remove all at the end."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine answers: the stack was not tested")
    stack = Stack()
    stack.compose("build", timeout=900)
    try:
        stack.compose("up", "--detach", "--wait", *PARTS)
        yield stack
    finally:
        stack.compose("--profile", "demo", "down", "--volumes", "--timeout", "5")


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
