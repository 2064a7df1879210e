"""A foreign server in a container: its costs are those of its control group, and it is left alone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.race.running import Race, wait_until
from tests.stack.compose import ROOT, Stack
from wirerace.host.ports import free_port, is_free

pytestmark = pytest.mark.stack

NAME = "wirerace-test-foreign"
PROGRAM = ROOT / "wirerace/runner/shipped/aiohttp/server.py"
EXPERIMENT = """
title = "A server in a container"

[producer]
rate_per_second = 20.0

[clients]
count = 10

[window]
warmup_seconds = 0.5
measure_seconds = 2.0

[[contestants]]
id = "contained"
transport = "websocket"

[contestants.server]
url = "http://127.0.0.1:{port}/ws"
dialect = "bare"
publisher = "post"
publish_url = "http://127.0.0.1:{port}/publish"
container = "{container}"
"""


@pytest.fixture
def port(stack: Stack) -> Iterator[int]:  # noqa: ARG001 -- its images are built
    """Start a server in a container that shares this machine's network."""
    found = free_port()
    place = ["--name", NAME, "--network", "host", "--volume", f"{PROGRAM}:/server.py:ro,z"]
    program = ["--entrypoint", "/opt/venv/bin/python", "wirerace-services", "/server.py", str(found)]
    subprocess.run(["docker", "run", "--detach", "--rm", *place, *program], capture_output=True, check=True)
    try:
        wait_until(lambda: not is_free(found))
        yield found
    finally:
        subprocess.run(["docker", "rm", "--force", NAME], capture_output=True, check=False)


def test_its_costs_are_known_and_it_goes_on_running(port: int, tmp_path: Path) -> None:
    race = Race(tmp_path, EXPERIMENT.format(port=port, container=NAME))
    try:
        assert race.wait() == 0, race.said
    finally:
        race.close()
    (trial,) = race.trials("websocket")

    assert (1.0, 0, 0) == (trial.reach, trial.duplicated, trial.reordered)
    assert (trial.server.cpu_seconds or 0) > 0
    assert (trial.server.user_bytes or 0) > 1_000_000
    assert not is_free(port)


def test_container_that_is_not_there_is_said_in_one_line(port: int, tmp_path: Path) -> None:
    race = Race(tmp_path, EXPERIMENT.format(port=port, container="no-such-container"))
    try:
        assert race.wait() == 1
    finally:
        race.close()

    assert "the engine has no container no-such-container" in race.stderr
    assert "Traceback" not in race.stderr
