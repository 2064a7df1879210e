"""The answer of a search for capacity in the terminal: sentences, a row for each contestant, and the verdict."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from wirerace.record.result import Result
from wirerace.report.answer_table import fitted
from wirerace.report.capacity import CapacityRow, objectives_line, rows_of, sentences_of
from wirerace.report.verdict import colour_of, validity_of

HEADS = ("", "carries", "there → beyond", "gave out", "again after")
WIDTHS = (17, 18, 19, 13, 12)
"""The widths of the columns: 79 in all."""


def capacity_table(result: Result, columns: int) -> list[Text]:
    """Return a head, a row for each contestant, and what the values are."""
    rows = rows_of(result)
    lines = [Text(_line(HEADS, columns), "bold"), *(Text(_line(_cells(row), columns)) for row in rows)]
    figure = objectives_line(result)
    return [*lines, Text(fitted(f"{figure}; again after: on a server that was overloaded", columns).rstrip(), "dim")]


def capacity_verdict(result: Result, columns: int) -> list[Text]:
    """Return the verdict on one line, or on two."""
    verdict = validity_of(result)
    wrapping = Console(file=io.StringIO(), width=columns)  # by the width of characters
    first, *more = (line.plain.rstrip() for line in Text(verdict).wrap(wrapping, columns))
    lines = [first, *([fitted(" ".join(more), columns).rstrip()] if more else [])]
    return [Text(line, colour_of(verdict)) for line in lines]


def capacity_parts(result: Result, columns: int) -> list[Text]:
    """Return everything that `--full` prints of a search before the table of all its trials."""
    said = [Text(sentence) for sentence in sentences_of(result)]
    whys = [Text(f"{row.title}: {row.why}") for row in rows_of(result) if row.why]
    return [*said, Text(), *capacity_table(result, columns), Text(), *whys, *capacity_verdict(result, columns), Text()]


def _cells(row: CapacityRow) -> Sequence[str]:
    return (row.title, row.carries, row.measured, row.gave_out, row.again)


def _line(cells: Sequence[str], columns: int) -> str:
    """Return cells below each other's heads, the first one at the left."""
    first, *others = (fitted(cell, width - 1) for cell, width in zip(cells, WIDTHS, strict=True))
    return fitted(" ".join([first, *others]), columns).rstrip()
