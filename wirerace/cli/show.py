"""`wirerace show`: print the table of a run again."""

from pathlib import Path
from typing import Annotated

import typer

from wirerace.experiment.record import read_result
from wirerace.report.terminal import print_result, save_svg


def command(
    directory: Annotated[Path, typer.Argument(help="Directory of a run.", metavar="DIR")] = Path("results/latest"),
    svg: Annotated[Path | None, typer.Option(help="Save the table as a picture, too.")] = None,
) -> None:
    """Print the table of a run again.

    Examples:
        wirerace show results/latest

        wirerace show results/latest --svg table.svg
    """
    result = read_result(directory)
    print_result(result)
    if svg is not None:
        save_svg(result, svg)
