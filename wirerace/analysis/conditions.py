"""Conditions that say nothing: nothing can meet them, or everything does."""

import math

from wirerace.analysis.figure import Figure
from wirerace.errors import shown
from wirerace.experiment.objective import Objective

MEASURED = {"seconds", "microseconds", "mbit_per_second"}
"""Units of which no value is ever exactly a number that was written down."""
PERCENT = 100
WRONG_WAY = {"less": (">", ">="), "more": ("<", "<=")}
"""The signs that ask for the worse, by the direction in which a figure is better."""


def why_empty(condition: Objective, figure: Figure) -> str:
    """Return why a condition on a figure's own value says nothing, and the cure; empty if it says something."""
    limit, sign = condition.limit, condition.sign
    if sign == "==" and figure.unit in MEASURED:
        return f"{figure.id} is measured, and never exactly {limit:g}: write < or > in {shown(condition.text)}"
    can_hold = {
        "<": limit > figure.least,
        "<=": limit >= figure.least,
        ">": limit < figure.most,
        ">=": limit <= figure.most,
        "==": figure.least <= limit <= figure.most,
    }
    can_fail = {
        "<": limit <= figure.most,
        "<=": limit < figure.most,
        ">": limit >= figure.least,
        ">=": limit > figure.least,
    }
    if can_hold[sign] and can_fail.get(sign, True):
        return ""
    upper = f" and at most {figure.most:g}" if math.isfinite(figure.most) else ""
    what = "everything meets" if can_hold[sign] else "nothing meets"
    cure = "give another limit"
    if figure.most == 1 < limit <= PERCENT:
        cure = f"{limit:g} % is {limit / PERCENT:g}"
    return f"{figure.id} is at least {figure.least:g}{upper}, so {what} {shown(condition.text)}: {cure}"


def why_wrong_way(condition: Objective, figure: Figure, knob: str) -> str:
    """Return why a search cannot use an objective, and the cure: what gets worse must be kept from getting worse."""
    if condition.sign not in WRONG_WAY[figure.better]:
        return ""
    other = "<" if figure.better == "less" else ">"
    return (
        f"a search raises {knob} until {figure.id} is too {'high' if figure.better == 'less' else 'low'}: "
        f"write {figure.id} {other} and a number, got {shown(condition.text)}"
    )
