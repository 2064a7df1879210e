"""The messages of clients: how soon the server has them, and all clients; and what one takes."""

from collections.abc import Iterator

from wirerace.analysis.figures import BY_ID
from wirerace.report.charts.costs import figure_bars
from wirerace.report.charts.values import BarChart
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import capital

SHOWN = {
    "messages.latency": "The server had a message after",
    "messages.acknowledged": "A message was acknowledged after",
    "messages.relayed": "From one client to all",
    "messages.bytes": "Bytes for a message and its acknowledgement",
}
"""The figures that have a chart, and what its title begins with."""


def messages(view: View) -> Iterator[BarChart]:
    """Yield the charts of messages, of those figures that there are."""
    for figure, what in SHOWN.items():
        yield from figure_bars(view, figure, what, f"{capital(BY_ID[figure].about)}.")
