"""Tables of a page: contestants as rows, or, of a sweep, one table for each figure with contestants as columns."""

from collections.abc import Iterator, Sequence

from wirerace.analysis.aggregate import figures_of, summarised
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.experiment.settings import setting_title
from wirerace.record.result import Interval, Result
from wirerace.report.answer_table import Shown, cells_of
from wirerace.report.charts.axes import spelled
from wirerace.report.markdown import plain, row
from wirerace.report.spelling import UNKNOWN, spell, spell_interval
from wirerace.report.verdict import word_of

INVALID = "\\*"
"""Marks a value to which an invalid trial belongs."""


def tables_of(result: Result, figures: Sequence[str]) -> list[str]:
    """Return the lines of the tables, none if no trial counts."""
    if not result.counted:
        return []
    known = {figure.id for figure in figures_of(result)}
    chosen = [BY_ID[name] for name in figures if name in known]
    if len(result.points) == 1:
        return [*_contestants(result, chosen), ""]
    return [line for figure in chosen for line in [*_sweep(result, figure), ""]]


def _contestants(result: Result, figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a row for each contestant, with the word of its verdict."""
    summary = summarised(result)
    cells = cells_of(result, {figure.id: figure.id for figure in figures})
    yield row("", *(plain(figure.label) for figure in figures), "verdict")
    yield row("---", *("---:" for _ in figures), "---")
    for contestant in result.present:
        found = summary.figures[contestant.id]
        values = [_cell(found[figure.id], figure, cells[figure.id][contestant.id]) for figure in figures]
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        yield row(plain(contestant.title), *values, word_of(trials))


def _sweep(result: Result, figure: Figure) -> Iterator[str]:
    """Yield a row for each setting, with a figure of each contestant."""
    yield row(plain(", ".join(result.points[0].setting)), *(plain(one.title) for one in result.present))
    yield row("---:", *("---:" for _ in result.present))
    for index, point in enumerate(result.points):
        at = result.at(index)
        summary, points = summarised(at), len(result.points)
        cells = cells_of(at, {figure.id: figure.id}, points)[figure.id]
        values = []
        for contestant in result.present:
            trials = [trial for trial in at.counted if trial.contestant == contestant.id]
            if not trials:
                values.append(UNKNOWN)
                continue
            mark = "" if all(trial.is_valid for trial in trials) else f" {INVALID}"
            found = summary.figures[contestant.id][figure.id]
            values.append(_cell(found, figure, cells[contestant.id]) + mark)
        said = ", ".join(spelled(value) for value in point.setting.values())
        yield row(plain(said) if point.setting else setting_title(point.setting), *values)


def _cell(interval: Interval, figure: Figure, shown: Shown) -> str:
    """Return a value with its interval, in bold if it is the best, or not told apart from the best."""
    unit = figure.unit
    value = plain(spell(None, unit) if interval.mean is None else spell_interval(interval, unit))
    return f"**{value}**" if shown.is_best else value


def marks_of(result: Result, figures: Sequence[str]) -> str:
    """Return what the figures are, and what the marks of the tables mean."""
    known = {figure.id for figure in figures_of(result)}
    about = [f"{BY_ID[name].label}: {BY_ID[name].about}" for name in figures if name in known]
    is_marked = len(result.points) > 1 and any(not trial.is_valid for trial in result.counted)
    marked = f" {INVALID} An invalid trial belongs to it." if is_marked else ""
    return f"{plain('; '.join(about))}. In bold: the best, and what is not told apart from it.{marked}"
