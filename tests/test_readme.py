"""Every command of the README is run, with shorter windows and with ports of the test."""

import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.race.running import PATIENCE_SECONDS, wait_until
from wirerace.host.ports import free_port

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
"""These tests may be run by make themselves."""
SHORT = ["--set", "window.measure_seconds=0.5", "--set", "window.warmup_seconds=0", "--set", 'transports=["websocket"]']
DRAWING = "answer.svg"


def commands(beginning: str) -> list[str]:
    found = [command for command in COMMANDS if command.startswith(beginning)]
    assert found, f"the README has no command that begins with {beginning}"
    return found


def run(arguments: list[str], directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd=directory, env=ENVIRONMENT
    )


def test_every_command_is_of_a_kind_that_is_tested() -> None:
    kinds = (
        "make ",
        ".venv/bin/wirerace ",
        ".venv/bin/python -m services ",
        ".venv/bin/locust ",
        "curl ",
        "docker compose ",
    )
    assert not [command for command in COMMANDS if not command.startswith(kinds)]


@pytest.mark.parametrize("command", commands("make "))
def test_make_commands_become_what_they_say(command: str) -> None:
    """`make -n` prints what would be run. The commands themselves are run below, and by this test."""
    planned = run([*shlex.split(command), "-n"])
    assert planned.returncode == 0, planned.stderr
    wanted = {
        "test": "-m pytest",
        "race": ".venv/bin/wirerace run experiments/",
        "locust": ".venv/bin/wirerace locust experiments/",
        "watch": ".venv/bin/wirerace watch experiments/",
    }
    assert wanted[shlex.split(command)[1]] in planned.stdout


def test_make_forwards_arguments() -> None:
    (command,) = [command for command in commands("make race") if "ARGS" in command]
    planned = run([*shlex.split(command), "-n"]).stdout.splitlines()[-1]
    arguments = command.partition('ARGS="')[2].rstrip('"')
    assert f".venv/bin/wirerace run experiments/first-look.toml --allow-invalid {arguments}" == planned


EMBEDDED = [command for command in commands(".venv/bin/wirerace") if "--on compose" not in command]
"""The others, and what begins with docker compose, are run by tests/stack."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("readme")
    (directory / "experiments").symlink_to(ROOT / "experiments")
    return directory


@pytest.fixture(scope="module")
def ended(directory: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run every command of `wirerace` in one directory, in their order: one writes what the next one reads."""
    ended = {}
    for command in EMBEDDED:
        arguments = shlex.split(command)[1:]
        extra = {"run": SHORT, "doctor": ["--quick"], "show": ["--svg", DRAWING]}.get(arguments[0], [])
        ended[command] = run([sys.executable, "-m", "wirerace", *arguments, *extra], directory)
    return ended


@pytest.mark.parametrize("command", EMBEDDED)
def test_wirerace_commands_run(ended: dict[str, subprocess.CompletedProcess[str]], command: str) -> None:
    arguments = shlex.split(command)[1:]
    allowed = {0, 3} if arguments[0] == "run" else {0}  # 3: the machine that runs the tests is busy
    assert ended[command].returncode in allowed, ended[command].stderr
    words = {
        "run": "The plan" if "--dry-run" in arguments else "WebSocket",
        "show": "WebSocket",
        "report": ".svg" if "--svg" in arguments else "report.html",
        "reproduce": "kaazing",
        "advise": "100,000 clients",
        "check": "A client that comes back with its cursor",
        "doctor": "The harness on this machine",
    }
    assert words[arguments[0]] in ended[command].stdout


@pytest.mark.usefixtures("ended")
def test_answer_is_drawn(directory: Path) -> None:
    assert "WebSocket" in (directory / DRAWING).read_text()


@pytest.fixture
def services() -> Iterator[dict[str, int]]:
    """Start the services that the README starts, on free ports."""
    names = [shlex.split(command)[3] for command in commands(".venv/bin/python -m services")]
    ports = {name: free_port() for name in names}
    started = []
    for name, port in ports.items():
        extra = [] if name == "producer" else ["--producer-url", f"http://127.0.0.1:{ports['producer']}"]
        command = [sys.executable, "-m", "services", name, "--port", str(port), *extra]
        started.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL))
    yield ports
    for process in reversed(started):
        process.terminate()
    assert [0] * len(started) == [process.wait(PATIENCE_SECONDS) for process in started]


def test_services_and_locust_run_by_hand(services: dict[str, int], tmp_path: Path) -> None:
    (locust,) = commands(".venv/bin/locust")
    wait_until(lambda: is_healthy(services["websocket"]))
    host = f"http://127.0.0.1:{services['websocket']}"
    with urllib.request.urlopen(f"{host}/metrics") as page:
        assert "wirerace_deliveries_total 0.0" in page.read().decode()
    arguments = [*shlex.split(locust)[1:], "--headless", "--users", "5", "--websocket-host", host]
    output = tmp_path / "output"
    with output.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "locust", *arguments], stdout=file, stderr=file, cwd=ROOT, env=ENVIRONMENT
        )
    delivered = re.compile(r"UPDATE +/ws +[1-9]")
    wait_until(lambda: delivered.search(output.read_text()) is not None or started.poll() is not None)
    started.terminate()
    assert 0 == started.wait(PATIENCE_SECONDS), output.read_text()
    assert delivered.search(output.read_text())


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
