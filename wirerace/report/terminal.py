"""What people see of a run, in the terminal and as a picture."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wirerace.analysis.statistics import LEAST_REPEATS, contestants_of
from wirerace.errors import printable
from wirerace.experiment.record import Result
from wirerace.report.judgement import comparison_of, rows_of, table_with, theory_of, verdict_of
from wirerace.report.spelling import UNKNOWN
from wirerace.schedule import Source
from wirerace.transports import title_of

PICTURE_COLUMNS = 84


def table_of(result: Result) -> Table:
    """Return figures as rows, transports as columns."""
    contestants = contestants_of(result)
    repeats = len({trial.repeat for trial in result.counted})
    clients, seconds = describe_clients(result.experiment["clients"]), result.experiment["window"]["measure_seconds"]
    news = describe_source(msgspec.convert(result.experiment["producer"], Source))
    caption = f"{clients} · {news} · {seconds:g} s"
    if repeats > 1:
        told = " ± 95 % interval" if repeats >= LEAST_REPEATS else ", too few for intervals"
        caption += f" · mean of {repeats} repeats{told}"
    caption += f"; {UNKNOWN} unknown"
    table = table_with(
        printable(result.experiment["title"]), caption, [title_of(*contestant) for contestant in contestants]
    )
    for name, values in rows_of(result):
        table.add_row(name, *values)
    return table


def describe_clients(clients: Mapping[str, Any]) -> str:
    """Return how many clients there were, and in which shape they came."""
    shape = clients.get("shape", "steady")
    return f"{clients['count']} clients" + ("" if shape == "steady" else f", {shape}")


def describe_source(source: Source) -> str:
    """Return what the news is like, in a few words."""
    if source.arrivals == "trace":
        times = "" if source.speed == 1 else f" at {source.speed:g} × its speed"
        return f"trace {printable(Path(source.trace_file or '').name)}{times}"
    size = source.payload_bytes
    sizes = f"{size}" if isinstance(size, int) else f"{size.min} to {size.max}"
    return f"{source.arrivals}, {source.rate_per_second:g} updates/s of {sizes} bytes"


def print_result(result: Result) -> None:
    """Print all tables and the verdict, unless no trial was finished."""
    console = Console()
    for part in parts_of(result):
        console.print(part)


def parts_of(result: Result) -> list[Table | Text]:
    """Return what a run has to say: figures, theory beside them, comparison, verdict."""
    if not result.counted and not result.trials:
        return []
    tables = [table_of(result), theory_of(result), comparison_of(result)] if result.counted else []
    return [*(table for table in tables if table is not None), Text("\n".join(map(printable, verdict_of(result))))]


def save_svg(result: Result, path: Path) -> None:
    """Save the same as an SVG picture."""
    console = Console(record=True, width=PICTURE_COLUMNS, file=io.StringIO())
    for part in parts_of(result):
        console.print(part)
    # Without the font that a viewer would fetch: a picture asks the network for nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="wirerace"), flags=re.DOTALL)
    path.write_text(svg, "utf-8")
