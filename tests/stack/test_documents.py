"""The documents' commands for the stack, run exactly; Grafana's image may be a stand-in."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.race.running import wait_until
from tests.stack.compose import PROJECT, ROOT, Stack

pytestmark = pytest.mark.stack

SHORT = ["--set", "window.measure_seconds=5", "--set", 'transports=["polling", "websocket"]']
GRAFANA = """
FROM python:3.13-slim-trixie
RUN mkdir -p /srv/api/health /var/lib/grafana && chown 472 /var/lib/grafana \\
 && printf '#!/bin/sh\\nexec python -m http.server 3000 --directory /srv\\n' > /run.sh \\
 && printf '#!/bin/sh\\nexec python -c "import urllib.request as r; r.urlopen(\\047%s\\047)"\\n' \\
      http://127.0.0.1:3000/api/health > /usr/local/bin/wget \\
 && chmod a+rx /run.sh /usr/local/bin/wget
USER 472
"""
"""What the compose file needs in Grafana's image: a shell, a start script, wget, a writable directory."""


def commands_of(document: str) -> list[list[str]]:
    """Return the commands in the first block of a document that has any for docker compose."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / document).read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = next(block for block in blocks if "docker compose" in block).splitlines()
    return [shlex.split(line, comments=True) for line in lines]


@pytest.fixture
def fresh(stack: Stack) -> Iterator[Stack]:  # noqa: ARG001 -- it has built the images
    """A stack of which nothing is up, Grafana included."""
    build = ["docker", "build", "--quiet", "--tag", f"{PROJECT}-grafana", "-"]
    subprocess.run(build, input=GRAFANA, text=True, capture_output=True, check=True)
    fresh = Stack(f"{PROJECT}-fresh", GRAFANA_IMAGE=f"{PROJECT}-grafana")
    yield fresh
    fresh.compose("--profile", "demo", "down", "--volumes", "--timeout", "5", check=False)


def test_commands_of_the_document_work_again_and_again(fresh: Stack) -> None:
    """Each ends with 0, and `down` leaves nothing that breaks the next `up`."""
    up, demo, down = [command[2:] for command in commands_of("docs/stack.md")]
    assert [up[0], demo[2], down[2]] == ["up", "up", "down"]
    for command in (up, demo, down, up, demo):
        fresh.compose(*command)
        if command is demo:
            wait_until(lambda: fresh.value("sum(wirerace:clients)") == 60)
    assert {"grafana", "demo"} <= {container["Name"].split("-")[-2] for container in fresh.containers()}
    fresh.compose(*down)
    assert "" == fresh.compose("ps", "--all", "--quiet")


def test_commands_of_the_readme_work_in_their_order(
    fresh: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"{PROJECT}-fresh")
    for name, value in fresh.environment.items():
        monkeypatch.setenv(name, value)
    for command in commands_of("README.md"):
        if command[0] == ".venv/bin/wirerace":
            run = [sys.executable, "-m", "wirerace", *command[1:], "--out", str(tmp_path / "out"), *SHORT]
            finished = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
            assert finished.returncode in {0, 3}, finished.stderr  # 3: this machine is busy
        else:
            assert ["docker", "compose"] == command[:2]
            fresh.compose(*command[2:])
    assert "" == fresh.compose("ps", "--all", "--quiet")


def test_change_of_the_updates_holds_from_the_next_up_on(fresh: Stack) -> None:
    fresh.compose("up", "--detach", "--wait", "producer")
    assert 5.0 == fresh.get("PRODUCER_PORT", "/schedule")["rate_per_second"]
    fresh.environment["RATE_PER_SECOND"] = "7"
    fresh.compose("up", "--detach", "--wait", "producer")
    assert 7.0 == fresh.get("PRODUCER_PORT", "/schedule")["rate_per_second"]


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("services", ["python", "-m", "services", "polling", "--help"]),
        ("loadtests", ["python", "-m", "locust", "-f", "loadtests/locustfile.py", "--help"]),
        ("wirerace/watch", ["python", "-c", "import wirerace.watch.__main__ as it; it.StackContest({})"]),
    ],
)
def test_images_of_a_clone_that_only_its_owner_may_read_work(
    stack: Stack,  # noqa: ARG001 -- it has built the layers below
    tmp_path: Path,
    folder: str,
    command: list[str],
) -> None:
    """`umask 077` makes such a clone."""
    for pattern in ("requirements/*.lock", ".dockerignore", "wirerace/**/*", "services/**/*", "loadtests/**/*"):
        for file in ROOT.glob(pattern):
            if file.is_file():
                copy = tmp_path / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
                copy.chmod(0o644 if file.suffix == ".lock" else 0o600)  # other modes would install all packages again
    tag = f"{PROJECT}-umask-{Path(folder).name}"
    build = ["docker", "build", "--quiet", "--tag", tag, "--file", str(tmp_path / folder / "Dockerfile"), str(tmp_path)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    program, *arguments = command
    run = ["docker", "run", "--rm", "--entrypoint", f"/opt/venv/bin/{program}", tag, *arguments]
    finished = subprocess.run(run, capture_output=True, text=True, check=False)
    subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr
