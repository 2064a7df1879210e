"""`wirerace report`: make the HTML report of results."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wirerace.errors import BadInput
from wirerace.report.html.saving import report_beside, reported, save_report
from wirerace.runner.directory import LATEST


def command(
    places: Annotated[
        list[Path] | None,
        typer.Argument(help="Directories of runs, or their result.json. Default: results/latest.", metavar="RUN..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page. Default: report.html beside the result.")
    ] = None,
) -> None:
    """Make the report of a run again, or one page of several runs: one HTML file that opens without a network.

    **Examples:**

        wirerace report results/latest

        wirerace report results/before results/after --out both.html
    """
    given = places or [LATEST]
    if out is None and len(given) > 1:
        raise BadInput("this page is of several runs: name its file with --out FILE")
    found = [reported(place) for place in given]
    path = out or report_beside(given[0])
    try:
        save_report(found, path)
    except ArithmeticError as error:
        names = ", ".join(map(str, given))
        raise BadInput(f"{names}: it was edited, and no run has such numbers: {error}") from None
    sys.stdout.write(f"{path}\n")
