"""A sweep in the terminal: one table for all settings and contestants."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from wirerace.analysis.aggregate import summarised
from wirerace.analysis.figures import BY_ID
from wirerace.errors import printable
from wirerace.experiment.toml import inline
from wirerace.record.result import Result
from wirerace.record.trial import Trial
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.verdict import DO_NOT_USE, WITH_CARE, word_of

COLUMNS = {
    "latency.mean": "mean\nlatency",
    "latency.p99": "p99\nlatency",
    "age.mean": "mean\nage",
    "bytes.per_delivery": "bytes per\ndelivery",
    "server.cpu_per_delivery": "CPU per\ndelivery",
    "server.busy": "server\nbusy",
}
"""The figures of a sweep's table, and their headings: short ones, because a terminal has 80 columns."""
GOOD, CARE, NOT = "✓", "?", "✗"


def sweep_of(result: Result) -> Table:
    """Return a row for each contestant at each setting: the swept keys, its figures, and a mark for its verdict."""
    axes = list(result.points[0].setting)
    repeats = max(len({trial.repeat for trial in result.at(index).counted}) for index in range(len(result.points)))
    over = f"mean of {repeats} repeats · " if repeats > 1 else ""
    table = Table(
        title=escape(printable(result.experiment["title"])),
        caption=(
            f"{over}{GOOD} good · {CARE} with care · {NOT} do not use, see below · {UNKNOWN} unknown\n"
            "wirerace show RUN --setting N prints every figure of one setting, with theory beside it; "
            "N counts from 0, in this order"
        ),
        title_justify="left",
        caption_justify="left",
        min_width=72,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for axis in axes:
        table.add_column(escape(_heading(axis)), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for index, point in enumerate(result.points):
        for row in _rows(result.at(index), list(map(_value, point.setting.values()))):
            table.add_row(*row)
    return table


def _rows(found: Result, values: Sequence[str]) -> list[list[str]]:
    """Return the rows of one setting; the values of the swept keys stand in the first of them."""
    if not found.present:
        return [[*map(escape, values), "not measured", *[UNKNOWN] * len(COLUMNS), ""]]
    summary, rows = summarised(found), []
    for number, contestant in enumerate(found.present):
        figures = summary.figures[contestant.id]
        cells = [spell(figures[name].mean, BY_ID[name].unit) for name in COLUMNS]
        trials = [trial for trial in found.counted if trial.contestant == contestant.id]
        first = [escape(value) if not number else "" for value in values]
        rows.append([*first, escape(printable(contestant.title)), *cells, _mark(trials)])
    return rows


def _mark(trials: Sequence[Trial]) -> str:
    word = word_of(trials)
    return NOT if word.startswith(DO_NOT_USE) else CARE if word.startswith(WITH_CARE) else GOOD


def _heading(axis: str) -> str:
    """Return a key as a heading of two lines: the table above, the key below."""
    table, dot, key = printable(axis).rpartition(".")
    return f"{table}{dot}\n{key}"


def _value(value: object) -> str:
    return printable(value if isinstance(value, str) else inline(value))
