"""The table of figures as rows: each value with its interval, theory, and how it relates to the best."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wirerace.analysis.aggregate import figures_of
from wirerace.analysis.figure import Figure
from wirerace.analysis.standing import Pair, standing_of
from wirerace.record.result import ContestantRecord
from wirerace.record.trial import Quantity
from wirerace.report.charts.view import View
from wirerace.report.spelling import spell, spell_interval
from wirerace.report.terminal import mark_of

QUANTITY_OF: Mapping[str, Quantity] = {
    "latency.mean": "latency_seconds",
    "age.mean": "age_seconds",
    "responses.empty": "empty_fraction",
    "visit.first_age": "first_age_seconds",
    "visit.whole": "visit_seconds",
    "visit.requests": "requests_per_visit",
    "messages.latency": "message_latency_seconds",
    "messages.acknowledged": "acknowledgement_seconds",
    "messages.relayed": "relayed_latency_seconds",
}
"""The figures of which theory has a prediction."""
NOT_COMPARED = {
    "reach",
    "latency.min",
    "latency.producer",
    "latency.broker",
    "latency.feed",
    "reader_lag.mean",
    "deliveries.per_second",
    "server.cpu_idle",
}
"""Figures in which nothing is best: of the harness, of all contestants alike, or of both signs."""


class FigureCell(NamedTuple):
    """A value as people read it, its relation to the best of its row, and what theory expects; empty if unknown."""

    value: str
    beside: str = ""
    theory: str = ""
    is_best: bool = False


class FigureRow(NamedTuple):
    """One figure of all contestants."""

    label: str
    about: str
    is_primary: bool
    cells: list[FigureCell]


def figure_rows(view: View) -> list[FigureRow]:
    """Return a row for each figure that is worth one."""
    return [
        FigureRow(figure.label, figure.about, figure.primary, list(_cells(view, figure)))
        for figure in figures_of(view.result)
    ]


def _cells(view: View, figure: Figure) -> Iterator[FigureCell]:
    best = _best(view, figure)
    ids = [contestant.id for contestant in view.contestants]
    pairs = {} if best is None else standing_of(view.result, view.summary, figure, ids).pairs
    best_value = "" if best is None else spell(view.interval(best, figure.id).mean, figure.unit)
    for contestant in view.contestants:
        interval = view.interval(contestant, figure.id)
        value = spell_interval(interval, figure.unit) + mark_of(view.result, contestant.id, figure)
        is_best = best is not None and spell(interval.mean, figure.unit) == best_value
        pair = None if best is None else pairs.get((contestant.id, best.id))
        beside = "best" if is_best else "" if pair is None else _beside(pair)
        yield FigureCell(value, beside, _theory(view, figure, contestant), is_best)


def _best(view: View, figure: Figure) -> ContestantRecord | None:
    """Return the contestant with the best value; None where values are equal, or where nothing is best."""
    known = [(contestant, mean) for contestant, _, mean in view.known(figure.id)]
    if figure.total or figure.id in NOT_COMPARED or len({spell(mean, figure.unit) for _, mean in known}) < 2:
        return None
    sign = 1 if figure.better == "less" else -1
    return min(known, key=lambda item: sign * item[1])[0]


def _beside(pair: Pair) -> str:
    """Return how a value relates to the best one: its ratio and the ends of its interval, if they are told apart."""
    ratio = pair.ratio
    if not pair.differ:
        return "not told apart"
    if ratio is None or ratio.mean is None:
        return ""
    times = f"{_number(ratio.mean)} ×"
    return (
        times if ratio.low is None or ratio.high is None else f"{times} ({_number(ratio.low)} to {_number(ratio.high)})"
    )


def _number(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _theory(view: View, figure: Figure, contestant: ContestantRecord) -> str:
    quantity = QUANTITY_OF.get(figure.id)
    given = None if quantity is None else view.predicted(contestant, quantity)[0]
    return "" if given is None else f"theory {spell(given, figure.unit)}"
