"""`wirerace doctor`: measure the harness on this machine."""

import sys
from typing import Annotated

import msgspec
import typer

from wirerace.analysis.advice import advice
from wirerace.analysis.thresholds import LOAD_UTILISATION
from wirerace.errors import WireraceError
from wirerace.host.doctor import quick_checkup
from wirerace.record.checkup import Checkup
from wirerace.report.doctor import print_checkup
from wirerace.report.progress import progress_display
from wirerace.runner.capacity import with_capacity


def command(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not measure the load's capacity; takes one second instead of twelve.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures and the advice as JSON.")] = False,
) -> None:
    """Measure the harness on this machine: clock, timer, loopback, reader, capacity of the load, limits.

    Then print what to change before a measurement. docs/measuring.md explains each figure.

    **Examples:**

        wirerace doctor

        wirerace doctor --quick

        wirerace doctor --json > doctor.json

    Exit codes: 0 measured, whatever it found; 1 the load could not be
    measured; 2 bad input; 5 the system refused something; 129 SIGHUP; 130 Ctrl-C;
    143 SIGTERM.
    """
    checkup, fault = _measure(quick=quick)
    if as_json:
        figures = {**msgspec.structs.asdict(checkup), "advice": advice(checkup)}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    else:
        print_checkup(checkup)
    if fault is not None:
        sys.stderr.write(f"wirerace: the load could not be measured: {fault}\n")
        raise typer.Exit(1)


def _measure(*, quick: bool) -> tuple[Checkup, WireraceError | None]:
    """Return what was measured, and the error that kept the rest from being measured."""
    checkup = quick_checkup()
    if quick:
        return checkup, None
    try:
        with progress_display() as on_progress:
            return with_capacity(checkup, LOAD_UTILISATION.doubt or 1.0, on_progress), None
    except WireraceError as error:
        return checkup, error
