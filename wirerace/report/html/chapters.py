"""The chapters of a report: which charts it has, in which order, under which headings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

from wirerace.analysis.aggregate import has_visitors
from wirerace.record.result import Result
from wirerace.report.charts.capacity import capacity_chart
from wirerace.report.charts.costs import bytes_by_layer, cpu_per_delivery, empty_answers, memory_per_client
from wirerace.report.charts.curves import sweep_curves
from wirerace.report.charts.distribution import distributions, first_updates
from wirerace.report.charts.freshness import freshness, freshness_words
from wirerace.report.charts.frontier import frontier
from wirerace.report.charts.over_time import ages_over_time, latencies_over_time
from wirerace.report.charts.sending import messages
from wirerace.report.charts.served import served_over_time
from wirerace.report.charts.stages import connecting, visits
from wirerace.report.charts.values import Chart
from wirerace.report.charts.view import Records, View
from wirerace.report.crossing import crossing_of
from wirerace.report.sending import sending_costs_of
from wirerace.report.sweep import columns_of


class Chapter(NamedTuple):
    """Charts under a heading, with words before them. Wide charts take the whole width of the page."""

    title: str
    charts: Sequence[Chart]
    words: Sequence[str] = ()
    is_wide: bool = False


NO_RECORDS = (
    "The raw records are missing, so there is no distribution of latencies and nothing over time: they lie in raw/."
)
NO_MEMORY = "Memory per client is not known: it needs 200 clients and a server that was not restarted."

Makes = Callable[[View], Iterator[Chart]]
NAMED: Mapping[str, Makes] = {
    "latency": distributions,
    "frontier": lambda view: frontier(view.result),
    "served": served_over_time,
    "latency-over-time": latencies_over_time,
    "age-over-time": ages_over_time,
    "freshness": freshness,
    "empty-answers": empty_answers,
    "bytes": bytes_by_layer,
    "cpu": cpu_per_delivery,
    "memory": memory_per_client,
    "connecting": connecting,
    "messages": messages,
}
"""Charts by the names under which `wirerace report --chart` writes them."""
NAMED_VISIT: Mapping[str, Makes] = {"first-update": first_updates, "visit": visits, "messages": messages}
"""The same for visitors."""


def chapters_of(view: View) -> list[Chapter]:
    """Return the chapters of a result at one setting, without those that would be empty."""
    if has_visitors(view.result):
        found = [
            _chapter(view, "How soon", first_updates, is_wide=True),
            _chapter(view, "What a visit takes", visits),
        ]
    else:
        found = [
            _chapter(view, "How soon", distributions, is_wide=True),
            Chapter("Age against cost", list(frontier(view.result)), is_wide=True),
            _chapter(view, "Over time", served_over_time, latencies_over_time, ages_over_time),
            _chapter(view, "How fresh", freshness, words=freshness_words(view)),
            _costs(view),
        ]
    found.append(_chapter(view, "Messages of clients", messages))
    if not any(view.records(trial) for trial in view.result.counted):
        found[0] = Chapter("How soon", [], [NO_RECORDS])
    return [chapter for chapter in found if chapter.charts or chapter.words]


def charts_of(result: Result, records: Records) -> dict[str, Chart]:
    """Return the charts of a result by their names, those that there are: of a sweep, those over all settings.

    Where there are several of a name, they are numbered.
    """
    found: dict[str, list[Chart]]
    if result.is_search:
        found = {"capacity": list(capacity_chart(result))}
    elif len(result.points) > 1:
        found = {figure: list(sweep_curves(result, [figure])) for figure in columns_of(result)}
        found |= {"frontier": [] if has_visitors(result) else list(frontier(result))}
    else:
        view = View(result, records)
        is_visit = has_visitors(result)
        found = {name: list(make(view)) for name, make in (NAMED_VISIT if is_visit else NAMED).items()}
    return {
        name if len(charts) == 1 else f"{name}-{number}": chart
        for name, charts in found.items()
        for number, chart in enumerate(charts, 1)
    }


def sweep_chapters(result: Result) -> list[Chapter]:
    """Return the chapters of a sweep: what changes from setting to setting."""
    if result.is_search:
        charts = list(capacity_chart(result))
        return [Chapter("How far each goes", charts, is_wide=True)] if charts else []
    found = [
        Chapter("Age against cost", [] if has_visitors(result) else list(frontier(result)), is_wide=True),
        Chapter("When a push pays", [], _words(crossing_of(result))),
        Chapter("What sending costs", [], _words(sending_costs_of(result))),
        Chapter("From setting to setting", list(sweep_curves(result))),
    ]
    return [chapter for chapter in found if chapter.charts or chapter.words]


def setting_chapters(view: View, costs: Sequence[str] = ()) -> list[Chapter]:
    """Return the chapters of one setting of a sweep: fewer, because there are many settings.

    `costs` are the sentences about what sending costs there.
    """
    makes = first_updates if has_visitors(view.result) else distributions
    found = [_chapter(view, "How soon", makes, is_wide=True), Chapter("What sending costs", [], costs)]
    return [chapter for chapter in found if chapter.charts or chapter.words]


def _words(parts: Sequence[Text]) -> list[str]:
    """Return the sentences of a part of the terminal's report."""
    return [part.plain for part in parts if part.plain]


def _costs(view: View) -> Chapter:
    chapter = _chapter(
        view, "What it costs", empty_answers, bytes_by_layer, cpu_per_delivery, memory_per_client, connecting
    )
    is_known = any(view.known("server.memory_per_client"))
    return chapter if is_known else chapter._replace(words=[NO_MEMORY])


def _chapter(view: View, title: str, *makes: Makes, words: Sequence[str] = (), is_wide: bool = False) -> Chapter:
    return Chapter(title, [chart for make in makes for chart in make(view)], words, is_wide=is_wide)
