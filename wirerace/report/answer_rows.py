"""The table of the answer where contestants do not fit beside each other: one row for each, at each setting."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from wirerace.errors import printable
from wirerace.experiment.toml import inline
from wirerace.record.result import Result
from wirerace.report.answer_table import BEST, SHORT, VALUE, Cells, cells_of, fitted, rows_of
from wirerace.report.spelling import UNKNOWN
from wirerace.report.sweep import mark_of
from wirerace.report.verdict import colour_of, word_of

MOST_SETTING, MOST_NAME = 12, 16
"""The widths of a setting's values, and of a contestant's name where there is no room for more."""
CELL = VALUE + len(BEST)


class Layout(NamedTuple):
    """The widths of the first two columns, the names of the others, and how many rows a setting has."""

    setting: int
    name: int
    names: Sequence[str]
    rows: int


def table_in_rows(result: Result, columns: int, most: int) -> list[Text]:
    """Return at most `lines` lines: all rows if they fit, else the ends of the sweep, and the best there."""
    points, rows = list(range(len(result.points))), most - (2 if len(result.points) > 1 else 1)
    if len(points) > rows or sum(max(1, len(result.at(point).present)) for point in points) > rows:
        points = sorted({0, len(points) - 1})
    layout = layout_of(result, columns, max(1, rows // len(points)))
    heads = "".join(fitted(SHORT.get(name, name), VALUE, right=True) + " " for name in layout.names)
    lines = [Text(_keys(result, points, columns), "bold")] if len(result.points) > 1 else []
    lines.append(Text(" " * (layout.setting + layout.name) + heads, "bold"))
    for point in points:
        lines += rows_at(result, point, layout)
    return lines


def layout_of(result: Result, columns: int, rows: int) -> Layout:
    """Return the widths that settings and contestants need, and as many figures as fit beside them."""
    settings = [_setting(result, point) for point in range(len(result.points))]
    setting = min(MOST_SETTING, max(map(cell_len, settings)) + 1) if len(settings) > 1 else 0
    titles = [printable(contestant.title) for contestant in result.contestants]
    names = list(rows_of(result))
    room = max(MOST_NAME, columns - setting - 2 - CELL * len(names))
    name = min(room, max(map(cell_len, titles), default=0) + 1)
    fitting = max(1, (columns - setting - name - 2) // CELL)
    return Layout(setting, name, names[:fitting], rows)


def rows_at(result: Result, point: int, layout: Layout) -> list[Text]:
    """Return the rows of one setting; its values stand in the first of them."""
    found, setting = result.at(point), fitted(_setting(result, point), layout.setting)
    if not found.present:
        return [Text(f"{setting}not measured")]
    rows = rows_of(found)
    cells = cells_of(found, {name: rows[name] for name in layout.names if name in rows}, len(result.points))
    lines: list[Text] = []
    for contestant in _best(found, cells, layout):
        trials = [trial for trial in found.counted if trial.contestant == contestant]
        line = Text(setting if not lines else " " * layout.setting)
        line.append(fitted(printable(found.title_of(contestant)), layout.name))
        for name in layout.names:
            cell = cells.get(name, {}).get(contestant)
            is_best = cell is not None and cell.is_best
            spelled = fitted(UNKNOWN if cell is None else cell.spelled, VALUE, right=True)
            line.append(spelled + (BEST if is_best else " "), "bold green" if is_best else "")
        lines.append(line.append(f" {mark_of(trials)}", colour_of(word_of(trials))))
    return lines


def _best(found: Result, cells: Cells, layout: Layout) -> list[str]:
    """Return the contestants with the least values of the first figure, in the order of the experiment."""
    known = {one: cell.value for one, cell in cells.get(layout.names[0], {}).items() if cell.value is not None}
    present = [contestant.id for contestant in found.present]
    best = sorted(present, key=lambda one: known.get(one, float("inf")))[: layout.rows]
    return [one for one in present if one in best]


def _keys(result: Result, points: Sequence[int], columns: int) -> str:
    """Return the swept keys, and which of the settings are shown."""
    keys = printable(", ".join(result.points[0].setting))
    shown = "" if len(points) == len(result.points) else f" · the first and the last of {len(result.points)} settings"
    return fitted(fitted(keys, columns - len(shown)).rstrip() + shown, columns).rstrip()


def _setting(result: Result, point: int) -> str:
    values = result.points[point].setting.values()
    return ", ".join(printable(value if isinstance(value, str) else inline(value)) for value in values)
