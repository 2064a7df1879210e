"""What commands print changes no exit code, whatever the encoding."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.race.running import PATIENCE_SECONDS
from tests.wirerace.results import RESULT
from wirerace.record.result import FILE_NAME
from wirerace.record.writing import write_json

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent
ENCODINGS = ("latin-1", "ascii", "cp1252", "utf-8")
SMALL = ("--set", 'transports=["websocket"]', "--set", "clients.count=5", "--set", "window.measure_seconds=0.5")


@pytest.fixture
def saved(tmp_path: Path) -> str:
    write_json(tmp_path / FILE_NAME, RESULT)
    return str(tmp_path)


def wirerace(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wirerace", *arguments],
        capture_output=True,
        text=True,
        encoding="latin-1" if environment.get("PYTHONIOENCODING") in {"latin-1", "cp1252"} else "utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_table_is_printed_in_any_encoding(encoding: str, saved: str) -> None:
    finished = wirerace("show", saved, "--full", PYTHONIOENCODING=encoding)

    assert (0, "") == (finished.returncode, finished.stderr)
    assert "mean latency" in finished.stdout
    assert "INVALID: none of 1 trials can be used" in finished.stdout


def test_what_an_encoding_lacks_is_replaced_by_what_is_nearest(saved: str) -> None:
    lines = wirerace("show", saved, "--full", PYTHONIOENCODING="ascii").stdout.splitlines()

    assert any(line.replace("|", " ").split() == ["mean", "age", "-"] for line in lines)
    assert any("200 clients | poisson" in line for line in lines)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_answer_is_printed_in_any_encoding(encoding: str, saved: str) -> None:
    finished = wirerace("show", saved, PYTHONIOENCODING=encoding)

    assert (0, "") == (finished.returncode, finished.stderr)
    assert "latency" in finished.stdout
    assert "\x1b" not in finished.stdout, "no colours where nobody sees them"
    assert finished.stdout.count("?") <= 1, "bars are left out where an encoding lacks them"


@pytest.mark.parametrize(("environment", "has_colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_terminal_gets_colours_unless_somebody_does_not_want_them(
    environment: dict[str, str], saved: str, *, has_colours: bool
) -> None:
    printed = wirerace("show", saved, FORCE_COLOR="1", TERM="xterm-256color", **environment).stdout

    assert has_colours == bool(re.search("\x1b\\[[0-9;]*3[0-7]m", printed))


def test_locale_without_utf8_is_no_reason_to_fail(saved: str) -> None:
    finished = wirerace("show", saved, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")

    assert (0, "") == (finished.returncode, finished.stderr)


@pytest.mark.parametrize("arguments", [["doctor", "--quick"], ["reproduce"], ["--help"], ["run", "--help"]])
def test_every_command_prints_in_ascii(arguments: list[str]) -> None:
    finished = wirerace(*arguments, PYTHONIOENCODING="ascii")

    assert (0, "") == (finished.returncode, finished.stderr)
    assert finished.stdout.isascii()


def test_error_with_what_an_encoding_lacks_is_still_a_line(tmp_path: Path) -> None:
    finished = wirerace("show", str(tmp_path / "größe–1"), PYTHONIOENCODING="ascii")

    assert 2 == finished.returncode
    assert finished.stderr.endswith(
        "gr??e-1/result.json: No such file or directory; give the directory of a run, or its result.json\n"
    )


def test_run_ends_with_its_own_code_in_ascii(tmp_path: Path) -> None:
    run = ("run", "experiments/first-look.toml", "--allow-invalid", *SMALL, "--out", str(tmp_path / "out"))
    finished = wirerace(*run, PYTHONIOENCODING="ascii")

    assert 0 == finished.returncode, finished.stderr
    assert "Traceback" not in finished.stderr
    assert (tmp_path / "out" / FILE_NAME).exists()
