"""A sweep in the terminal: one table for all settings and contestants."""

import math
import re
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wirerace.analysis.aggregate import has_visitors, summarised
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
VISIT_COLUMNS = {
    "visit.first_update": "first\nupdate",
    "visit.whole": "whole\nvisit",
    "visit.requests": "requests",
    "visit.segments": "segments",
    "visit.ip_bytes": "bytes,\nIP",
    "visit.server_cpu": "server\nCPU",
}
"""The same with visitors: all of them are for one visit."""
MESSAGE_COLUMNS = {
    "latency.mean": "mean\nlatency",
    "messages.latency": "message\nlatency",
    "messages.acknowledged": "answered\nafter",
    "messages.relayed": "client to\nclients",
    "messages.bytes": "bytes per\nmessage",
    "server.busy": "server\nbusy",
}
"""The same where clients send."""
HEADINGS = COLUMNS | VISIT_COLUMNS | MESSAGE_COLUMNS
WIDE, LEAST_WIDTH = 1000, 72
MOST_HEADING = 10
"""The width of a swept key's heading, if its parts are no longer."""
GOOD, CARE, NOT = "✓", "?", "✗"
AFTER = " ↓"
"""Beside the value of a knob: the servers were overloaded first."""


def sweep_of(result: Result, columns: int) -> list[Table]:
    """Return the table of a sweep: all figures in one, or in several where a number would not fit."""
    ids, tables = columns_of(result), list[Table]()
    for count in range(1, len(ids) + 1):
        size = math.ceil(len(ids) / count)
        tables = [_table_of(result, ids[start : start + size]) for start in range(0, len(ids), size)]
        if all(Console(width=WIDE).measure(table).minimum <= columns for table in tables):
            break
    tables[0].title, tables[-1].caption = escape(printable(result.experiment["title"])), _caption(result)
    for table in tables:
        table.min_width = min(LEAST_WIDTH, columns)
    return tables


def columns_of(result: Result) -> list[str]:
    """Return the figures of the table: those of the population, or of messages, of which any trial has a value."""
    if has_visitors(result):
        return list(VISIT_COLUMNS)
    if not any(trial.messages is not None for trial in result.counted):
        return list(COLUMNS)
    return [name for name in MESSAGE_COLUMNS if any(BY_ID[name].of(trial) is not None for trial in result.counted)]


def _caption(result: Result) -> str:
    repeats = max(len({trial.repeat for trial in result.at(index).counted}) for index in range(len(result.points)))
    over = f"mean of {repeats} repeats · " if repeats > 1 else ""
    after = f"{AFTER.strip()} after an overload · " if any(point.after for point in result.points) else ""
    return (
        f"{after}{over}{GOOD} good · {CARE} with care · {NOT} do not use, see below · {UNKNOWN} unknown\n"
        "wirerace show RUN --setting N --full prints every figure of one setting, with theory beside it; "
        "N counts from 0, in this order"
    )


def _table_of(result: Result, ids: Sequence[str]) -> Table:
    """Return a row for each contestant at each setting: the swept keys, some figures, and a mark for its verdict."""
    axes = list(result.points[0].setting)
    table = Table(title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for axis in axes:
        table.add_column(escape(_heading(axis)), justify="right", no_wrap=True)
    words = [word for contestant in result.present for word in printable(contestant.title).split()]
    table.add_column("", min_width=max(map(len, words), default=0))  # titles are wrapped, numbers are never cut
    for name in ids:
        table.add_column(HEADINGS[name], justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for index, point in enumerate(result.points):
        values = [_value(value) + AFTER * bool(point.after) for value in point.setting.values()]
        for row in _rows(result.at(index), values, ids):
            table.add_row(*row)
    return table


def _rows(found: Result, values: Sequence[str], ids: Sequence[str]) -> list[list[str]]:
    """Return the rows of one setting; the values of the swept keys stand in the first of them."""
    if not found.present:
        return [[*map(escape, values), "not measured", *[UNKNOWN] * len(ids), ""]]
    summary, rows = summarised(found), []
    for number, contestant in enumerate(found.present):
        figures = summary.figures[contestant.id]
        cells = [spell(figures[name].mean if name in figures else None, BY_ID[name].unit) for name in ids]
        trials = [trial for trial in found.counted if trial.contestant == contestant.id]
        first = [escape(value) if not number else "" for value in values]
        rows.append([*first, escape(printable(contestant.title)), *cells, mark_of(trials)])
    return rows


def mark_of(trials: Sequence[Trial]) -> str:
    """Return the mark for the verdict of some trials."""
    word = word_of(trials)
    return NOT if word.startswith(DO_NOT_USE) else CARE if word.startswith(WITH_CARE) else GOOD


def _heading(axis: str) -> str:
    """Return a key as a heading of short lines: the table above, the key below, broken after underscores."""
    table, dot, key = printable(axis).rpartition(".")
    lines = [""]
    for part in re.findall("[^_]*_?", key):
        if len(lines[-1] + part) > MOST_HEADING:
            lines.append("")
        lines[-1] += part
    return "\n".join([f"{table}{dot}", *lines])


def _value(value: object) -> str:
    return printable(value if isinstance(value, str) else inline(value))
