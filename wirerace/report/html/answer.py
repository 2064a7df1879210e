"""The answer of a run in a sentence or two."""

from wirerace.analysis.aggregate import has_visitors
from wirerace.record.result import Result
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import extremes
from wirerace.report.crossing import crossing_of
from wirerace.report.sending import sending_costs_of

STAY = {"latency.mean": "Mean latency", "server.cpu_per_delivery": "Server CPU for a delivery"}
VISIT = {"visit.first_update": "Time to a visitor's first update", "visit.server_cpu": "Server CPU for a visit"}


def headline(result: Result) -> list[str]:
    """Return sentences that answer what the run asked, as far as it was measured."""
    if not result.trials:
        return ["No trial was completed, so nothing can be compared. The reasons are below."]
    if not result.counted:
        return ["No repeat was valid, so nothing can be compared. The reasons are below."]
    if len(result.points) > 1:
        sentences = [text.plain for text in (*crossing_of(result), *sending_costs_of(result)) if text.plain]
        return sentences or [f"{len(result.points)} settings were measured. The curves show what changes with them."]
    view = View(result)
    figures = VISIT if has_visitors(result) else STAY
    return [f"{extremes(view, figure, what)}." for figure, what in figures.items() if any(view.known(figure))]
