"""The messages of clients: how soon the server has them, and all clients; and what one takes."""

from collections.abc import Iterator

from wirerace.report.charts.costs import figure_bars
from wirerace.report.charts.values import BarChart
from wirerace.report.charts.view import View

SHOWN = (
    ("messages.latency", "the server had a message after"),
    ("messages.acknowledged", "a message was acknowledged after"),
    ("messages.relayed", "from one client to all"),
    ("messages.bytes", "bytes for a message and its acknowledgement"),
)
"""The figures, and what their titles begin with."""


def messages(view: View) -> Iterator[BarChart]:
    """Yield the charts of messages, of those figures that there are."""
    for figure, what in SHOWN:
        head = what[:1].upper() + what[1:]
        declared = view.summary.declared.get(figure)
        if declared is not None:
            yield from figure_bars(
                view,
                figure,
                lambda most, least, head=head: f"{head}: {most}, {least}",
                what,
                f"{declared.about[:1].upper()}{declared.about[1:]}.",
            )
