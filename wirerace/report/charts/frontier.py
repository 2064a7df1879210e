"""The frontier: how old updates are against what the server spends on a client."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wirerace.analysis.aggregate import interval
from wirerace.analysis.standing import NOISE
from wirerace.record.result import ContestantRecord, Interval, Result
from wirerace.record.trial import Trial
from wirerace.report.charts.axes import Swept, spelled, sweeps_of
from wirerace.report.charts.values import Curve, Dimension, Dot, LineChart
from wirerace.report.charts.view import View
from wirerace.report.charts.wording import clearly_less, listed

US = 1e-6
X = Dimension("server CPU for a client in a second, logarithmic", "microseconds", is_log=True)
Y = Dimension("mean age of a client's newest update, logarithmic", "seconds", is_log=True)


class Stand(NamedTuple):
    """Where a contestant is at one value of the parameter: what it costs, and how old its updates are."""

    title: str
    value: str
    cost: Interval
    age: Interval

    def beats(self, other: "Stand") -> bool:
        """Return whether it is clearly better in one of both, and not clearly worse in the other."""
        better = [self.is_cheaper(other), clearly_less(self.age, other.age)]
        return any(better) and not (other.is_cheaper(self) or clearly_less(other.age, self.age))

    def is_cheaper(self, other: "Stand") -> bool:
        """Return whether it is clearly cheaper; one run shows less of CPU times than of ages."""
        return clearly_less(self.cost, other.cost, NOISE["microseconds"].factor)


def frontier(result: Result) -> Iterator[LineChart]:
    """Yield the frontier of each sweep of a result, or of its contestants if there is none."""
    view = View(result)
    for swept in sweeps_of(result):
        found = [(contestant, list(_stands(result, contestant, swept))) for contestant in result.contestants]
        stands = [stand for _, some in found for stand in some]
        if len(stands) < 2:
            continue
        along = f" The numbers along a line are {swept.axis}." if swept.axis else ""
        yield LineChart(
            _title(stands, swept),
            "Down is fresher, left is cheaper: on the frontier is what nothing clearly beats in one of both without "
            f"being clearly worse in the other. The CPU time is that of the server's whole process.{along}",
            X,
            Y,
            [
                Curve(
                    view.title(contestant),
                    contestant.transport,
                    [dot for stand in some if (dot := _dot(stand)) is not None],
                    view.variety(contestant),
                    has_marks=True,
                )
                for contestant, some in found
                if some
            ],
            labels_at="dots",
        )


def _stands(result: Result, contestant: ContestantRecord, swept: Swept) -> Iterator[Stand]:
    """Yield where a contestant is at each value of the parameter, as far as both are known."""
    for index, value in zip(swept.points, swept.values, strict=True):
        view = View(result.at(index))
        trials = view.trials(contestant)
        costs = [cost for trial in trials if (cost := _cpu_us(trial)) is not None]
        ages = [trial.age_seconds.mean for trial in trials if trial.age_seconds.mean is not None]
        if costs and len(costs) == len(ages) == len(trials) and min(*costs, *ages) > 0:
            yield Stand(view.title(contestant), spelled(value) if swept.axis else "", interval(costs), interval(ages))


def _dot(stand: Stand) -> Dot | None:
    cost, age = stand.cost, stand.age
    if cost.mean is None or age.mean is None:
        return None
    low = age.low if age.low is None or age.low > 0 else age.mean / 100
    return Dot(cost.mean, age.mean, low, age.high, stand.value)


def _cpu_us(trial: Trial) -> float | None:
    cpu_seconds = trial.server.cpu_seconds
    return cpu_seconds / trial.client_seconds / US if cpu_seconds and trial.client_seconds else None


def _title(stands: Sequence[Stand], swept: Swept) -> str:
    """Return which contestants are on the frontier: of a sweep, at every value, or at some."""
    names = list(dict.fromkeys(stand.title for stand in stands))
    values = list(dict.fromkeys(stand.value for stand in stands))
    counts = dict.fromkeys(names, 0)
    for value in values:
        here = [stand for stand in stands if stand.value == value]
        for stand in here:
            counts[stand.title] += not any(other.beats(stand) for other in here)
    always = [name for name in names if counts[name] == len(values)]
    never = [name for name in names if not counts[name]]
    if not swept.axis:
        off = f"; {listed(never)} {'is' if len(never) == 1 else 'are'} not" if never else ""
        return f"On the frontier of age and cost: {listed(always)}{off}" if always else "Age against cost"
    parts = [f"{listed(always)} at every {swept.axis}"] * bool(always) + [f"{listed(never)} at none"] * bool(never)
    some = "" if parts else f"each contestant at some {swept.axis}"
    return f"On the frontier of age and cost: {'; '.join(parts) or some}{swept.said}"
