"""A result as one tidy table: a row for each trial and figure, and columns for the unit and for every swept key."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

from wirerace.analysis.aggregate import possible_figures
from wirerace.analysis.figure import Figure
from wirerace.experiment.settings import setting_title
from wirerace.experiment.toml import inline
from wirerace.record.result import Result
from wirerace.record.trial import Trial

Kind = Literal["text", "whole", "number", "truth"]
Cell = str | int | float | bool | None


class Column(NamedTuple):
    """A column: its name, and what its cells are unless they are unknown."""

    name: str
    kind: Kind


class TidyTable(NamedTuple):
    """Columns, and rows with a cell for each of them."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def records(self) -> list[dict[str, Cell]]:
        """Return each row as an object whose keys are the names of the columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


BEFORE = tuple(
    Column(*column)
    for column in (
        ("started_at", "text"),
        ("experiment", "text"),
        ("contestant", "text"),
        ("transport", "text"),
        ("point", "whole"),
    )
)
AFTER = tuple(
    Column(*column)
    for column in (
        ("repeat", "whole"),
        ("seed", "whole"),
        ("valid", "truth"),
        ("discarded", "truth"),
        ("figure", "text"),
        ("unit", "text"),
        ("better", "text"),
        ("primary", "truth"),
        ("value", "number"),
    )
)
"""The columns before and after those of the swept keys."""
OVERLOADED = Column("after", "text")
"""Only in a search for capacity: the setting at which the trial's server was driven first."""


def tidy(result: Result) -> TidyTable:
    """Return a row for each trial and each figure that any trial has; a value that is not known is None."""
    figures = [one for one in possible_figures(result) if any(one.of(trial) is not None for trial in result.trials)]
    taken = {column.name for column in (*BEFORE, *AFTER)}
    swept = [key for key in dict.fromkeys(key for point in result.points for key in point.setting) if key not in taken]
    of_swept = [Column(key, _kind_of([point.setting.get(key) for point in result.points])) for key in swept]
    if any(point.after for point in result.points):
        of_swept.append(OVERLOADED)
    rows = [
        [*_before(result, trial), *(_cell(result, trial, one) for one in of_swept), *_after(result, trial, figure)]
        for trial in result.trials
        for figure in figures
    ]
    return TidyTable([*BEFORE, *of_swept, *AFTER], rows)


def _before(result: Result, trial: Trial) -> list[Cell]:
    return [result.started_at, str(result.experiment["title"]), trial.contestant, trial.transport, trial.point]


def _after(result: Result, trial: Trial, figure: Figure) -> list[Cell]:
    discarded = any((one.point, one.repeat) == (trial.point, trial.repeat) for one in result.discarded)
    value = figure.of(trial)
    return [
        *(trial.repeat, trial.seed, trial.is_valid, discarded),
        *(figure.id, figure.unit, figure.better, figure.primary, None if value is None else float(value)),
    ]


def _cell(result: Result, trial: Trial, column: Column) -> Cell:
    """Return the value of a swept key; what is no plain value is text, as in an experiment file."""
    point = result.points[trial.point]
    if column is OVERLOADED:
        return setting_title(point.after) or None
    value: Any = point.setting.get(column.name)
    if value is None or isinstance(value, str):
        return value
    return inline(value) if column.kind == "text" else float(value) if column.kind == "number" else cast("Cell", value)


def _kind_of(values: Sequence[Any]) -> Kind:
    """Return what all values of a swept key are."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "truth"
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known):
        return "text"
    return "whole" if all(isinstance(value, int) for value in known) else "number"
