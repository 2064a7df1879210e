"""Tables of a page: contestants as rows, or, of a sweep, one table for each figure with contestants as columns."""

from collections.abc import Iterator, Sequence

from wirerace.analysis.aggregate import figures_of, summarised
from wirerace.analysis.figure import Figure
from wirerace.analysis.figures import BY_ID
from wirerace.record.result import Interval, Result
from wirerace.report.answer_table import Shown, cells_of
from wirerace.report.capacity import objectives_line
from wirerace.report.charts.axes import spelled
from wirerace.report.markdown import capacity_lines, plain, row
from wirerace.report.phrases import capital
from wirerace.report.settings import KEY_UNITS
from wirerace.report.spelling import UNKNOWN, spell_interval
from wirerace.report.verdict import word_of

INVALID = "\\*"
"""Marks a value to which an invalid trial belongs."""
LABELS = {"bytes.ip_per_delivery": "bytes per delivery, with TCP and IP"}
"""Labels of figures that, by themselves, need other words than in a table of all figures."""


def tables_of(result: Result, figures: Sequence[str]) -> list[str]:
    """Return the lines of the tables, none if no trial counts."""
    if not result.counted:
        return []
    if result.is_search:
        return [*capacity_lines(result), ""]
    known = {figure.id for figure in figures_of(result)}
    chosen = [BY_ID[name] for name in figures if name in known]
    if len(result.points) == 1:
        return [*_contestants(result, chosen), ""]
    return [line for figure in chosen for line in [f"{capital(label_of(figure.id))}:", "", *_sweep(result, figure), ""]]


def label_of(figure: str) -> str:
    """Return the name of a figure that stands alone."""
    return LABELS.get(figure, BY_ID[figure].label)


def _contestants(result: Result, figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a row for each contestant, with the word of its verdict."""
    summary = summarised(result)
    cells = cells_of(result, {figure.id: figure.id for figure in figures})
    yield row("", *(plain(label_of(figure.id)) for figure in figures), "verdict")
    yield row("---", *("---:" for _ in figures), "---")
    for contestant in result.present:
        found = summary.figures[contestant.id]
        values = [_cell(found[figure.id], figure, cells[figure.id][contestant.id]) for figure in figures]
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        yield row(plain(contestant.title), *values, word_of(trials))


def _sweep(result: Result, figure: Figure) -> Iterator[str]:
    """Yield a row for each setting, with a figure of each contestant."""
    points = len(result.points)
    keys = [KEY_UNITS.get(key, key) for key in result.points[0].setting]
    yield row(plain(", ".join(keys)), *(plain(one.title) for one in result.present))
    yield row("---:", *("---:" for _ in result.present))
    for index, point in enumerate(result.points):
        at = result.at(index)
        summary, cells = summarised(at), cells_of(at, {figure.id: figure.id}, points)[figure.id]
        values = []
        for contestant in result.present:
            trials = [trial for trial in at.counted if trial.contestant == contestant.id]
            mark = "" if all(trial.is_valid for trial in trials) else f" {INVALID}"
            found = summary.figures.get(contestant.id, {}).get(figure.id)
            values.append(UNKNOWN if found is None else _cell(found, figure, cells[contestant.id]) + mark)
        yield row(plain(", ".join(spelled(value) for value in point.setting.values())), *values)


def _cell(interval: Interval, figure: Figure, shown: Shown) -> str:
    """Return a value with its interval, in bold if it is the best, or not told apart from the best."""
    value = plain(spell_interval(interval, figure.unit))
    return f"**{value}**" if shown.is_best else value


def marks_of(result: Result, figures: Sequence[str]) -> str:
    """Return what the figures are, and what the marks of the tables mean."""
    if result.is_search:
        return f"{plain(objectives_line(result))}."
    known = {figure.id for figure in figures_of(result)}
    about = capital("; ".join(f"{label_of(name)}: {BY_ID[name].about}" for name in figures if name in known))
    is_marked = len(result.points) > 1 and any(not trial.is_valid for trial in result.counted)
    marked = f" {INVALID} An invalid trial belongs to it." if is_marked else ""
    return f"{plain(about)}. In bold: the best, and what is not told apart from it.{marked}"
