"""Fixtures of the tests in real containers."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.stack.compose import PARTS, Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Build the images, start every part but Grafana, and take all away at the end."""
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
