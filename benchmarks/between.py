"""Between: runs of one version compared with each other. How often is a difference found, and how much do runs differ?

for i in $(seq 20); do .venv/bin/wirerace run experiments/five-repeats.toml --out results/same-$i; done
.venv/bin/python -m benchmarks.between results/same-*
"""

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, variance
from typing import NamedTuple

from wirerace.analysis.between import MARGIN, Options
from wirerace.analysis.comparison import Given, compared
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import PRIMARY
from wirerace.errors import WireraceError
from wirerace.record.reading import read_result

Table = Sequence[Sequence[float]]
"""The logarithms of a figure: a row for each run, a column for each seed."""


class Spreads(NamedTuple):
    """Standard deviations of logarithms: of repeats, of what a schedule does, and of what a run does.

    `between` is negative if runs differ less than their repeats say. `largest` is the largest ratio of two runs.
    """

    repeats: float
    schedules: float
    between: float
    largest: float


def main() -> int:
    """Read the runs, and print how they differ; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+", help="directories of runs of one experiment by one version")
    parser.add_argument("--allow-invalid", action="store_true", help="compare invalid trials, too")
    given = parser.parse_args()
    try:
        runs = [Given(str(path), read_result(path)) for path in given.runs]
        sys.stdout.write("\n".join([*spreads_in(runs), "", *shares_in(runs, allow_invalid=given.allow_invalid)]) + "\n")
    except WireraceError as error:
        sys.stderr.write(f"between: {error}\n")
        return 2
    return 0


def spreads_in(runs: Sequence[Given]) -> Iterator[str]:
    """Yield how much each primary figure of each contestant varies, and between what."""
    yield f"{len(runs)} runs; standard deviations in %"
    yield f"{'':44}{'repeats':>9}{'schedules':>11}{'runs':>8}{'largest ratio':>15}"
    for contestant in runs[0].result.contestants:
        for figure in PRIMARY:
            found = spreads_of(table_of(runs, contestant.id, figure))
            name = f"{contestant.title}, {figure.label}"
            yield (
                f"{name:<44}{100 * found.repeats:>9.2f}{100 * found.schedules:>11.2f}{100 * found.between:>8.2f}"
                f"{found.largest:>15.3f}"
            )


def table_of(runs: Sequence[Given], contestant: str, figure: Figure) -> Table:
    """Return the logarithms of a figure, in the seeds that every run has."""
    values = [
        {
            trial.seed: math.log(value)
            for trial in run.result.counted
            if trial.contestant == contestant and (value := figure.of(trial))
        }
        for run in runs
    ]
    seeds = sorted(set.intersection(*(set(one) for one in values)))
    return [[one[seed] for seed in seeds] for one in values]


def spreads_of(table: Table) -> Spreads:
    """Return the spreads in a table: analysis of variance in two ways, without interaction."""
    rows, columns = len(table), len(table[0])
    by_run, by_seed = [fmean(row) for row in table], [fmean(column) for column in zip(*table, strict=True)]
    whole = fmean(by_run)
    rest = sum(
        (table[i][j] - by_run[i] - by_seed[j] + whole) ** 2 for i, j in itertools.product(range(rows), range(columns))
    ) / ((rows - 1) * (columns - 1))
    between = variance(by_run) - rest / columns
    return Spreads(
        repeats=math.sqrt(rest),
        schedules=math.sqrt(max(0.0, variance(by_seed) - rest / rows)),
        between=math.copysign(math.sqrt(abs(between)), between),
        largest=math.exp(max(by_run) - min(by_run)),
    )


def shares_in(runs: Sequence[Given], *, allow_invalid: bool) -> Iterator[str]:
    """Yield in how many pairs of runs a difference is found, with the margin and without one."""
    neighbours, pairs = list(itertools.pairwise(runs)), list(itertools.combinations(runs, 2))
    for margin in (0.0, MARGIN):
        options = Options(margin, allow_invalid)
        yield f"smallest difference {100 * margin:g} %:"
        for name, some in (("runs that follow each other", neighbours), ("all pairs", pairs)):
            differing = sum(has_difference(a, b, options) for a, b in some)
            yield f"  {name}: {differing} of {len(some)} show a difference"


def has_difference(a: Given, b: Given, options: Options) -> bool:
    """Return whether any figure of two runs is said to differ."""
    return any(change.shown in {"less", "more"} for change in compared(a, b, (), options).changes)


if __name__ == "__main__":
    sys.exit(main())
