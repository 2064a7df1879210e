"""The table of the answer: a few figures beside each other, the best of each marked, in 80 columns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from wirerace.analysis.aggregate import has_visitors, summarised
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.standing import standing_of
from wirerace.errors import printable
from wirerace.record.result import Result
from wirerace.report.bars import bar
from wirerace.report.spelling import spell
from wirerace.report.troubles import usable_of
from wirerace.report.verdict import colour_of, word_of

STAY_ROWS = {
    "latency": "latency.mean",
    "age": "age.mean",
    "CPU": "server.cpu_per_delivery",
    "IP bytes": "bytes.ip_per_delivery",
    "requests": "requests.per_delivery",
    "server busy": "server.busy",
}
"""The figures of clients that stay, and their short names."""
VISIT_ROWS = {
    "first update": "visit.first_update",
    "its age": "visit.first_age",
    "CPU": "visit.server_cpu",
    "IP bytes": "visit.ip_bytes",
    "requests": "visit.requests",
    "server busy": "server.busy",
}
"""The figures of visitors."""
SHORT = {"first update": "first", "to clients": "to all", "server busy": "busy"}
"""Names of eight characters at most, for the heads of columns."""
BEST = "*"
NAMES, VALUE, MOST_BAR = 12, 8, 8
"""The widths of the names of figures, of a value, and of the longest bar."""
CELL, LEAST_BAR = 1 + VALUE + len(BEST), 2
"""The width of a cell without a bar: a gap, a value and its mark."""
LEAST_CELL = CELL + 1
"""The least width of a cell: "do not use" and a gap."""


class Shown(NamedTuple):
    """A figure of a contestant, and whether it is the best, or not told apart from the best."""

    value: float | None
    unit: str
    is_best: bool

    @property
    def spelled(self) -> str:
        """The value with its unit, in eight characters."""
        if self.unit == "microseconds":
            return spell(None if self.value is None else self.value * 1e-6, "seconds")
        return spell(self.value, self.unit)


Cells = dict[str, dict[str, Shown]]
"""By the name of a row, then by contestant."""


def rows_of(result: Result) -> dict[str, str]:
    """Return the figures of a result, by their short names."""
    if has_visitors(result):
        return VISIT_ROWS
    rows = dict(STAY_ROWS)
    for name, figure in (("message", "messages.latency"), ("to clients", "messages.relayed")):
        if any(BY_ID[figure].of(trial) is not None for trial in result.counted):
            rows = {"latency": rows["latency"], name: figure} | rows
    return rows


def cells_of(result: Result, rows: Mapping[str, str], points: int = 1) -> Cells:
    """Return the figures at one setting of a sweep, given the number of settings."""
    summary, usable = summarised(result, points), usable_of(result)
    cells: Cells = {}
    for name, figure in rows.items():
        standing = standing_of(result, summary, BY_ID[figure], usable, points)
        best = standing.leaders if len(standing.leaders) < len(standing.means) else set[str]()
        cells[name] = {}
        for contestant in result.present:
            found = summary.figures[contestant.id].get(figure)
            value = None if found is None else found.mean
            cells[name][contestant.id] = Shown(value, BY_ID[figure].unit, contestant.id in best)
    return cells


def fits_in_columns(result: Result, columns: int) -> bool:
    """Return whether each contestant can have a column."""
    return (columns - NAMES) // len(result.present) >= LEAST_CELL


def table_in_columns(result: Result, columns: int, *, has_bars: bool) -> list[Text]:
    """Return figures as rows, contestants as columns, and a word for each contestant below."""
    cells, usable = cells_of(result, rows_of(result)), usable_of(result)
    width = min((columns - NAMES) // len(result.present), CELL + MOST_BAR)
    bars = width - CELL if has_bars and width - CELL >= LEAST_BAR else 0
    lines = _headings([printable(contestant.title) for contestant in result.present], width, bars)
    for name, row in cells.items():
        line = Text(fitted(name, NAMES))
        most = max((cell.value for cell in row.values() if cell.value is not None), default=0.0)
        for contestant, cell in row.items():
            style = "bold green" if cell.is_best else "" if contestant in usable else "dim"
            spelled = f"{fitted(cell.spelled, width - bars - 1, right=True)}{BEST if cell.is_best else ' '}"
            line.append(spelled, style).append(bar(cell.value, most, bars), style or "cyan")
        lines.append(line)
    return [*lines, _words(result, width, bars)]


def _words(result: Result, width: int, bars: int) -> Text:
    """Return a word for each contestant below its values."""
    line = Text(fitted("verdict", NAMES))
    for contestant in result.present:
        trials = [trial for trial in result.counted if trial.contestant == contestant.id]
        word = word_of(trials).partition(":")[0]
        line.append(_above(word, width, bars), colour_of(word))
    return line


def _headings(titles: Sequence[str], width: int, bars: int) -> list[Text]:
    """Return the titles of the contestants on one line or two, above their values."""
    pairs = [_in_two(title, width - 1) for title in titles]
    lines = [
        Text(" " * NAMES + "".join(_above(pair[number], width, bars) for pair in pairs), "bold") for number in range(2)
    ]
    return lines if lines[0].plain.strip() else lines[1:]


def _above(text: str, width: int, bars: int) -> str:
    """Return a text above values if it is not longer than they are, else above their bars, too."""
    right = 1 + bars if cell_len(text) <= width - bars - 2 else 0
    return fitted(text, width - right, right=True) + " " * right


def _in_two(title: str, width: int) -> tuple[str, str]:
    """Return a title on two lines, the first one empty if one is enough."""
    if cell_len(title) <= width:
        return "", title
    words = title.split(" ")
    cuts = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    fitting = [pair for pair in cuts if cell_len(pair[0]) <= width]
    first, second = min(fitting, key=lambda pair: max(map(cell_len, pair)), default=(title, ""))
    return (fitted(first, width).rstrip(), fitted(second, width).rstrip()) if second else ("", fitted(first, width))


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return a text in a width: filled up at one side, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    fill = " " * (width - length)
    return fill + text if right else text + fill
