"""`wirerace show`: print the answer of a run again, or every figure."""

from pathlib import Path
from typing import Annotated

import typer

from wirerace.cli.reproduce import RECORD_NAME, print_record, read_record
from wirerace.errors import BadInput
from wirerace.record.reading import file_of, read_result
from wirerace.record.result import Result
from wirerace.report.terminal import print_result, save_svg
from wirerace.runner.directory import LATEST
from wirerace.system import blamed_on


def command(
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
) -> None:
    """Print the answer of a run again, or the checks in a reproduction.json.

    **Examples:**

        wirerace show results/latest

        wirerace show results/latest/result.json

        wirerace show results/latest --full

        wirerace show results/latest --setting 2 --full

        wirerace show results/latest --svg answer.svg
    """
    try:
        result = _print(place, setting, full=full)
    except ArithmeticError as error:
        raise BadInput(f"{place}: it was edited, and no run has such numbers: {error}") from None
    if svg is not None:
        with blamed_on(svg):
            save_svg(result, svg, full=full)


def _print(place: Path, setting: int | None, *, full: bool) -> Result:
    """Print what is in a file of a run, or in its directory; return the result, or that of one setting."""
    if place.name == RECORD_NAME:
        reproduced, result = read_record(place), read_result(place.parent)
        print_record(*reproduced, result)
    else:
        result = read_result(place)
        if setting is not None:
            if setting >= len(result.points):
                raise BadInput(f"--setting must be below {len(result.points)}, the number of settings, got {setting}")
            result = result.at(setting)
        print_result(result, file_of(place), full=full)
    return result
