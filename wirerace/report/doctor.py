"""The table of a checkup, in the terminal: figures, what they mean, and what to change."""

import sys

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wirerace.analysis.advice import FIGURES, CheckupFigure, advice
from wirerace.record.checkup import Checkup
from wirerace.report.spelling import UNKNOWN, spell

GOOD, POOR = "ok", "!"
PLAIN_COLUMNS = 110
"""The width without a terminal: every row fits on one line."""


def table_of(checkup: Checkup) -> Table:
    """Return a row for each figure: whether it is good enough, its value, its meaning."""
    table = Table(
        title="The harness on this machine",
        caption=f"measured in {checkup.took_seconds:.1f} s; {POOR} see below; {UNKNOWN} unknown, or not measured",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for header in ("", "figure", "value", "meaning"):
        table.add_column(header, no_wrap=header != "meaning")
    for figure in FIGURES:
        table.add_row(mark_of(figure, checkup), figure.name, value_of(figure, checkup), figure.meaning)
    return table


def mark_of(figure: CheckupFigure, checkup: Checkup) -> str:
    """Return the mark of a figure: good enough, to be improved, or unknown."""
    if figure.cure(checkup):
        return POOR
    return GOOD if any(getattr(checkup, field) is not None for field in figure.fields.values()) else UNKNOWN


def value_of(figure: CheckupFigure, checkup: Checkup) -> str:
    """Return the values of a figure, each with its name."""
    spelled = {label: spelled_field(field, getattr(checkup, field)) for label, field in figure.fields.items()}
    if set(spelled.values()) == {UNKNOWN}:
        return UNKNOWN
    return ", ".join(f"{label} {value}".lstrip() for label, value in spelled.items())


def spelled_field(name: str, value: str | bool | float | None) -> str:
    """Return a field's value for people, with the unit that its name says."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_per_second"):
        return spell(value, "count")
    for word in ("bytes", "fraction", "seconds"):
        if word in name:
            return spell(value, word)
    return spell(value, "ratio" if name.endswith(("_cores", "_average")) else "count")


def print_checkup(checkup: Checkup) -> None:
    """Print the table, and what to change."""
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_COLUMNS)
    console.print(table_of(checkup))
    sentences = advice(checkup)
    for sentence in sentences:
        console.print(Text(f"{POOR} {sentence}"), soft_wrap=True)
    if not sentences:
        console.print("Nothing to change.")
