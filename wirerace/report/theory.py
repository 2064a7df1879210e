"""Theory beside measurement, in the terminal."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from rich.markup import escape
from rich.table import Table

from wirerace.errors import printable
from wirerace.record.result import Result
from wirerace.record.trial import Cell, Quantity, Trial
from wirerace.report.spelling import UNKNOWN, spell, spell_spread
from wirerace.report.tables import table_with

QUANTITIES: dict[Quantity, tuple[str, str]] = {
    "latency_seconds": ("mean latency", "seconds"),
    "age_seconds": ("mean age", "seconds"),
    "empty_fraction": ("empty responses", "fraction"),
    "updates_per_response": ("updates per response", "ratio"),
    "responses_per_client_second": ("responses/s of a client", "ratio"),
    "server_requests_per_second": ("requests at the server", "per_second"),
    "first_age_seconds": ("age of first update", "seconds"),
    "visit_seconds": ("time of a visit", "seconds"),
    "requests_per_visit": ("requests per visit", "ratio"),
    "message_latency_seconds": ("message latency", "seconds"),
    "acknowledgement_seconds": ("acknowledged after", "seconds"),
    "relayed_latency_seconds": ("client to clients", "seconds"),
    "breaks_per_client_second": ("breaks/s of a client", "ratio"),
    "return_seconds": ("back after a break", "seconds"),
}


def theory_of(result: Result) -> Table | None:
    """Return theory beside measurement, as means over repeats; None if nothing is predicted."""
    table = table_with(
        "Theory beside it",
        "predicted: given the updates as they were made · ratio: measured / predicted, ! outside its tolerance\n"
        "(fit): a part of it was fitted to the latencies of this trial, so it is no independent prediction\n"
        "closed form: for the nominal rate, ± one deviation of a window of this length",
        ("measured", "predicted", "ratio", "closed form"),
    )
    for contestant in result.present:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        found = list(cells_of(trials))
        if found:
            table.add_row(escape(printable(contestant.title)))
        for quantity, cells in found:
            fit = " (fit)" if any(cell.kind == "fit" for cell in cells) else ""
            table.add_row(f"  {QUANTITIES[quantity][0]}{fit}", *spelled_row(quantity, cells))
    return table if table.row_count else None


def cells_of(trials: Sequence[Trial]) -> Iterator[tuple[Quantity, list[Cell]]]:
    """Yield what is predicted of all trials of a contestant, quantity by quantity."""
    for quantity in QUANTITIES:
        cells = [cell for trial in trials for cell in trial.theory if cell.quantity == quantity]
        if cells and len(cells) == len(trials):
            yield quantity, cells


def spelled_row(quantity: Quantity, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield what was measured, what was predicted, their ratio, and the closed form."""
    unit = QUANTITIES[quantity][1]
    for name in ("measured", "given"):
        yield spell(_mean([getattr(cell, name) for cell in cells]), unit)
    ratio = _mean([cell.ratio for cell in cells])
    outside = "" if all(cell.within for cell in cells) else " !"
    yield (UNKNOWN if ratio is None else f"{ratio:.3f}") + outside
    closed, deviation = (_mean([getattr(cell, name) for cell in cells]) for name in ("closed", "deviation"))
    yield spell_spread(closed, deviation, unit)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
