"""The words of charts: names as lists, and which contestant had the least of something."""

from collections.abc import Callable, Sequence

from wirerace.report.charts.view import View
from wirerace.report.spelling import spell


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def extremes(view: View, figure: str, said: Callable[[str, str], str], alike: str) -> str:
    """Return a title that names the most and the least of a figure: {value} with {name}, {value} with {name}.

    `said` makes a sentence of both. `alike` begins one for contestants whose intervals overlap: nothing is claimed.
    """
    known = sorted(view.known(figure), key=lambda item: item[2])
    unit = view.unit(figure)
    (least, low, smallest), (most, high, largest) = known[0], known[-1]
    if len(known) == 1:
        return f"{capital(alike)}: {spell(smallest, unit)} with {view.title(least)}"
    values = spell(smallest, unit), spell(largest, unit)
    if values[0] == values[1]:
        return f"{capital(alike)}: {values[0]} with each"
    if low.high is not None and high.low is not None and low.high >= high.low:
        return f"{capital(alike)}: {values[0]} to {values[1]}, not told apart"
    return said(f"{values[1]} with {view.title(most)}", f"{values[0]} with {view.title(least)}")
