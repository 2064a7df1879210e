"""Commands whose output cannot be written."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wirerace.cli.streams import Stream

LIST = ["reproduce"]  # it prints a few lines, and measures nothing
MISSING = ["show", "nowhere"]


def wirerace(arguments: list[str], redirections: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does, with some redirections."""
    shell = ["sh", "-c", f'exec "$@" {redirections}', "sh"]
    command = [*shell, sys.executable, "-m", "wirerace", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_stream_keeps_the_first_error_and_drops_the_rest() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = Stream(writing)
    assert 5 == stream.write(b"first")
    assert isinstance(stream.lost, BrokenPipeError)
    os.close(writing)  # an error of another kind
    assert 6 == stream.write(b"second")
    assert isinstance(stream.lost, BrokenPipeError)


def test_stream_that_can_be_written_to_gets_everything() -> None:
    reading, writing = os.pipe()
    with io.TextIOWrapper(io.BufferedWriter(Stream(writing)), encoding="utf-8") as text:
        text.write("µs\n")
    os.close(writing)
    with os.fdopen(reading, "rb") as read:
        assert "µs\n".encode() == read.read()


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_output_on_a_full_disk_is_said_on_one_line() -> None:
    finished = wirerace(LIST, "> /dev/full")
    line = "wirerace: stdout: No space left on device; free some space, or write to another disk\n"
    assert (5, line) == (finished.returncode, finished.stderr)


@pytest.mark.processes
def test_reader_that_has_read_enough_changes_no_exit_code() -> None:
    """An exit code of 1 would say that updates were lost."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "wirerace", *LIST]
    finished = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (0, "") == (finished.returncode, finished.stderr)


@pytest.mark.processes
@pytest.mark.parametrize("redirections", ["2> /dev/full", "2>&-", ">&- 2>&-"])
def test_error_that_cannot_be_written_keeps_its_exit_code(redirections: str) -> None:
    finished = wirerace(MISSING, redirections)
    assert (2, "", "") == (finished.returncode, finished.stdout, finished.stderr)


@pytest.mark.processes
def test_output_to_a_closed_stream_is_written_nowhere() -> None:
    finished = wirerace(LIST, ">&-")
    assert (0, "", "") == (finished.returncode, finished.stdout, finished.stderr)
