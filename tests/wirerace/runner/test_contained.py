"""What runs in a container of a path: its order, and what is wrong with it, in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ENTRY = (
    "import sys; from pathlib import Path; from wirerace.runner.network.contained import main; main(Path(sys.argv[1]))"
)
SHOW = "import os, sys; print(open(sys.argv[1]).read(), os.environ['HOME'], 'WIRERACE_PATH_ORDER' in os.environ)"


def carried_out(directory: Path, order: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", ENTRY, str(directory)],
        env={**os.environ, "WIRERACE_PATH_ORDER": order if isinstance(order, str) else json.dumps(order)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_are_written_for_itself_alone_and_it_becomes_the_command(tmp_path: Path) -> None:
    file = tmp_path / "proxy.conf"
    command = [sys.executable, "-S", "-c", SHOW, str(file)]
    order = {
        "command": command,
        "files": {file.name: "listen $port;"},
        "variables": {"HOME": "/run"},
        "check": ["true"],
    }
    ended = carried_out(tmp_path, order)

    assert (0, "listen $port; /run False\n", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert 0o600 == file.stat().st_mode & 0o777


def test_configuration_that_is_refused_ends_it_with_what_the_program_says(tmp_path: Path) -> None:
    check = [sys.executable, "-S", "-c", "import sys; sys.exit('line 3: no such word')"]
    ended = carried_out(tmp_path, {"command": ["false"], "check": check})

    assert 1 == ended.returncode
    assert ["line 3: no such word", f"{check[0]} refuses its configuration"] == ended.stderr.splitlines()


@pytest.mark.parametrize("order", ["", "{}", "{"])
def test_order_that_is_none_is_refused_in_one_line(tmp_path: Path, order: str) -> None:
    ended = carried_out(tmp_path, order)

    assert 1 == ended.returncode
    (line,) = ended.stderr.splitlines()
    assert "WIRERACE_PATH_ORDER" in line
