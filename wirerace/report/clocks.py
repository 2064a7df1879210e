"""Clocks of load hosts as rows: how each was corrected, how wrong it may be, and whether they agree with each other."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from wirerace.errors import printable
from wirerace.record.clocks import Clocks, LoadHost, Triangle
from wirerace.record.result import Result
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.tables import table_with

HEADINGS = ("corrected by", "drift", "round trip", "error", "answered")
MOST_NAME, ENDING = 24, 11
CAPTION = (
    "corrected by: added to the host's clock, in the trial with the largest error\n"
    "drift: of the producer's clock against it, a second · error: of each time, at most"
)


class ClockRow(NamedTuple):
    """A load host, and its cells under `HEADINGS`."""

    host: str
    cells: Sequence[str]


class ClockTable(NamedTuple):
    """The clocks of all load hosts, with the words below the table: a line for each triangle at its worst."""

    headings: Sequence[str]
    rows: Sequence[ClockRow]
    caption: str


def clocks_of(result: Result) -> ClockTable | None:
    """Return the clocks of a run's load hosts; None if the load ran on the producer's host."""
    found = [trial.clocks for trial in result.counted if trial.clocks is not None]
    if not found:
        return None
    rows = [_row(host) for host in _worst_hosts(found)]
    return ClockTable(HEADINGS, rows, "\n".join([CAPTION, *map(_triangle_words, _worst_triangles(found))]))


def clock_table(result: Result) -> Table | None:
    """Return the clocks of a run's load hosts as a table; None if the load ran on the producer's host."""
    if (found := clocks_of(result)) is None:
        return None
    table = table_with("Clocks of load hosts", found.caption, found.headings)
    for row in found.rows:
        table.add_row(escape(shortened(row.host)), *row.cells)
    return table


def shortened(host: str) -> str:
    """Return the name of a host as it fits into a terminal: pods' names end with what tells them apart."""
    name, _, address = host.partition(" ")
    return host if len(name) <= MOST_NAME else f"…{name[-ENDING:]} {address}"


def _worst_hosts(found: Sequence[Clocks]) -> list[LoadHost]:
    """Return each host as it was in the trial in which its clock was known worst."""
    worst: dict[tuple[str, str], LoadHost] = {}
    for host in (host for clocks in found for host in clocks.hosts):
        name = host.host, host.address
        if name not in worst or _badness(host) > _badness(worst[name]):
            worst[name] = host
    return [worst[name] for name in sorted(worst)]


def _badness(host: LoadHost) -> tuple[bool, float]:
    return host.error_seconds is None, host.error_seconds or 0.0


def _row(host: LoadHost) -> ClockRow:
    is_known = host.error_seconds is not None
    cells = [
        spell(host.corrected_seconds if is_known else None, "seconds"),
        f"{1e6 * host.drift:+.1f} µs" if is_known else UNKNOWN,
        spell(host.round_trip_seconds, "seconds"),
        spell(host.error_seconds, "seconds"),
        f"{host.answers} of {host.probes}",
    ]
    return ClockRow(printable(f"{host.host} ({host.address})"), cells)


def _worst_triangles(found: Sequence[Clocks]) -> list[Triangle]:
    """Return each triangle as it was in the trial in which it came closest to its limit, or beyond."""
    worst: dict[tuple[str, ...], Triangle] = {}
    for triangle in (triangle for clocks in found for triangle in clocks.triangles):
        name = tuple(sorted(triangle.hosts))
        if name not in worst or _openness(triangle) > _openness(worst[name]):
            worst[name] = triangle
    return [worst[name] for name in sorted(worst)]


def _openness(triangle: Triangle) -> float:
    if triangle.sum_seconds is None or not triangle.within_seconds:
        return 0.0
    return abs(triangle.sum_seconds) / triangle.within_seconds


def _triangle_words(triangle: Triangle) -> str:
    hosts = printable(", ".join((*triangle.hosts, "producer")))
    if triangle.sum_seconds is None:
        return f"around {hosts}: not compared, because the two load hosts do not reach each other over UDP"
    around, within = spell(triangle.sum_seconds, "seconds"), spell(triangle.within_seconds, "seconds")
    return f"around {hosts}: differences sum to {around} (0, to {within})"
