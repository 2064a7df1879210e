"""The stages of connecting, and of a visit: how long each takes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from wirerace.analysis.figures import BY_ID
from wirerace.record.result import ContestantRecord
from wirerace.report.charts.costs import figure_bars
from wirerace.report.charts.values import Bar, BarChart
from wirerace.report.charts.view import View, mean_of
from wirerace.report.charts.wording import capital
from wirerace.report.spelling import spell

NAMES = {
    "started": "started late",
    "tcp_connected": "TCP connected",
    "tls_established": "TLS established",
    "request_sent": "request sent",
    "answered": "answered",
    "first_update": "first update",
}
"""The stages that have a part of a bar, in their order."""
# Not the wait for the first update: it depends on when one is made.
CONNECTING = ("tcp_connected", "tls_established", "request_sent", "answered")
VISIT_COSTS = {
    "visit.requests": "Requests for a visit",
    "visit.server_cpu": "Server CPU for a visit",
    "visit.ip_bytes": "Bytes for a visit, with TCP and IP",
    "visit.whole": "A whole visit",
}
"""The figures of a visit that have a chart, and what its title begins with."""


def connecting(view: View) -> Iterator[BarChart]:
    """Yield the chart of the stages of a client's connection."""
    found = []
    for contestant in view.contestants:
        trials = view.trials(contestant)
        means = {
            stage: mean_of([_mean(trial.connect_stages_seconds, stage) for trial in trials]) for stage in CONNECTING
        }
        found.append((contestant, means))
    yield from _stacked(
        view,
        found,
        "Connected and answered",
        "From the first packet, over all connections. A long poll is answered when there is an update.",
    )


def visits(view: View) -> Iterator[BarChart]:
    """Yield the charts of a visit: the stages up to its first update, and its costs."""
    found = []
    for contestant in view.contestants:
        trials = [trial.visits for trial in view.trials(contestant) if trial.visits is not None]
        means = {stage: mean_of([_mean(visit.stages_seconds, stage) for visit in trials]) for stage in NAMES}
        found.append((contestant, means))
    yield from _stacked(view, found, "First update", "From a visitor's intended arrival, on average over visitors.")
    for figure, what in VISIT_COSTS.items():
        yield from figure_bars(view, figure, what, f"{capital(BY_ID[figure].about)}.")


def _stacked(
    view: View,
    found: Sequence[tuple[ContestantRecord, Mapping[str, float | None]]],
    what: str,
    about: str,
) -> Iterator[BarChart]:
    """Yield bars of stages that follow each other: each part is the time from the stage before."""
    bars = []
    has_tls = any(means["tls_established"] is not None for _, means in found)
    for contestant, means in found:
        if (known := _known(means, has_tls=has_tls)) is not None:
            ends = [0.0, *known]
            parts = [max(0.0, after - before) for before, after in pairwise(ends)]
            bars.append(Bar(view.title(contestant), contestant.transport, parts, spell(ends[-1], "seconds")))
    if not bars:
        return
    by_time = sorted((sum(bar.parts), bar.title) for bar in bars)
    (least, first), (most, last) = by_time[0], by_time[-1]
    after = f"after {spell(least, 'seconds')} with {first}"
    yield BarChart(
        f"{what} {after}" + (f", after {spell(most, 'seconds')} with {last}" if len(bars) > 1 else ""),
        about,
        bars,
        [NAMES[stage] for stage in NAMES if stage in found[0][1] and (has_tls or stage != "tls_established")],
    )


def _known(means: Mapping[str, float | None], *, has_tls: bool) -> list[float] | None:
    """Return the times of the stages, None unless all are known.

    If one contestant shakes hands with TLS, those without it have a handshake that takes no time.
    """
    secured = means["tls_established"]
    whole = {**means, "tls_established": means["tcp_connected"] if secured is None else secured}
    found = [whole[stage] for stage in NAMES if stage in whole and (has_tls or stage != "tls_established")]
    known = [mean for mean in found if mean is not None]
    return known if len(known) == len(found) else None


def _mean(stages: object, stage: str) -> float | None:
    found = stages.get(stage) if isinstance(stages, dict) else None
    return None if found is None else found.mean
