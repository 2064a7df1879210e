"""Damaged and edited results: compared with a sound one, and written in every format. And conditions of any form."""

import contextlib
import io
from contextlib import redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import typer

from tests.fuzz.fuzzing import as_json, damaged_or_edited, damaged_text, fuzzed, refuses_by_errors_of_its_own
from tests.wirerace.compared import run_of, times
from wirerace.analysis.gates import conditions_in
from wirerace.cli import compare, show
from wirerace.experiment.objective import objective_of
from wirerace.record.result import FILE_NAME

GATES = ["latency.p99 > 1.2x", "lost > 0"]


def document(factor: float) -> Any:
    run = run_of(times(factor))
    run.experiment["objectives"] = ["latency.p99 < 0.2"]
    return msgspec.json.decode(msgspec.json.encode(run))


RESULTS: list[Any] = [document(1.1)]


def both(directory: Path, content: bytes) -> None:
    """Compare a result with one that is given, each way."""
    (directory / "sound.json").write_bytes(as_json(document(1.0)))
    (directory / FILE_NAME).write_bytes(content)
    places = (directory / "sound.json", directory / FILE_NAME)
    for a, b in (places, places[::-1]):
        with redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(typer.Exit):
            compare.command(a, b, GATES, allow_invalid=True)


@pytest.mark.long
@fuzzed
def test_comparison(directory: Path, random: Random) -> None:
    refuses_by_errors_of_its_own(lambda content: both(directory, content), damaged_or_edited(random, RESULTS))


def written(directory: Path, content: bytes) -> None:
    """Write a result in every format that needs no other package."""
    (directory / FILE_NAME).write_bytes(content)
    for name in ("csv", "json", "markdown"):
        show.command(directory, as_format=name, out=directory / "written")


@pytest.mark.long
@fuzzed
def test_formats(directory: Path, random: Random) -> None:
    refuses_by_errors_of_its_own(lambda content: written(directory, content), damaged_or_edited(random, RESULTS))


@fuzzed
def test_condition(random: Random) -> None:
    text = damaged_text(random, [gate.encode() for gate in GATES])
    refuses_by_errors_of_its_own(lambda given: conditions_in([given]), text)
    refuses_by_errors_of_its_own(lambda given: objective_of(given, "objectives[0]"), text)


def test_what_is_damaged_was_whole(directory: Path) -> None:
    both(directory, as_json(RESULTS[0]))
    written(directory, as_json(RESULTS[0]))
