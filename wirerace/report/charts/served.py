"""How many clients were served over the time of one trial of each contestant, and when a fault happened."""

from collections.abc import Iterator, Sequence

from wirerace.clock import NS_PER_SECOND
from wirerace.record.result import Raw
from wirerace.report.charts.over_time import MOST_DOTS, first_records, which_repeat
from wirerace.report.charts.values import Dimension, Dot, Strip, StripChart
from wirerace.report.charts.view import View
from wirerace.report.drawing.downsampling import downsampled
from wirerace.report.faults import timeline_of
from wirerace.report.spelling import spell

MOST_TICKS = 8
"""More faults than this have no space on a phone: the axis then has round times."""


def served_over_time(view: View) -> Iterator[StripChart]:
    """Yield the chart of clients whose age is within the bound of availability; none without faults."""
    strips, said = [], {}
    for contestant, raw in first_records(view):
        if raw.faults and raw.account.age_ns:
            mean = view.interval(contestant, "availability").mean
            said[view.title(contestant)] = mean or 0.0
            note = "" if mean is None else f"{spell(mean, 'fraction')} of the time"
            strips.append(Strip(view.title(contestant), contestant.transport, _dots(raw), note))
    if strips:
        yield StripChart(
            _title(said),
            "The part of the clients whose newest update was young enough, by time. A tick below is a fault, in the "
            f"order of the table. {which_repeat(view)}",
            Dimension("time in the window, and when a fault happened", "seconds", at=_ticks(view)),
            Dimension("clients that are served", "fraction", at=(0.0, 0.5, 1.0)),
            strips,
        )


def _title(said: dict[str, float]) -> str:
    least, most = (choose(said, key=lambda title: said[title]) for choose in (min, max))
    if len(said) == 1:
        return f"Clients were served {spell(said[least], 'fraction')} of the time"
    return (
        f"Clients were served {spell(said[most], 'fraction')} of the time with {most}, "
        f"{spell(said[least], 'fraction')} with {least}"
    )


def _ticks(view: View) -> Sequence[float]:
    """Return when the faults happened, if they are not too many; with none, the axis has round times."""
    times = [one.at_seconds for one in timeline_of(view.result)]
    return times if len(times) <= MOST_TICKS else ()


def _dots(raw: Raw) -> list[Dot]:
    """Return the part of the clients that are served, just before each change and after it."""
    outages, window = raw.account.outages, raw.window
    clients = raw.account.age_ns / (window.to_ns - window.from_ns)
    stale, dots = 0, [Dot(0.0, 1.0)]
    for step in sorted(outages.stale):
        at_seconds = min(step * outages.step_ns / NS_PER_SECOND, window.seconds)
        dots.append(Dot(at_seconds, _share(stale, clients)))
        stale += outages.stale[step]
        dots.append(Dot(at_seconds, _share(stale, clients)))
    return list(downsampled([*dots, Dot(window.seconds, _share(stale, clients))], 2 * MOST_DOTS))


def _share(stale: int, clients: float) -> float:
    return min(1.0, max(0.0, 1 - stale / clients))
