"""What people see of a run, in the terminal and as a picture."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wirerace.analysis.aggregate import LEAST_REPEATS, figures_of, primary_of, summarised
from wirerace.analysis.figure import Figure
from wirerace.analysis.thresholds import LEAST_UPDATES_BEYOND
from wirerace.errors import printable
from wirerace.record.result import Result, Summary
from wirerace.report.answer import COLUMNS, answer_of, lines_for
from wirerace.report.bars import EIGHTHS
from wirerace.report.capacity_answer import capacity_parts
from wirerace.report.clocks import clock_table
from wirerace.report.comparison import comparison_of
from wirerace.report.crossing import crossing_of
from wirerace.report.faults import fault_table
from wirerace.report.objectives import objectives_part
from wirerace.report.replicas import replica_table
from wirerace.report.sending import sending_costs_of
from wirerace.report.spelling import UNKNOWN, spell_interval
from wirerace.report.sweep import sweep_of
from wirerace.report.tables import table_with
from wirerace.report.theory import theory_of
from wirerace.report.verdict import verdict_of
from wirerace.workload.population import Population
from wirerace.workload.schedule import Source
from wirerace.workload.upstream import Upstream

PICTURE_COLUMNS = 84
REPORT_NAME = "report.html"
"""The file beside result.json that has the same for a browser."""
WIDE = 1000
FEW = " *"
"""Marks a percentile that depends on one or two updates."""


def tables_of(result: Result, summary: Summary, columns: int) -> list[Table]:
    """Return figures as rows, contestants as columns: in one table, or in several where one would be too wide."""
    ids, tables = [contestant.id for contestant in result.present], list[Table]()
    for count in range(1, len(ids) + 1):
        size = math.ceil(len(ids) / count)
        groups = [ids[start : start + size] for start in range(0, len(ids), size)]
        tables = [table_of(result, summary, group) for group in groups]
        if all(Console(width=WIDE).measure(table).maximum <= columns for table in tables):
            break
    return tables


def table_of(result: Result, summary: Summary, ids: Sequence[str]) -> Table:
    """Return figures as rows, some contestants as columns."""
    repeats = len({trial.repeat for trial in result.counted})
    clients, seconds = describe_population(result.experiment), result.experiment["window"]["measure_seconds"]
    updates = describe_source(msgspec.convert(result.experiment["producer"], Source))
    caption = f"{clients} · {updates} · {seconds:g} s"
    if repeats > 1:
        intervals = " ± 95 % interval, each by itself" if repeats >= LEAST_REPEATS else ", too few for intervals"
        caption += f" · mean of {repeats} repeats{intervals}"
    caption += f"; {UNKNOWN} unknown"
    if repeats >= LEAST_REPEATS:
        primary = ", ".join(figure.label for figure in primary_of(result))
        caption += f"\nprimary figures: {primary}; all others are exploratory"
    if invalid := sum(not trial.is_valid for trial in result.counted):
        caption += f"\nin these figures: {invalid} of {len(result.counted)} trials that are invalid, see below"
    rows = rows_of(result, summary, ids)
    if any(cell.endswith(FEW) for _, cells in rows for cell in cells):
        caption += f"\n{FEW.strip()} fewer than {LEAST_UPDATES_BEYOND} updates lie beyond it: measure for longer"
    titles = [result.title_of(name) for name in ids]
    table = table_with(printable(result.experiment["title"]), caption, [printable(title) for title in titles])
    for name, values in rows:
        table.add_row(name, *values)
    return table


def rows_of(result: Result, summary: Summary, ids: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the rows of the main table: a figure's label, and its value for each of some contestants."""
    return [
        (
            figure.label,
            [
                spell_interval(summary.figures[name][figure.id], figure.unit) + mark_of(result, name, figure)
                for name in ids
            ],
        )
        for figure in figures_of(result)
    ]


def mark_of(result: Result, contestant: str, figure: Figure) -> str:
    """Return a mark for a percentile of latency that depends on too few updates in any trial."""
    name = figure.id.removeprefix("latency.")
    few = any(
        (trial.latency_seconds.updates_beyond or {}).get(name, LEAST_UPDATES_BEYOND) < LEAST_UPDATES_BEYOND
        for trial in result.counted
        if trial.contestant == contestant
    )
    return FEW if few else ""


def describe_population(experiment: Mapping[str, Any]) -> str:
    """Return how many clients there were, and the shape of the load; or how many visitors came, and for what."""
    population = msgspec.convert(experiment.get("population", {}), Population)
    if population.is_visit:
        updates = "the newest update" if population.updates == 1 else f"{population.updates} updates"
        return f"{population.arrivals}, {population.per_second:g} visitors/s for {updates}"
    clients = experiment["clients"]
    shape = clients.get("shape", "steady")
    upstream = msgspec.convert(experiment.get("upstream", {}), Upstream)
    said = f"{clients['count']} clients" + ("" if shape == "steady" else f", {shape}")
    if not upstream.is_on:
        return said
    return f"{said}, each sends {upstream.rate_per_second:g} messages/s" + (" to all" if upstream.fan_out else "")


def describe_source(source: Source) -> str:
    """Return a description of the updates in a few words."""
    if source.arrivals == "trace":
        times = "" if source.speed == 1 else f" at {source.speed:g} × its speed"
        return f"trace {printable(Path(source.trace_file or '').name)}{times}"
    size = source.payload_bytes
    sizes = f"{size}" if isinstance(size, int) else f"{size.min} to {size.max}"
    channels = "" if source.channels == 1 else f" in each of {source.channels} channels"
    return f"{source.arrivals}, {source.rate_per_second:g} updates/s of {sizes} bytes{channels}"


def print_result(result: Result, file: Path | None = None, *, full: bool = False) -> None:
    """Print the answer, or all tables and the verdict, then where the report and the result are."""
    console = Console()
    if not full and (faults := fault_table(result) if len(result.points) == 1 else None) is not None:
        console.print(faults)
    files = [path for path in (file.with_name(REPORT_NAME), file) if path.exists()] if file is not None else []
    parts: Sequence[Table | Text] = (
        parts_of(result, console.width)
        if full
        else answer_of(result, lines_for(result) - len(files), console.width, has_bars=has_blocks(console.encoding))
    )
    for part in parts:
        console.print(part)
    for path in files:
        console.out(path, highlight=False)


def has_blocks(encoding: str) -> bool:
    """Return whether an encoding has the characters of bars."""
    try:
        EIGHTHS.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def parts_of(result: Result, columns: int = PICTURE_COLUMNS) -> list[Table | Text]:
    """Return the report of a run: figures, theory beside them, comparison, verdict; of a sweep one table for all."""
    if not result.counted and not result.trials:
        return []
    if result.is_search:  # the verdicts of its trials are about overloads that it made on purpose
        return [*capacity_parts(result, columns), *sweep_of(result, columns)]
    if len(result.points) > 1:
        return [
            *sweep_of(result, columns),
            Text(),
            *filter(None, [replica_table(result)]),
            *crossing_of(result),
            *sending_costs_of(result),
            *verdict_of(result),
            *objectives_part(result),
        ]
    tables: list[Table | None] = []
    if result.counted:
        summary = summarised(result)  # not what is saved: this version may know more figures
        tables = [*tables_of(result, summary, columns), fault_table(result), replica_table(result)]
        tables += [clock_table(result), theory_of(result)]
        tables.append(comparison_of(result, summary))
    apart = [part for table in tables if table is not None for part in (table, Text())]
    return [*apart, *verdict_of(result), *objectives_part(result)]


def save_svg(result: Result, path: Path, *, full: bool = False) -> None:
    """Save the answer, or all tables, as an SVG picture."""
    console = Console(record=True, width=PICTURE_COLUMNS if full else COLUMNS, file=io.StringIO())
    for part in parts_of(result) if full else answer_of(result):
        console.print(part)
    # Without the font that a viewer would fetch, because a picture should make no request.
    svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="wirerace"), flags=re.DOTALL)
    path.write_text(svg, "utf-8")
