"""`wirerace check --command`: the examples keep every promise, and our own servers those that need a restart."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from wirerace.transports import TRANSPORTS

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180
BY = "--port {port} --producer-url {producer}"
EXAMPLES = {
    "python-sse": ("sse", f"{sys.executable} examples/server.py {BY}"),
    "python-longpolling": ("longpolling", f"{sys.executable} examples/server.py {BY}"),
    "node-sse": ("sse", f"node examples/server.mjs {BY}"),
    "node-stream": ("stream", f"node examples/server.mjs {BY}"),
}
OWN = {name: (name, f"{sys.executable} -m services {name} {BY}") for name in TRANSPORTS}
RESTARTS = ("--only", "restart", "--only", "stop")


def start(transport: str, command: str, *more: str) -> subprocess.Popen[str]:
    arguments = ["--transport", transport, "--command", command, "--patience-seconds", "10", "--json", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "wirerace", "check", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def started() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Start all checks at once, because they mostly wait."""
    has_node = shutil.which("node") is not None
    running = {name: start(*EXAMPLES[name]) for name in EXAMPLES if has_node or not name.startswith("node")}
    running |= {name: start(*OWN[name], *RESTARTS) for name in OWN}
    yield running
    for process in running.values():
        process.kill()
        process.communicate()


def verdicts(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the findings of a check that has ended well."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "" == err
    found = {one["id"]: one for one in json.loads(out)["promises"]}
    assert {} == {name: one for name, one in found.items() if one["verdict"] == "fail"}
    assert 0 == process.returncode
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_keeps_every_promise(started: dict[str, subprocess.Popen[str]], name: str) -> None:
    if name not in started:
        pytest.skip("node is not installed: apt install nodejs")
    found = verdicts(started[name])
    assert ["pass", "pass", "pass"] == [found[one]["verdict"] for one in ("resume", "restart", "stop")]


@pytest.mark.parametrize("transport", OWN)
def test_own_server_is_stopped_and_started_again(started: dict[str, subprocess.Popen[str]], transport: str) -> None:
    assert {"restart": "pass", "stop": "pass"} == {
        name: one["verdict"] for name, one in verdicts(started[transport]).items()
    }


def test_command_that_ends_is_said_with_the_end_of_its_output() -> None:
    program = "import sys; sys.exit('no such option: --prot')"
    process = start("sse", f'{sys.executable} -c "{program}" {{port}} {{producer}}')
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (2, 1) == (process.returncode, err.count("\n"))
    assert "wirerace: --command ended with 1; its output ends: no such option: --prot" in err


def test_server_that_serves_before_it_has_caught_up_is_found(tmp_path: Path) -> None:
    """The example, without the line that refuses."""
    source = (ROOT / "examples" / "server.py").read_text()
    hasty = source.replace("if not self.history.caught_up:", "if False:")
    assert hasty != source
    (tmp_path / "hasty.py").write_text(hasty)
    process = start("sse", f"{sys.executable} {tmp_path}/hasty.py {BY}", "--only", "restart")
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    (found,) = json.loads(out)["promises"]
    assert (1, "fail", "200") == (process.returncode, found["verdict"], found["came"])


def test_stop_ends_the_server_too_and_is_one_line() -> None:
    program = "import socket, time; taken = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    process = start("sse", f'{sys.executable} -c "{program}" {{producer}}')
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (children := psutil.Process(process.pid).children()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (143, "wirerace: stopped\n") == (process.returncode, err)
    assert not any(child.is_running() for child in children)


def test_command_whose_port_is_taken_is_not_started() -> None:
    """Another server would be checked in its place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        process = start("sse", "true {producer}", url)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert 2 == process.returncode
    assert f"wirerace: something listens at {url} already: end it, or leave out the URL\n" == err
