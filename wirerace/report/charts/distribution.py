"""How latency is distributed: the part of the deliveries that took no longer, with theory beside it."""

import math
from collections.abc import Iterator, Sequence

from wirerace.clock import NS_PER_SECOND
from wirerace.errors import BadInput
from wirerace.observe.histogram import LatenciesRecord, merged
from wirerace.record.result import ContestantRecord
from wirerace.report.charts.values import Curve, Dimension, Dot, LineChart
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import listed
from wirerace.report.spelling import spell

MOST_DOTS = 160
LEAST_SECONDS = 1e-5
"""A logarithmic axis has no 0. What was faster is shown at this time."""
AT_ONCE = 5.0
"""A contestant delivers at once if half of its deliveries take less than a fifth of the slowest one's median."""


def distributions(view: View) -> Iterator[LineChart]:
    """Yield the chart of latency, for clients that stay."""
    measured = [
        (contestant, cumulative([raw.account.latencies for raw in view.raws(contestant)]))
        for contestant in view.contestants
    ]
    known = [(contestant, dots) for contestant, dots in measured if dots]
    if not known:
        return
    theory = [(contestant, curve) for contestant, _ in known if (curve := _theory(view, contestant)) is not None]
    yield LineChart(
        _title(view),
        "Each curve says which part of the deliveries took no longer than a time. Steep is steady, left is soon. "
        f"The time axis is logarithmic.{_beside(view, [contestant for contestant, _ in theory])}",
        Dimension("from when an update was due to its arrival at a client", "seconds", is_log=True),
        Dimension("part of the deliveries", "fraction"),
        [
            *(
                Curve(view.title(contestant), contestant.transport, dots, view.variety(contestant))
                for contestant, dots in known
            ),
            *(curve for _, curve in theory),
        ],
        labels_at="heights",
    )


def first_updates(view: View) -> Iterator[LineChart]:
    """Yield the chart of the time to the first update, for visitors."""
    curves = []
    for contestant in view.contestants:
        stages = [raw.account.visits.stages.get("first_update") for raw in view.raws(contestant)]
        dots = cumulative([record for record in stages if record is not None])
        if dots:
            curves.append(Curve(view.title(contestant), contestant.transport, dots, view.variety(contestant)))
    if curves:
        p50 = sorted((_at(curve.dots, 0.5), curve.title) for curve in curves)
        yield LineChart(
            f"Half of the visitors had their first update after {spell(p50[0][0], 'seconds')} with {p50[0][1]}"
            + (f", after {spell(p50[-1][0], 'seconds')} with {p50[-1][1]}" if len(p50) > 1 else ""),
            "Each curve says which part of the visitors had their first update within a time. The time axis is "
            "logarithmic.",
            Dimension("from a visitor's intended arrival to its first update", "seconds", is_log=True),
            Dimension("part of the visitors", "fraction"),
            curves,
            labels_at="heights",
        )


def cumulative(records: Sequence[LatenciesRecord]) -> list[Dot]:
    """Return the cumulative distribution of all latencies in some records: seconds, and the part up to them."""
    try:
        steps = merged(records).cumulative_ns()
    except BadInput:  # a file that is damaged is as good as none
        return []
    if not steps:
        return []
    count = steps[-1][1]
    dots = [Dot(max(value / NS_PER_SECOND, LEAST_SECONDS), below / count) for value, below in steps]
    return [Dot(dots[0].x, 0.0), *_thinned(dots)]


def _thinned(dots: Sequence[Dot]) -> list[Dot]:
    """Return the dots that a drawing can show: one for each 300th of the height or of a decade, and the last."""
    kept: list[Dot] = []
    for dot in dots:
        if not kept or dot.y - kept[-1].y > 1 / MOST_DOTS or math.log10(dot.x / kept[-1].x) > 2 / MOST_DOTS:
            kept.append(dot)
    if kept[-1] != dots[-1]:
        kept.append(dots[-1])
    return kept


def _theory(view: View, contestant: ContestantRecord) -> Curve | None:
    """Return what theory expects of all trials together, None where it expects nothing."""
    found = view.expected_latencies(contestant)
    count = sum(of_trial for _, of_trial in found)
    if not count:
        return None
    least = max(LEAST_SECONDS, min(one.least_seconds for one, _ in found))
    longest = max(one.longest_seconds for one, _ in found)
    if longest <= least:
        return None
    xs = [least * (longest / least) ** (number / MOST_DOTS) for number in range(MOST_DOTS + 1)]
    dots = [Dot(x, sum(one.within(x) * of_trial for one, of_trial in found) / count) for x in xs]
    return Curve("", contestant.transport, dots, view.variety(contestant), is_theory=True)


def _beside(view: View, expected: Sequence[ContestantRecord]) -> str:
    """Return what dotted curves are, and of which contestants they are fits."""
    if not expected:
        return ""
    fits = [view.title(one) for one in expected if view.kind(one, "latency_seconds") == "fit"]
    fitted = f" That of {listed(fits)} is a fit: a part of it is taken from these latencies." if fits else ""
    return f" Dotted: what theory expects, given the updates as they were made.{fitted}"


def _title(view: View) -> str:
    """Return what one sees: which contestants deliver at once, and what the others do."""
    p99 = {view.title(one): value for one, _, value in view.known("latency.p99")}
    p50 = {view.title(one): value for one, _, value in view.known("latency.p50")}
    slowest = max(p50.values(), default=0.0)
    at_once = [name for name in p50 if p50[name] < slowest / AT_ONCE]
    waits = [name for name in p50 if name not in at_once]
    if at_once and waits:
        longest = max(p99.get(name, math.inf) for name in at_once)
        part, within = ("99 %", longest) if longest < slowest else ("half", max(p50[name] for name in at_once))
        others = "all others" if len(at_once) > 1 else listed(at_once)
        return f"{_waiting(view, waits)}; {part} of the updates of {others} came within {spell(within, 'seconds')}"
    if p99:
        name, value = max(p99.items(), key=lambda item: item[1])
        return f"99 % of all updates came within {spell(value, 'seconds')}; {name} was last"
    return "How long deliveries took"


def _waiting(view: View, names: Sequence[str]) -> str:
    """Return what contestants do that do not deliver at once. Polls have an interval that explains it."""
    found = [one for one in view.contestants if view.title(one) in names]
    intervals = {declared.options.period_seconds for one in found if (declared := view.declared(one)) is not None}
    if len(found) == 1 and len(intervals) == 1 and (interval := intervals.pop()):
        return f"{names[0]}'s updates came anywhere in its interval of {spell(interval, 'seconds')}"
    values = [value for one, _, value in view.known("latency.p50") if view.title(one) in names]
    return f"Half of the updates came after {spell(min(values), 'seconds')} or more with {listed(names)}"


def _at(dots: Sequence[Dot], part: float) -> float:
    return next((dot.x for dot in dots if dot.y >= part), dots[-1].x)
