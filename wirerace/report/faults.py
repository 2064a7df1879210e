"""Faults as rows: what each did to the clients of each contestant, for the terminal and the page."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from wirerace.errors import printable
from wirerace.record.faults import FaultOutcome
from wirerace.record.result import Result
from wirerace.record.trial import Trial
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.tables import table_with

HEADINGS = ("served", "back, 99 %", "back, every", "expected", "lost", "again", "late")
DEEDS = {
    "kill": "is killed",
    "restart": "is restarted",
    "stall": "stands still",
    "drop": "is dropped",
    "fill": "has a full disk",
}
PLACES = {"feed": "the feed", "clients": "the clients", "proxy": "the proxy"}


class FaultCells(NamedTuple):
    """What a fault did to the clients of a contestant, as people read it; under `HEADINGS`."""

    contestant: str
    transport: str
    cells: Sequence[str]


class FaultGroup(NamedTuple):
    """A fault in words, and in fewer for a narrow column, and its row for each contestant."""

    title: str
    short: str
    rows: Sequence[FaultCells]


class FaultTable(NamedTuple):
    """All faults, in the order of the timeline, with the words below the table."""

    headings: Sequence[str]
    groups: Sequence[FaultGroup]
    caption: str


def faults_of(result: Result) -> FaultTable | None:
    """Return what the faults of a run at one setting did; None without any."""
    if not (ordered := timeline_of(result)):
        return None
    groups = [FaultGroup(fault_words(one), _short(one), list(_rows(result, one.number))) for one in ordered]
    if before := list(_rows(result, None)):
        groups.insert(0, FaultGroup("before the first fault", "before any fault", before))
    return FaultTable(HEADINGS, groups, _caption(result))


def timeline_of(result: Result) -> list[FaultOutcome]:
    """Return each fault as it happened in the trial that had it first: a busy machine is late in others."""
    found: dict[int, FaultOutcome] = {}
    for one in (one for trial in result.counted for one in trial.faults):
        if one.number not in found or one.at_seconds < found[one.number].at_seconds:
            found[one.number] = one
    return sorted(found.values(), key=lambda one: one.at_seconds)


def fault_words(one: FaultOutcome) -> str:
    """Return what a fault is, and when it happens, in a few words."""
    place = PLACES.get(one.on, f"the {one.on}")
    words = f"{place} {DEEDS[one.kind]}" if one.kind in DEEDS else f"connections are cut at {place}"
    if one.kind == "cut" and one.on == "clients":
        spread = f"within {one.jitter_seconds:g} s" if one.jitter_seconds else "at once"
        words = f"all clients are cut, and come back {spread}"
    lasts = f" for {one.lasts_seconds:g} s" if one.lasts_seconds else ""
    return f"{one.at_seconds:.1f} s: {words}{lasts}"


def _short(one: FaultOutcome) -> str:
    """Return what a fault is in a few words."""
    seconds = one.lasts_seconds or one.jitter_seconds
    return f"{one.at_seconds:.1f} s: {one.kind} {one.on}" + (f", {seconds:g} s" if seconds else "")


def fault_table(result: Result) -> Table | None:
    """Return the faults of a run at one setting as a table; None without any."""
    if (found := faults_of(result)) is None:
        return None
    table = table_with("Faults", found.caption, found.headings)
    for group in found.groups:
        table.add_row(escape(group.short))
        for row in group.rows:
            table.add_row(f"  {escape(row.contestant)}", *row.cells)
    return table


def _rows(result: Result, number: int | None) -> Iterator[FaultCells]:
    """Yield the row of each contestant for a fault; without a number, what there was before, if there was anything."""
    for contestant in result.present:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        cells = _cells_before(trials) if number is None else _cells(trials, number)
        if cells is not None:
            yield FaultCells(printable(contestant.title), contestant.transport, cells)


def _cells(trials: Sequence[Trial], number: int) -> list[str] | None:
    """Return the cells of a fault: means over repeats, and sums of counts."""
    found = [one for trial in trials for one in trial.faults if one.number == number]
    if not found:
        return None

    def mean(of: Callable[[FaultOutcome], float | None], unit: str = "seconds") -> str:
        values = [value for one in found if (value := of(one)) is not None]
        return spell(fmean(values), unit) if len(values) == len(found) else UNKNOWN

    most = mean(lambda one: None if one.expected_seconds is None else one.expected_seconds.most)
    is_fit = any(one.expected_seconds is not None and one.expected_seconds.kind == "fit" for one in found)
    return [
        mean(lambda one: one.availability, "fraction"),
        mean(lambda one: one.recover_seconds.p99),
        mean(lambda one: one.recover_seconds.max),
        most if most == UNKNOWN else f"≤ {most}{'*' if is_fit else ''}",
        *_counts([(one.lost, one.duplicated, one.late) for one in found]),
    ]


def _cells_before(trials: Sequence[Trial]) -> list[str] | None:
    """Return the cells of the time before the first fault; None if nothing was lost, came again or came late."""
    found = [trial.availability.before for trial in trials if trial.availability is not None]
    counts = [(one.lost, one.duplicated, one.late) for one in found]
    if not any(any(one) for one in counts):
        return None
    return ["", "", "", "", *_counts(counts)]


def _counts(found: Sequence[tuple[int | None, int, int]]) -> list[str]:
    """Return the sums of what was lost, came again, and came late."""
    sums = [None if None in column else sum(column) for column in zip(*found, strict=True)]
    return [UNKNOWN if value is None else f"{value:,}" for value in sums]


def _caption(result: Result) -> str:
    bound = next(trial.availability.age_seconds for trial in result.counted if trial.availability is not None)
    repeats = len({trial.repeat for trial in result.counted})
    over = f"means over {repeats} repeats, sums of counts\n" if repeats > 1 else ""
    return (
        f"{over}served: share of the clients' time, up to the next fault, with an age ≤ {bound:g} s\n"
        "back: from the fault to the first update made after it was over\n"
        "expected: of the last client, by back-off, jitter and polls\n"
        "(*: given the first client that was back)\n"
        f"lost, received again, late (> {bound:g} s): of updates made since, or {bound:g} s before"
    )
