"""What delivering costs: empty answers, bytes by layer, CPU time and memory."""

from collections.abc import Iterator

from wirerace.report.charts.values import Bar, BarChart
from wirerace.report.charts.view import View, mean_of
from wirerace.report.charts.wording import extremes
from wirerace.report.spelling import spell, spell_interval


def figure_bars(view: View, figure: str, what: str, about: str) -> Iterator[BarChart]:
    """Yield the chart of one figure: a bar for each contestant that has it. `what` begins its title."""
    bars = [
        Bar(
            view.title(contestant),
            contestant.transport,
            [mean],
            spell_interval(interval, view.unit(figure)),
            interval.low,
            interval.high,
        )
        for contestant, interval, mean in view.known(figure)
    ]
    if bars:
        yield BarChart(extremes(view, figure, what), about, bars)


def empty_answers(view: View) -> Iterator[BarChart]:
    """Yield the chart of empty answers, of contestants that ask, if there were any."""
    about = "Answers without an update, of all answers. A transport that pushes has no answers, and no bar."
    for chart in figure_bars(view, "responses.empty", "Empty answers", about):
        if any(sum(bar.parts) for bar in chart.bars):
            yield chart


def cpu_per_delivery(view: View) -> Iterator[BarChart]:
    """Yield the chart of the server's CPU time for a delivery."""
    about = "User and system time of the server's process in the window, divided by the deliveries."
    yield from figure_bars(view, "server.cpu_per_delivery", "Server CPU for a delivery", about)


def bytes_by_layer(view: View) -> Iterator[BarChart]:
    """Yield the chart of the bytes of a delivery: payload, what the application adds, what TCP and IP add."""
    bars = []
    for contestant, _, whole in view.known("bytes.ip_per_delivery"):
        application = view.interval(contestant, "bytes.per_delivery").mean
        payload = mean_of([_payload(trial.bytes.payload, trial.arrived) for trial in view.trials(contestant)])
        if application is None or payload is None:
            continue
        parts = [payload, max(0.0, application - payload), max(0.0, whole - application)]
        interval = view.interval(contestant, "bytes.ip_per_delivery")
        said = spell_interval(interval, "bytes")
        bars.append(Bar(view.title(contestant), contestant.transport, parts, said, interval.low, interval.high))
    if bars:
        yield BarChart(
            extremes(view, "bytes.ip_per_delivery", "Bytes for a delivery, with TCP and IP"),
            "Both directions, divided by the deliveries. Empty answers and acknowledgements are in it.",
            bars,
            ["payload", "HTTP, frames, JSON", "TCP and IP"],
        )


def memory_per_client(view: View) -> Iterator[BarChart]:
    """Yield the chart of the memory that a client takes, in its parts."""
    figures = ("server.memory_per_client", "server.slab_per_client", "server.buffers_per_client")
    bars = []
    for contestant in view.contestants:
        parts = [view.interval(contestant, figure).mean for figure in figures]
        if parts[0] is not None:
            known = [max(0.0, part or 0.0) for part in parts]
            unknown = "" if None not in parts else ", the rest unknown"
            said = f"{spell(sum(known), 'bytes')}{unknown}"
            bars.append(Bar(view.title(contestant), contestant.transport, known, said))
    if bars:
        by_size = sorted((sum(bar.parts), bar.title) for bar in bars)
        (least, best), (most, worst) = by_size[0], by_size[-1]
        apart = f"{spell(least, 'bytes')} with {best}, {spell(most, 'bytes')} with {worst}"
        yield BarChart(
            f"Memory for a client: {apart if len(by_size) > 1 else spell(most, 'bytes')}",
            "Growth for each connected client: of the server's own memory, of the kernel's objects for its socket, and "
            "of the kernel's buffers at both ends.",
            bars,
            ["server's own", "kernel objects", "socket buffers"],
        )


def _payload(payload: int | None, arrived: int) -> float | None:
    return payload / arrived if payload is not None and arrived else None
