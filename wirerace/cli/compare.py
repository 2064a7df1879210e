"""`wirerace compare`: what changed from one run to another."""

import math
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wirerace.analysis.between import MARGIN, Options
from wirerace.analysis.comparison import Given, RunComparison, compared, names_of
from wirerace.analysis.gates import conditions_in
from wirerace.errors import BadInput
from wirerace.record.reading import read_result
from wirerace.report.between import print_comparison

UNDECIDED, FAILED = 3, 4


def command(  # noqa: PLR0913, PLR0917 -- each is an option of the command line
    a: Annotated[Path, typer.Argument(help="The run to compare with: its directory.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="The run that is compared: its directory.", metavar="B")],
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            help="Exit with 4 if this holds: a ratio of B to A (latency.p99 > 1.2x), or B's own value (lost > 0).",
            metavar="CONDITION",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(min=0.0, max=10.0, help="The smallest difference of times that is called one; of bytes, 1 %."),
    ] = MARGIN,
    allow_invalid: Annotated[
        bool, typer.Option("--allow-invalid", help="Compare invalid trials, and runs beside other programs, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare run B with run A: each contestant's primary figures, as ratios with intervals, in one word each.

    docs/compare.md says what the words mean, and how to use it on a CI server.

    **Examples:**

        wirerace compare results/before results/after

        wirerace compare results/before results/after --fail-if 'latency.p99 > 1.2x' --fail-if 'lost > 0'

        wirerace compare results/before results/after --json > comparison.json

    Exit codes: 0 nothing that --fail-if names holds; 2 bad input; 3 --fail-if could not be decided: trials are invalid,
    missing or too few, or the interval includes the limit; 4 a --fail-if holds; 5 the system refused something; 129
    SIGHUP; 130 Ctrl-C; 143 SIGTERM.
    """
    if not math.isfinite(margin):
        raise BadInput(f"--margin must be a number from 0 to 10, got {margin}")
    conditions = conditions_in(fail_if or ())
    one, other = Given(str(a), read_result(a)), Given(str(b), read_result(b))
    for run in (one, other):
        if run.result.is_search:
            raise BadInput(f"{run.place}: a search for capacity has intervals of its own: compare those")
    try:
        found = compared(one, other, conditions, Options(margin, allow_invalid))
    except ArithmeticError as error:
        raise BadInput(f"{a} or {b}: it was edited, and no run has such numbers: {error}") from None
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    else:
        print_comparison(found, names_of(one.result, other.result))
    code = exit_code_of(found, is_gated=bool(conditions))
    if code:
        sys.stderr.write(f"wirerace: {why_failed(found)}\n")
    raise typer.Exit(code)


def exit_code_of(found: RunComparison, *, is_gated: bool) -> int:
    """Return 4 when a condition holds, 3 when one is undecided or something is only in one run, else 0."""
    outcomes = {gate.outcome for gate in found.fail_if}
    if "holds" in outcomes:
        return FAILED
    return UNDECIDED if "undecided" in outcomes or (is_gated and found.unmatched) else 0


def why_failed(found: RunComparison) -> str:
    """Return in one line why the exit code is not 0."""
    parts = [
        f"{sum(gate.outcome == outcome for gate in found.fail_if)} of {len(found.fail_if)} {said}"
        for outcome, said in (("holds", "conditions of --fail-if hold"), ("undecided", "are undecided"))
        if any(gate.outcome == outcome for gate in found.fail_if)
    ]
    return "; ".join([*parts, *found.unmatched])
