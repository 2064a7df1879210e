"""`wirerace report`: make the HTML report of results."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from wirerace.errors import BadInput
from wirerace.report.html.saving import at_setting, report_beside, reported, save_chart, save_report
from wirerace.runner.directory import LATEST

EDITED = "it was edited, and no run has such numbers"


def command(
    places: Annotated[
        list[Path] | None,
        typer.Argument(help="Directories of runs, or their result.json. Default: results/latest.", metavar="RUN..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page. Default: report.html beside the result.")
    ] = None,
    chart: Annotated[
        str, typer.Option(help="Write one chart instead, for example latency or frontier; with --svg.", metavar="NAME")
    ] = "",
    svg: Annotated[Path | None, typer.Option(help="Where to write that chart, as a picture.", metavar="FILE")] = None,
    setting: Annotated[
        int | None, typer.Option(min=0, help="Take that chart from one setting of a sweep; the first is 0.")
    ] = None,
) -> None:
    """Make the report of a run again, or one page of several runs: one HTML file that opens without a network.

    **Examples:**

        wirerace report results/latest

        wirerace report results/before results/after --out both.html

        wirerace report results/latest --chart latency --svg latency.svg
    """
    given = places or [LATEST]
    if chart or svg is not None or setting is not None:
        path = _save_chart(given, out, chart, svg, setting)
    else:
        path = _save_page(given, out)
    sys.stdout.write(f"{path}\n")


def _save_page(given: Sequence[Path], out: Path | None) -> Path:
    """Write the page of some runs, and return its path."""
    if out is None and len(given) > 1:
        raise BadInput("this page is of several runs: name its file with --out FILE")
    found = [reported(place) for place in given]
    path = out or report_beside(given[0])
    try:
        save_report(found, path)
    except ArithmeticError as error:
        names = ", ".join(map(str, given))
        raise BadInput(f"{names}: {EDITED}: {error}") from None
    return path


def _save_chart(given: Sequence[Path], out: Path | None, chart: str, svg: Path | None, setting: int | None) -> Path:
    """Write one chart of a run, and return its path."""
    if not chart or svg is None:
        raise BadInput("a picture needs both: --chart NAME says of what, --svg FILE where")
    if out is not None or len(given) > 1:
        raise BadInput("--chart is of one run, and --svg says where: leave out --out and other runs")
    found = reported(given[0])
    try:
        save_chart(found if setting is None else at_setting(found, setting), chart, svg)
    except ArithmeticError as error:
        raise BadInput(f"{given[0]}: {EDITED}: {error}") from None
    return svg
