"""What a run says of itself: theory beside measurement, transports compared, and whether it is to be believed."""

import re
from collections.abc import Iterator, Sequence
from statistics import fmean

from rich import box
from rich.markup import escape
from rich.table import Table

from wirerace.analysis.statistics import FIGURES, contestants_of, figures_of, key_of, summarised
from wirerace.experiment.record import Compared, Interval, Result
from wirerace.experiment.trial import Cell, Quantity, Trial
from wirerace.report.spelling import UNKNOWN, spell, spell_interval, spell_spread
from wirerace.transports import title_of

QUANTITIES: dict[Quantity, tuple[str, str]] = {
    "latency_seconds": ("mean latency", "seconds"),
    "age_seconds": ("mean age", "seconds"),
    "empty_fraction": ("empty responses", "fraction"),
    "updates_per_response": ("updates per response", "ratio"),
    "responses_per_client_second": ("responses/s of a client", "ratio"),
}
NUMBER = re.compile(r"(?<![A-Za-z])\d[\d.,]*(?:e[+-]?\d+)?")
"""A number that stands for itself: not the 99 of p99."""
COMPARED = ("mean latency", "mean age", "bytes per delivery", "server CPU per delivery")
"""What is worth a row of its own; result.json compares every figure."""


def theory_of(result: Result) -> Table | None:
    """Return theory beside measurement, means over repeats; None where nothing is predicted."""
    table = table_with(
        "Theory beside it",
        "predicted: given the updates as they were made · ratio: measured / predicted, ! outside its tolerance\n"
        "(fit): a part of it was fitted to the latencies of this trial, so it is no independent prediction\n"
        "closed form: for the nominal rate, ± one deviation of a window of this length",
        ("measured", "predicted", "ratio", "closed form"),
    )
    for contestant in contestants_of(result):
        trials = [trial for trial in result.counted if (trial.transport, trial.variant) == contestant]
        found = list(_cells_of(trials))
        if found:
            table.add_row(title_of(*contestant))
        for quantity, cells in found:
            fit = " (fit)" if any(cell.kind == "fit" for cell in cells) else ""
            table.add_row(f"  {QUANTITIES[quantity][0]}{fit}", *_row(quantity, cells))
    return table if table.row_count else None


def table_with(title: str, caption: str, headings: Sequence[str]) -> Table:
    """Return an empty table: a column of names, and one for each heading."""
    table = Table(
        title=escape(title),  # which may be of a file that somebody else wrote
        caption=escape(caption),
        title_justify="left",
        caption_justify="left",
        min_width=72,
        box=box.SIMPLE_HEAD,
    )
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cells_of(trials: Sequence[Trial]) -> Iterator[tuple[Quantity, list[Cell]]]:
    """Yield what is predicted of all trials of a contestant, quantity by quantity."""
    for quantity in QUANTITIES:
        cells = [cell for trial in trials for cell in trial.theory if cell.quantity == quantity]
        if cells and len(cells) == len(trials):
            yield quantity, cells


def _row(quantity: Quantity, cells: Sequence[Cell]) -> Iterator[str]:
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


def comparison_of(result: Result) -> Table | None:
    """Return ratios to the first contestant, in pairs; None with one repeat, where the figures say it all."""
    summary = summarised(result)  # not what is saved: this version may know more figures
    if summary.repeats < 2 or not summary.compared:
        return None
    titles = {key_of(contestant): title_of(*contestant) for contestant in contestants_of(result)}
    units = {figure.name: figure.unit for figure in FIGURES}
    told = "fewer than 3 repeats: no intervals" if summary.repeats < 3 else "95 % intervals"
    table = table_with(
        f"Compared with {titles[summary.compared[0].other]}",
        f"in pairs, repeat by repeat: the same updates · ratio: geometric mean · {told}",
        ("ratio", "difference"),
    )
    last = ""
    for compared in summary.compared:
        if compared.figure in COMPARED:
            if compared.one != last:
                last = compared.one
                table.add_row(titles[last])
            table.add_row(f"  {compared.figure}", *_ratio(compared, units[compared.figure]))
    return table


def _ratio(compared: Compared, unit: str) -> tuple[str, str]:
    ratio: Interval | None = compared.ratio
    text = UNKNOWN if ratio is None or ratio.mean is None else f"{ratio.mean:.3g}"
    if ratio is not None and ratio.low is not None and ratio.high is not None:
        text += f" [{ratio.low:.3g}, {ratio.high:.3g}]"
    return text, spell_interval(compared.difference, unit)


def verdict_of(result: Result) -> list[str]:
    """Return the verdict, a line each: how many trials are valid, then reasons and doubts, those alike together."""
    judged = result.counted
    valid = sum(trial.is_valid for trial in judged)
    count = f"{valid} of {len(judged)} trials"
    lines = [f"VALID: {count}" if judged and valid == len(judged) else f"INVALID: only {count} can be believed"]
    if result.discarded:
        lines.append(f"  discarded repeats: {', '.join(map(str, result.discarded))}")
    for mark, kind in (("✗", "reasons"), ("?", "doubts"), ("· not checked:", "unchecked")):
        lines += [f"  {mark} {line}" for line in _together(result, kind)]
    return lines


def _together(result: Result, kind: str) -> Iterator[str]:
    """Yield what trials were found to have, and which ones, once where only the numbers differ."""
    many = len({trial.repeat for trial in result.trials}) > 1
    found: dict[str, dict[str, list[int]]] = {}
    texts: dict[str, str] = {}
    for trial in result.trials:
        for text in getattr(trial.verdict, kind, ()):
            alike = NUMBER.sub("#", text)
            # Why a doubt is one stands in result.json.
            texts.setdefault(alike, text if kind == "reasons" else text.partition(": ")[0])
            found.setdefault(alike, {}).setdefault(title_of(trial.transport, trial.variant), []).append(trial.repeat)
    for alike, who in found.items():
        trials = (name + (f" {', '.join(map(str, sorted(repeats)))}" if many else "") for name, repeats in who.items())
        yield f"{texts[alike]} ({'; '.join(trials)})"


def rows_of(result: Result) -> list[tuple[str, list[str]]]:
    """Return the rows of the main table: a figure's name, and its value for each contestant."""
    summary = summarised(result)  # not what is saved: this version may know more figures
    keys = [key_of(contestant) for contestant in contestants_of(result)]
    return [
        (figure.name, [spell_interval(summary.figures[key][figure.name], figure.unit) for key in keys])
        for figure in figures_of(result)
    ]
