"""The words of charts: names as lists, and which contestant had the least of something."""

from collections.abc import Sequence

from wirerace.record.result import Interval
from wirerace.report.charts.view import View
from wirerace.report.spelling import spell

NOISE = 1.1
"""Values of single runs that differ by less are not told apart."""


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words; empty without any."""
    if not names:
        return ""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def extremes(view: View, figure: str, what: str) -> str:
    """Return a title that names the least and the most of a figure: {what}: 2 ms with SSE, 501 ms with Polling.

    Where the intervals of both overlap, nothing is claimed.
    """
    known = sorted(view.known(figure), key=lambda item: item[2])
    unit = view.unit(figure)
    (least, low, smallest), (most, high, largest) = known[0], known[-1]
    values = spell(smallest, unit), spell(largest, unit)
    if len(known) == 1 or values[0] == values[1]:
        return f"{what}: {values[0]} with {'each' if len(known) > 1 else view.title(least)}"
    if low.high is not None and high.low is not None and low.high >= high.low:
        return f"{what}: {values[0]} to {values[1]}, not told apart"
    return f"{what}: {values[0]} with {view.title(least)}, {values[1]} with {view.title(most)}"


def clearly_less(one: Interval, other: Interval, noise: float = NOISE) -> bool:
    """Return whether one is surely less than the other: their intervals do not touch.

    Without intervals, they differ by more than the `noise` of a single run, a factor.
    """
    if one.mean is None or other.mean is None:
        return False
    if one.high is not None and other.low is not None:
        return one.high < other.low
    return one.mean * noise < other.mean
