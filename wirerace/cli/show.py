"""`wirerace show`: print the answer of a run again, or every figure."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from wirerace.cli.reproduce import print_record, read_known
from wirerace.errors import BadInput
from wirerace.record.reading import file_of, read_result
from wirerace.record.result import Result
from wirerace.report.formats import BINARY, encoded_as
from wirerace.report.terminal import print_result, save_svg
from wirerace.reproductions.record import RECORD_NAME
from wirerace.runner.directory import LATEST
from wirerace.system import blamed_on

Format = Literal["table", "json", "csv", "markdown", "parquet"]


def command(  # noqa: PLR0913, PLR0917 -- each is an option of the command line
    place: Annotated[
        Path, typer.Argument(help="A run's directory, or the path that the run printed.", metavar="RUN")
    ] = LATEST,
    setting: Annotated[
        int | None, typer.Option(min=0, help="Print one setting of a sweep by itself; the first is 0.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Save the same as a picture, too.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print every figure, theory, comparison and finding, not only the answer.")
    ] = False,
    as_format: Annotated[
        Format, typer.Option("--format", help="A table for people, or a row for each trial and figure for programs.")
    ] = "table",
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of the terminal; not for --format table.")
    ] = None,
) -> None:
    """Print the answer of a run again, or the checks in a reproduction.json.

    **Examples:**

        wirerace show results/latest

        wirerace show results/latest/result.json

        wirerace show results/latest --full

        wirerace show results/latest --setting 2 --full

        wirerace show results/latest --svg answer.svg

        wirerace show results/latest --format csv > trials.csv

        wirerace show results/latest --format parquet --out trials.parquet
    """
    if as_format != "table" and svg is not None:
        raise BadInput("--svg is a picture of the table: leave --format out")
    if as_format == "table" and out is not None:
        raise BadInput("--out is for another --format than table; --svg saves the table as a picture")
    try:
        result = _print(place, setting, full=full) if as_format == "table" else _write(place, setting, as_format, out)
    except ArithmeticError as error:
        raise BadInput(f"{place}: it was edited, and no run has such numbers: {error}") from None
    if svg is not None:
        with blamed_on(svg):
            save_svg(result, svg, full=full)


def _print(place: Path, setting: int | None, *, full: bool) -> Result:
    """Print what is in a file of a run, or in its directory; return the result, or that of one setting."""
    if place.name == RECORD_NAME:
        reproduced, result = read_known(place), read_result(place.parent)
        print_record(*reproduced, result)
    else:
        result = _read(place, setting)
        print_result(result, file_of(place), full=full)
    return result


def _read(place: Path, setting: int | None) -> Result:
    """Return the result of a run, or that of one setting."""
    result = read_result(place)
    if setting is None:
        return result
    if setting >= len(result.points):
        raise BadInput(f"--setting must be below {len(result.points)}, the number of settings, got {setting}")
    return result.at(setting)


def _write(place: Path, setting: int | None, as_format: Format, out: Path | None) -> Result:
    """Write a result in a format for programs, to a file or to stdout; return it."""
    if place.name == RECORD_NAME:
        raise BadInput(f"{place}: --format is for runs: give the directory {place.parent}")
    if out is None and as_format in BINARY and sys.stdout.isatty():
        raise BadInput(f"--format {as_format} is not for a terminal: give --out FILE, or redirect it")
    result = _read(place, setting)
    encoded = encoded_as(as_format, result)
    if out is None:
        sys.stdout.buffer.write(encoded)
    else:
        with blamed_on(out):
            out.write_bytes(encoded)
    return result
