"""The sentences of questions that ask for something else than the headline of a result says."""

from collections.abc import Sequence

from benchmarks.answers.crossover import crossover
from wirerace.analysis.figures import BY_ID
from wirerace.record.result import Result
from wirerace.report.charts.axes import main_key
from wirerace.report.charts.frontier import frontier
from wirerace.report.charts.view import mean_of
from wirerace.report.headline import COSTS, headline
from wirerace.report.settings import counted
from wirerace.report.spelling import spell, spell_range

__all__ = ["bytes_first", "costs_first", "crossover", "from_least_to_most", "on_the_frontier"]

BYTES = BY_ID["bytes.ip_per_delivery"]
SEEN = {"Server CPU for a delivery": "server.cpu_per_delivery", "Mean latency": "latency.mean"}


def on_the_frontier(result: Result) -> Sequence[str]:
    """Return which contestants are on the frontier, then what any result says."""
    titles = [f"{chart.title}." for chart in frontier(result)] if result.counted else []
    return [*titles, *headline(result)]


def costs_first(result: Result) -> Sequence[str]:
    """Return what any result says, the sentences about costs before those about time."""
    return sorted(headline(result), key=lambda said: not said.startswith(tuple(COSTS.values())))


def bytes_first(result: Result) -> Sequence[str]:
    """Return the bytes of a delivery at both ends of a sweep, then what any sweep says."""
    ends = [_bytes_at(result, index) for index in (0, len(result.points) - 1)] if len(result.points) > 1 else []
    said = [f"A delivery takes {' and '.join(ends)}, with TCP and IP."] if ends and all(ends) else []
    return [*said, *headline(result)]


def from_least_to_most(result: Result) -> Sequence[str]:
    """Return the least and the most of CPU time and latency as they were seen, and whether everything came.

    With many contestants and few repeats hardly any pair is told apart. Then what was seen says more, and the table has
    the intervals.
    """
    said = [words for what, figure in SEEN.items() if (words := _range_of(result, what, figure))]
    reach = min((trial.reach for trial in result.counted if trial.reach is not None), default=None)
    if reach is None:
        return said
    return [
        *said,
        "Everything came, with each." if reach == 1 else f"At least {spell(reach, 'fraction')} came with each.",
    ]


def _range_of(result: Result, what: str, figure: str) -> str:
    """Return the range of the contestants' means in words; empty if fewer than two of them are known."""
    means: dict[str, float] = {}
    for contestant in result.present:
        values = [BY_ID[figure].of(trial) for trial in result.counted if trial.contestant == contestant.id]
        if (mean := mean_of(values)) is not None:
            means[contestant.title] = mean
    if len(means) < 2:
        return ""
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    unit = BY_ID[figure].unit
    return f"{what}: {spell(means[low], unit)} ({low}) to {spell(means[high], unit)} ({high})."


def _bytes_at(result: Result, index: int) -> str:
    """Return the range over the contestants; bytes of invalid trials count, because they do not depend on the time."""
    values = [value for trial in result.at(index).counted if (value := BYTES.of(trial)) is not None]
    key = main_key(result)
    return f"{spell_range(values, BYTES.unit)} at {counted(key, result.points[index].setting[key])}" if values else ""
