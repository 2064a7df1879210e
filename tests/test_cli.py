"""The command line as processes: exit codes, help, limits of the system."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.race.running import PATIENCE_SECONDS
from wirerace.record.checkup import Checkup

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent
COMMANDS = ("run", "show", "report", "compare", "reproduce", "check", "doctor", "advise", "locust", "watch", "workers")
FIRST_LOOK = str(ROOT / "experiments" / "first-look.toml")


def wirerace(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command, after a line of shell if one is given."""
    command = [sys.executable, "-m", "wirerace", *arguments]
    if before:
        command = ["sh", "-c", f'{before} && exec "$@"', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd=ROOT)


@pytest.mark.parametrize("arguments", [["walk"], ["show", "tests"]])
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str]) -> None:
    """tests/wirerace/cli/test_bad_input.py has the others, without a process for each."""
    finished = wirerace(*arguments)
    assert (2, "", 1) == (finished.returncode, finished.stdout, finished.stderr.count("\n"))
    assert finished.stderr.startswith("wirerace: ")


def test_run_prints_what_it_understood_of_a_trace_before_anything_starts() -> None:
    finished = wirerace("run", "experiments/trace.toml", "--out", ".")
    understood, refusal = finished.stderr.splitlines()
    summary = (
        "events: 564 over 180.253 s, 3.12 a second, at 0.5 × the speed of the file, times: seconds, payloads: 564 of"
    )
    assert understood.startswith(f"wirerace: trace experiments/traces/test-run.csv: {summary} ")
    assert "holds something already" in refusal


def test_too_few_file_descriptors_say_how_many_are_needed(tmp_path: Path) -> None:
    finished = wirerace("run", FIRST_LOOK, "--out", str(tmp_path / "out"), before="ulimit -Sn 200 && ulimit -Hn 300")
    assert finished.returncode == 2
    assert "400 open files are needed, the hard limit is 300: raise it with ulimit -Hn 400" in finished.stderr


def test_low_soft_limit_on_file_descriptors_is_raised(tmp_path: Path) -> None:
    small = ["--set", 'transports=["websocket"]', "--set", "window.measure_seconds=0.5"]
    out = str(tmp_path / "out")
    finished = wirerace("run", FIRST_LOOK, "--allow-invalid", "--out", out, *small, before="ulimit -Sn 100")
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_is_there(arguments: list[str]) -> None:
    finished = wirerace(*arguments)
    assert finished.returncode == 0
    assert "Usage: wirerace" in finished.stdout


def test_list_of_commands_has_a_whole_line_for_each_and_imports_none_of_them() -> None:
    program = "import sys; from wirerace.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *lines, modules = finished.stdout.splitlines()
    listed = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :]]

    assert sorted(COMMANDS) == sorted(listed)
    assert "..." not in "".join(lines[lines.index("Commands:") :])
    assert not {"rich", "docker", "psutil", "aiohttp", *(f"wirerace.cli.{name}" for name in COMMANDS)} & {
        *modules.split()
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_examples(command: str) -> None:
    finished = wirerace(command, "--help")
    assert finished.returncode == 0
    assert "Usage: wirerace" in finished.stdout
    assert f"wirerace {command} " in finished.stdout.partition("Examples:")[2]


def test_doctor_measures_everything_and_prints_it_as_json() -> None:
    finished = wirerace("doctor", "--json")
    assert finished.returncode == 0, finished.stderr
    figures = json.loads(finished.stdout)
    assert {*Checkup.__struct_fields__, "advice"} == figures.keys()
    for singular, plural in (("poll", "polls"), ("message", "messages")):
        seconds, rate = figures[f"load_seconds_per_{singular}"], figures[f"{plural}_per_second"]
        if figures["others_cores"] < 0.5 or seconds is not None:  # otherwise the load may have had no time to report
            assert pytest.approx(0.6) == seconds * rate, "the busiest load process may be before it is a doubt"
    assert 0 < figures["producer_late_seconds_mean"]
    assert 0 < figures["producer_late_seconds_p99"]


def test_quick_doctor_prints_a_table_and_advises_to_raise_a_low_limit() -> None:
    finished = wirerace("doctor", "--quick", before="ulimit -Sn 200 && ulimit -Hn 256")
    assert finished.returncode == 0, finished.stderr
    assert "reader lag at rest" in finished.stdout
    assert "! 256 open files allow fewer than 1,000 clients: raise the hard limit" in finished.stdout
    assert finished.stderr == ""


def test_doctor_that_cannot_measure_the_load_prints_the_rest_and_says_why() -> None:
    finished = wirerace("doctor", before="ulimit -Sn 200 && ulimit -Hn 256")
    assert finished.returncode == 1
    assert "reader lag at rest" in finished.stdout
    assert "wirerace: the load could not be measured: 300 open files are needed" in finished.stderr


def test_doctor_without_a_place_for_logs_prints_the_rest_and_says_why(tmp_path: Path) -> None:
    finished = wirerace("doctor", before=f"export TMPDIR={tmp_path}/gone; cd /sys; ulimit -f 0")
    assert finished.returncode == 1
    assert "reader lag at rest" in finished.stdout
    assert "wirerace: the load could not be measured: the directory for temporary files: " in finished.stderr


def test_reproductions_are_listed_a_line_each() -> None:
    lines = wirerace("reproduce").stdout.splitlines()

    assert [
        "kaazing",
        "wrk2-stall",
        "rfc6202",
        "pull-interval",
        "half-interval",
        "deflate-memory",
        "fanout-median",
        "live-open-data",
        "six-connections",
        "buffering-proxy",
        "idle-timeout",
    ] == [line.split()[0] for line in lines]


def test_workers_of_a_place_that_is_none_are_refused_in_one_line() -> None:
    finished = wirerace("workers", "10.0.0.1:x")

    assert finished.returncode == 2
    assert finished.stderr == (
        "wirerace: HOST[:PORT] is an address such as 10.0.0.1 or 10.0.0.1:5557, got '10.0.0.1:x'\n"
    )
