"""Crossings: from how many updates of a visit on a pushing contestant costs less than an asking one, axis by axis."""

import itertools
from collections.abc import Iterator, Sequence

from wirerace.analysis.aggregate import CONFIDENCE, compared_in_pairs, has_visitors
from wirerace.analysis.figures import BY_ID
from wirerace.record.result import ContestantRecord, Costs, Crossing, CrossingStep, Interval, Result
from wirerace.transports import TRANSPORTS

UPDATES = "population.updates"
"""The swept key whose crossing is looked for."""
AXES = ("visit.requests", "visit.segments", "visit.ip_bytes", "visit.server_cpu")
"""The costs of a visit that are compared."""


def crossings_of(result: Result) -> list[Crossing]:
    """Return the crossings of a sweep over the updates of a visit, for each pair, axis and other setting."""
    if len(result.points) < 2 or UPDATES not in result.points[0].setting or not has_visitors(result):
        return []
    pushing = [one for one in result.present if not TRANSPORTS[one.transport].asks]
    asking = [one for one in result.present if TRANSPORTS[one.transport].asks]
    return [
        Crossing(
            figure=axis, one=one.id, other=other.id, from_updates=_from_updates(steps), steps=steps, setting=setting
        )
        for setting, points in _by_other_keys(result)
        for axis, one, other in itertools.product(AXES, pushing, asking)
        if len(steps := [_step(result, index, axis, one, other) for index in points]) > 1
    ]


def _by_other_keys(result: Result) -> Iterator[tuple[dict[str, object], list[int]]]:
    """Yield the settings that differ in the updates only, as the other keys and the indices of points, K ascending."""
    settings = [{key: value for key, value in point.setting.items() if key != UPDATES} for point in result.points]
    for number, setting in enumerate(settings):
        if settings.index(setting) == number:
            points = [index for index, other in enumerate(settings) if other == setting]
            yield setting, sorted(points, key=lambda index: result.points[index].setting[UPDATES])


def _step(result: Result, index: int, axis: str, one: ContestantRecord, other: ContestantRecord) -> CrossingStep:
    """Return the ratio of two contestants at one setting, from the repeats in which both have the figure."""
    figure, point = BY_ID[axis], result.at(index)
    costs = [
        {trial.repeat: figure.of(trial) for trial in point.counted if trial.contestant == contestant.id}
        for contestant in (one, other)
    ]
    pairs = [(a, b) for repeat, a in costs[0].items() if a is not None and (b := costs[1].get(repeat)) is not None]
    ratio = compared_in_pairs(pairs, CONFIDENCE)[0] if pairs else None
    return CrossingStep(result.points[index].setting[UPDATES], ratio, _direction(ratio))


def _direction(ratio: Interval | None) -> Costs:
    """Return whether the first costs less; an interval that includes 1 leaves it undecided."""
    if ratio is None or ratio.mean is None:
        return "unknown"
    low, high = (ratio.mean, ratio.mean) if ratio.low is None or ratio.high is None else (ratio.low, ratio.high)
    return "less" if high < 1 else "more" if low > 1 else "undecided"


def _from_updates(steps: Sequence[CrossingStep]) -> int | None:
    """Return the least number of updates from which on the first costs less at every step, None if there is none."""
    found = None
    for step in reversed(steps):
        if step.costs != "less":
            break
        found = step.updates
    return found
