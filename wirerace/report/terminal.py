"""The table of a run, in the terminal and as a picture."""

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from wirerace.analysis.statistics import contestants_of, figures_of, over_repeats
from wirerace.experiment.record import Result
from wirerace.schedule import Source
from wirerace.transports import title_of

UNKNOWN = "–"
PICTURE_COLUMNS = 78


def table_of(result: Result) -> Table:
    """Return figures as rows, transports as columns."""
    contestants = contestants_of(result)
    repeats = max((trial.repeat for trial in result.trials), default=1)
    clients, seconds = describe_clients(result.experiment["clients"]), result.experiment["window"]["measure_seconds"]
    news = describe_source(msgspec.convert(result.experiment["producer"], Source))
    caption = f"{clients} · {news} · {seconds:g} s"
    caption += f" · mean of {repeats} repeats; {UNKNOWN} unknown" if repeats > 1 else f"; {UNKNOWN} unknown"
    table = Table(
        title=result.experiment["title"],
        caption=caption,
        title_justify="left",
        caption_justify="left",
        min_width=72,
        box=box.SIMPLE_HEAD,
    )
    table.add_column("", no_wrap=True)
    for contestant in contestants:
        table.add_column(title_of(*contestant), justify="right")
    for figure in figures_of(result):
        values = (over_repeats(result, contestant, figure) for contestant in contestants)
        table.add_row(figure.name, *(spell(value, figure.unit) for value in values))
    return table


def describe_clients(clients: Mapping[str, Any]) -> str:
    """Return how many clients there were, and in which shape they came."""
    shape = clients.get("shape", "steady")
    return f"{clients['count']} clients" + ("" if shape == "steady" else f", {shape}")


def describe_source(source: Source) -> str:
    """Return what the news is like, in a few words."""
    if source.arrivals == "trace":
        times = "" if source.speed == 1 else f" at {source.speed:g} × its speed"
        return f"trace {Path(source.trace_file or '').name}{times}"
    size = source.payload_bytes
    sizes = f"{size}" if isinstance(size, int) else f"{size.min} to {size.max}"
    return f"{source.arrivals}, {source.rate_per_second:g} updates/s of {sizes} bytes"


def spell(value: float | None, unit: str) -> str:
    """Return a value with its unit, in the size that people read."""
    return UNKNOWN if value is None else SPELLINGS[unit](value)


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    name, size = next(((name, size) for name, size in units if abs(value) >= size), units[-1])
    scaled = value / size
    return f"{scaled:.0f} {name}" if scaled >= 100 else f"{scaled:.3g} {name}"


SPELLINGS: dict[str, Callable[[float], str]] = {
    "seconds": lambda value: _scaled(value, (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))),
    "bytes": lambda value: _scaled(value, (("MB", 1e6), ("kB", 1e3), ("B", 1.0))),
    "microseconds": lambda value: f"{value:.1f} µs",
    "fraction": lambda value: "100 %" if value == 1 else f"{min(100 * value, 99.99):.2f} %",
    "ratio": lambda value: f"{value:.3g}",
    "count": lambda value: f"{value:.0f}",
}


def print_result(result: Result) -> None:
    """Print the table, unless no trial was finished."""
    if result.trials:
        Console().print(table_of(result))


def save_svg(result: Result, path: Path) -> None:
    """Save the table as an SVG picture."""
    console = Console(record=True, width=PICTURE_COLUMNS, file=io.StringIO())
    console.print(table_of(result))
    # Without the font that a viewer would fetch: a picture asks the network for nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="wirerace"), flags=re.DOTALL)
    path.write_text(svg, "utf-8")
