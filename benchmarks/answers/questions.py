"""The questions: what each asks, the experiment that answers it, and what its page shows of the result.

A new question is one entry. Its page is docs/answers/NAME.md, its result results/answers/NAME.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.answers.sentences import bytes_first, costs_first, crossover, from_least_to_most, on_the_frontier
from wirerace.record.result import Result
from wirerace.report.charts.capacity import capacity_chart
from wirerace.report.charts.costs import cpu_per_delivery, figure_bars
from wirerace.report.charts.curves import sweep_curves
from wirerace.report.charts.distribution import distributions
from wirerace.report.charts.frontier import frontier
from wirerace.report.charts.values import Chart
from wirerace.report.charts.view import View
from wirerace.report.headline import headline

LATENCY, AGE, CPU, BYTES, REQUESTS, BUSY, MEMORY, RELAYED = (
    "latency.mean",
    "age.mean",
    "server.cpu_per_delivery",
    "bytes.ip_per_delivery",
    "requests.per_delivery",
    "server.busy",
    "server.memory_per_client",
    "messages.relayed",
)
LOG_FROM = 8.0
"""A picture of values that differ by more than this is logarithmic: lines that cross near its floor show nothing."""
Pictures = Callable[[View], Iterator[Chart]]
Sentences = Callable[[Result], Sequence[str]]


class Topic(NamedTuple):
    """A question: its picture, the figures of its tables, and what else than the file the run is given.

    `says` returns the sentences of the answer, the most important first.
    """

    name: str
    asks: str
    picture: Pictures
    figures: Sequence[str] = (LATENCY, AGE, CPU, BYTES, REQUESTS)
    sets: Sequence[str] = ()
    says: Sentences = headline

    @property
    def experiment(self) -> str:
        """The experiment file, from the root of the project."""
        return f"experiments/{self.name}.toml"

    @property
    def page(self) -> str:
        """The name of its page and of its picture, without an ending."""
        return self.name.replace("-", "_")


def curve_of(figure: str) -> Pictures:
    """Return what makes the picture of a sweep: a figure from setting to setting."""
    return lambda view: sweep_curves(view.result, [figure], LOG_FROM)


def bars_of(figure: str, what: str) -> Pictures:
    """Return what makes a picture of one figure: a bar for each contestant. `what` begins its title."""
    return lambda view: figure_bars(view, figure, what, "")


def ages_against_costs(view: View) -> Iterator[Chart]:
    """Yield the frontier."""
    yield from frontier(view.result)


QUESTIONS = (
    Topic(
        "first-look",
        "Which transport is first with an update?",
        distributions,
        sets=["repeats=3"],
    ),
    Topic(
        "crossover",
        "From which rate on is polling cheaper than a push?",
        curve_of(CPU),
        figures=[CPU, LATENCY],
        says=crossover,
    ),
    Topic(
        "payload",
        "What does a larger update cost?",
        curve_of(CPU),
        figures=[BYTES, CPU, LATENCY],
        says=bytes_first,
    ),
    Topic(
        "more-clients",
        "What do more clients cost?",
        curve_of(CPU),
        figures=[CPU, LATENCY, BUSY, MEMORY],
        sets=["window.measure_seconds=5"],
    ),
    Topic(
        "poll-interval",
        "What does freshness cost?",
        ages_against_costs,
        says=on_the_frontier,
    ),
    Topic(
        "capacity",
        "How many clients does a tenth of a core carry?",
        lambda view: capacity_chart(view.result),
    ),
    Topic(
        "coalescing",
        "Can polling be cheaper than a WebSocket?",
        curve_of(CPU),
        figures=[CPU, LATENCY],
        says=crossover,
    ),
    Topic(
        "keep-alive",
        "What does a connection for every request cost?",
        cpu_per_delivery,
        says=costs_first,
    ),
    Topic(
        "chat",
        "How long does a message take from one client to all?",
        bars_of(RELAYED, "From one client to all"),
        figures=[RELAYED, "messages.latency", "messages.bytes", LATENCY, BUSY],
    ),
    Topic(
        "servers",
        "How do other people's servers compare?",
        cpu_per_delivery,
        figures=["reach", LATENCY, CPU, MEMORY, BYTES],
        says=from_least_to_most,
    ),
)
"""In the order in which they are measured, and in which the index lists them."""
