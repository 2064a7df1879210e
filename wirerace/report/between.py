"""Two results compared, in the terminal: a table, what else differs, what `--fail-if` found, and the answer last."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wirerace.analysis.aggregate import CONFIDENCE
from wirerace.analysis.between import FINE_MARGIN, Change
from wirerace.analysis.comparison import RunComparison, Side
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.gates import Gate
from wirerace.errors import printable
from wirerace.record.result import Interval
from wirerace.report.settings import setting_words
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.tables import table_with

Titles = Mapping[str, str]
STYLES = {"holds": "bold red", "undecided": "yellow", "does not hold": "green"}
SAID = {"holds": "FAIL", "undecided": "UNDECIDED", "does not hold": "PASS"}
"""What a gate says of its condition: only one that is shown not to hold lets pass."""
MOST_NAMED = 3
"""The most contestants and settings that one line names."""


def print_comparison(found: RunComparison, titles: Titles) -> None:
    """Print a comparison."""
    console = Console()
    for part in parts_of_comparison(found, titles):
        console.print(part)


def parts_of_comparison(found: RunComparison, titles: Titles) -> list[Table | Text]:
    """Return the comparison of two results, its answer last."""
    said = [*found.unmatched, *found.differences]
    notes = [Text(printable(f"! {line}"), "yellow") for line in said]
    gates = [Text(printable(line), STYLES[gate.outcome]) for gate, line in gate_lines(found.fail_if, titles)]
    return [table_of_changes(found, titles), *notes, *gates, *map(Text, answer_of(found.changes, titles))]


def table_of_changes(found: RunComparison, titles: Titles) -> Table:
    """Return the table: a row for each primary figure, under its contestant and setting."""
    fine = min(found.margin, FINE_MARGIN)
    caption = (
        f"A {_named(found.a)}\nB {_named(found.b)}\n"
        f"B / A: intervals that hold together with {100 * CONFIDENCE:g} %, {_paired(found.changes)}\n"
        f"told apart: times beyond {100 * found.margin:g} %, bytes and counts beyond {100 * fine:g} %"
    )
    table = table_with("B compared with A", caption, ("A", "B", "B / A", ""))
    for (contestant, setting), changes in groupby(found.changes, lambda one: (one.contestant, one.setting)):
        table.add_row(Text(printable(_place(contestant, setting, titles))))
        for one in changes:
            figure = BY_ID[one.figure]
            style = "" if one.shown not in {"less", "more"} else "green" if one.shown == figure.better else "red"
            values = [spell(value, one.unit) for value in (one.a, one.b)]
            table.add_row(f" {figure.label}", *values, spell_ratio(one.ratio), Text(one.word, style))
    return table


def spell_ratio(ratio: Interval | None) -> str:
    """Return a ratio and the ends of its interval: 1.34 (1.25–1.44)."""
    if ratio is None or ratio.mean is None:
        return UNKNOWN
    ends = "" if ratio.low is None or ratio.high is None else f" ({_digits(ratio.low)}–{_digits(ratio.high)})"
    return f"{_digits(ratio.mean)}{ends}"


def _digits(value: float) -> str:
    """Return a ratio in four or five characters: its interval shows that more digits mean little."""
    return f"{value:.3g}" if value >= 10 or value < 0.01 else f"{value:.2f}"


def gate_lines(gates: Sequence[Gate], titles: Titles) -> Iterator[tuple[Gate, str]]:
    """Yield a line for every condition of `--fail-if`, contestant and setting."""
    for gate in gates:
        value = spell(gate.value, gate.unit) if gate.ratio is None else f"{spell_ratio(gate.ratio)} ×"
        said = gate.why if gate.outcome == "undecided" else f"{gate.outcome}: it is {value}"
        place = _place(gate.contestant, gate.setting, titles)
        yield gate, f"{SAID[gate.outcome]} {place}: fail if {gate.condition}: {said}"


def answer_of(changes: Sequence[Change], titles: Titles) -> Iterator[str]:
    """Yield the answer: what differs, what is undecided and why, and how many figures show no difference."""
    differing = [one for one in changes if one.shown in {"less", "more"}]
    for one in differing:
        place = _place(one.contestant, one.setting, titles)
        yield printable(f"{place}: {one.word}: {BY_ID[one.figure].label} is {spell_ratio(one.ratio)} times that of A")
    undecided = [one for one in changes if one.shown == "undecided"]
    for why, group in groupby(sorted(undecided, key=lambda one: (one.why, one.contestant)), lambda one: one.why):
        places = list(dict.fromkeys(_place(one.contestant, one.setting, titles) for one in group))
        more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
        yield printable(f"undecided: {', '.join(places[:MOST_NAMED])}{more}: {why}")
    same = len(changes) - len(differing) - len(undecided)
    if same:
        yield f"no difference shown in {same} of {len(changes)} figures"


def _named(side: Side) -> str:
    commit = f" {side.revision[:12]}" if side.revision else ""
    return f"{side.place} · {side.started_at} · {side.wirerace}{commit}"


def _paired(changes: Sequence[Change]) -> str:
    return "in pairs, repeat by repeat" if all(one.paired for one in changes) else "not in pairs"


def _place(contestant: str, setting: Mapping[str, object], titles: Titles) -> str:
    at = f" at {setting_words(setting)}" if setting else ""
    return titles.get(contestant, contestant) + at
