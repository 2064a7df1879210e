"""Replicas as rows: how busy each was, and how many clients it had, for the terminal and the page."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from wirerace.errors import printable
from wirerace.record.parts import ReplicaCost
from wirerace.record.result import Result
from wirerace.report.settings import at_point
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.tables import table_with

CAPTION = "the part of a core that each took in the window, and its clients at the end; means over repeats"


class ReplicaRow(NamedTuple):
    """The replicas of one contestant, at one setting."""

    contestant: str
    transport: str
    cells: Sequence[str]


class ReplicaTable(NamedTuple):
    """The replicas of all contestants; rows with fewer than others end sooner."""

    headings: Sequence[str]
    rows: Sequence[ReplicaRow]
    caption: str


def replicas_of(result: Result) -> ReplicaTable | None:
    """Return what each replica did; None if every server was alone."""
    rows = list(_rows(result))
    most = max((len(row.cells) for row in rows), default=0)
    headings = [f"replica {number}" for number in range(1, most + 1)]
    return ReplicaTable(headings, rows, CAPTION) if rows else None


def replica_table(result: Result) -> Table | None:
    """Return the replicas as a table; None if every server was alone."""
    if (found := replicas_of(result)) is None:
        return None
    table = table_with("Replicas", found.caption, found.headings)
    for row in found.rows:
        table.add_row(escape(row.contestant), *row.cells)
    return table


def _rows(result: Result) -> Iterator[ReplicaRow]:
    for index in range(len(result.points)):
        for contestant in result.present:
            trials = [one for one in result.counted if one.contestant == contestant.id and one.point == index]
            repeats = [one.server.replicas for one in trials if one.server.replicas]
            if repeats:
                name = printable(f"{contestant.title}{at_point(result, index)}")
                yield ReplicaRow(name, contestant.transport, list(map(_cell, zip(*repeats, strict=False))))


def _cell(costs: Sequence[ReplicaCost]) -> str:
    """Return how busy a replica was, and how many clients it had: means over its repeats."""
    busy = [one.utilisation for one in costs if one.utilisation is not None]
    clients = [one.clients for one in costs if one.clients is not None]
    said = spell(fmean(busy), "fraction") if len(busy) == len(costs) else UNKNOWN
    return f"{said}, {fmean(clients):.0f}" if len(clients) == len(costs) else said
