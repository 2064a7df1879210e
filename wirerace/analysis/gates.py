"""Gates of a comparison: what must not be, for a CI server. A gate is closed unless it is shown to be open."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from wirerace.analysis.between import Match, Options, beyond, change_of, said_of, why_undecided, why_unusable
from wirerace.analysis.conditions import why_empty
from wirerace.analysis.figure import Figure
from wirerace.analysis.naming import figure_named
from wirerace.errors import BadInput, shown
from wirerace.experiment.objective import RATIO, Objective, condition_of
from wirerace.record.result import Interval

FLAG = "--fail-if"
EXAMPLE = "'latency.p99 > 1.2x'"

Outcome = Literal["holds", "does not hold", "undecided"]


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of `--fail-if`, for one contestant at one setting, and whether it holds.

    `ratio` is that of B to A with its interval, `value` is B's own; `why` is the reason for "undecided".
    """

    condition: str
    contestant: str
    setting: dict[str, Any]
    outcome: Outcome
    ratio: Interval | None
    value: float | None
    unit: str
    why: str = ""


def conditions_in(texts: Sequence[str]) -> list[Objective]:
    """Return the conditions that are given on the command line.

    Raises BadInput, naming the cure, for one that is none, or whose figure does not exist.
    """
    found = []
    for text in texts:
        condition = condition_of(text, FLAG, EXAMPLE)
        figure = figure_named(condition.figure, f"{FLAG} {shown(text)}")
        if not condition.is_ratio and (wrong := why_empty(condition, figure)):
            raise BadInput(f"{FLAG} {shown(text)}: {wrong}")
        if condition.is_ratio and condition.sign == "==":
            raise BadInput(f"{FLAG} {shown(text)}: no ratio is ever exactly that: use <, <=, > or >=")
        if condition.is_ratio and condition.limit <= 0:
            raise BadInput(
                f"{FLAG} {shown(text)}: a ratio is above 0: 1.2{RATIO} is a fifth more, 0.8{RATIO} a fifth less"
            )
        found.append(condition)
    return found


def gates_of(matches: Sequence[Match], conditions: Sequence[Objective], options: Options) -> Iterator[Gate]:
    """Yield every condition for every contestant and setting that both results have."""
    for condition in conditions:
        figure = figure_named(condition.figure, FLAG)
        for match in matches:
            yield _gate(match, condition, figure, options)


def _gate(match: Match, condition: Objective, figure: Figure, options: Options) -> Gate:
    change = change_of(match, figure, options)
    if condition.is_ratio:
        outcome, why = _of_ratio(condition, change.ratio, why_undecided(match, figure, options))
        left, _ = _of_ratio(condition, beyond(change.ratio, change.machine), "")
        if outcome not in {left, "undecided"}:
            outcome, why = "undecided", said_of(change.machine)
    else:
        outcome, why = _of_value(condition, change.b, why_unusable("B", match.b, match.contestant, figure, options))
    return Gate(
        condition=condition.text,
        contestant=match.contestant,
        setting=match.setting,
        outcome=outcome,
        ratio=change.ratio if condition.is_ratio else None,
        value=change.b,
        unit=figure.unit,
        why=why,
    )


def _of_value(condition: Objective, value: float | None, unusable: str) -> tuple[Outcome, str]:
    """Return whether a condition about B's own value holds."""
    if unusable or value is None:
        return "undecided", unusable or "the figure is not known"
    return ("holds" if condition.holds(value) else "does not hold"), ""


def _of_ratio(condition: Objective, ratio: Interval | None, unusable: str) -> tuple[Outcome, str]:
    """Return whether a condition about the ratio holds: undecided unless its whole interval says so."""
    if unusable or ratio is None or ratio.low is None or ratio.high is None:
        return "undecided", unusable or "the ratio is not known"
    low, high = condition.holds(ratio.low), condition.holds(ratio.high)
    if low != high:
        return "undecided", f"the interval includes {condition.limit:g}: run more repeats"
    return ("holds" if low else "does not hold"), ""
