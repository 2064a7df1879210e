"""Crossings: from which number of updates on a push costs less, and nothing that intervals do not show."""

import pytest
from msgspec.structs import replace

from tests.wirerace.results import RESULT
from tests.wirerace.visited import swept
from wirerace.analysis.crossing import AXES, crossings_of
from wirerace.record.result import Crossing, Result

CPU = "visit.server_cpu"


def of(result: Result, figure: str = CPU, one: str = "websocket", other: str = "polling") -> Crossing:
    (found,) = (
        crossing
        for crossing in crossings_of(result)
        if (crossing.figure, crossing.one, crossing.other) == (figure, one, other)
    )
    return found


def crossing(pushed: list[float], polled: list[float], spread: float = 0.0, repeats: int = 1) -> Crossing:
    """Return the crossing of costs at 1, 2, 5 and 20 updates; repeats spread about them, the push against the poll."""
    shifts = [spread * (index - (repeats - 1) / 2) for index in range(repeats)]

    def spread_about(costs: list[float], sign: int) -> dict[int, list[float]]:
        repeated = ([cost * (1 + sign * shift) for shift in shifts] for cost in costs)
        return dict(zip((1, 2, 5, 20), repeated, strict=True))

    return of(swept({"polling": spread_about(polled, -1), "websocket": spread_about(pushed, 1)}))


@pytest.mark.parametrize(
    ("pushed", "start"),
    [([2, 3, 4, 5], 5), ([9, 9, 9, 21], None), ([0.5, 1, 2, 3], 1), ([2, 1, 9, 5], 20), ([0.5, 1, 2, 30], None)],
)
def test_push_costs_less_from_where_on_it_always_does(pushed: list[float], start: int | None) -> None:
    """Polls cost 1, 2, 5 and 20."""
    assert start == crossing(pushed, [1, 2, 5, 20]).from_updates


def test_steps_say_what_each_number_of_updates_showed() -> None:
    found = crossing([2, 3, 4, 5], [1, 2, 5, 20])

    assert [(1, "more"), (2, "more"), (5, "less"), (20, "less")] == [(one.updates, one.costs) for one in found.steps]
    assert [2.0, 1.5, 0.8, 0.25] == [one.ratio and pytest.approx(one.ratio.mean) for one in found.steps]


def test_interval_that_includes_one_leaves_it_undecided() -> None:
    """At 5 updates the ratio is 0.8, and repeats vary by a tenth."""
    clear, blurred = (crossing([2, 3, 4, 5], [1, 2, 5, 20], spread, repeats=3) for spread in (0.001, 0.1))

    assert (5, 20) == (clear.from_updates, blurred.from_updates)
    assert "undecided" == blurred.steps[2].costs
    ratio = blurred.steps[2].ratio
    assert ratio is not None
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low < 1 < ratio.high


def test_every_axis_and_pair_has_its_crossing() -> None:
    names = ("polling", "longpolling", "websocket", "sse")
    found = crossings_of(swept({name: {1: [1.0], 2: [2.0]} for name in names}))

    pairs = {(one.figure, one.one, one.other) for one in found}
    assert {(axis, one, other) for axis in AXES for one in names[2:] for other in names[:2]} == pairs
    assert {None} == {one.from_updates for one in found}


def test_other_swept_keys_have_crossings_of_their_own() -> None:
    rate, pushed = "producer.rate_per_second", {1: [2.0], 2: [2.0]}
    one = swept({"polling": {1: [1.0], 2: [3.0]}, "websocket": pushed}, **{rate: 5.0})
    other = swept({"polling": {1: [3.0], 2: [3.0]}, "websocket": pushed}, **{rate: 9.0})
    later = [replace(trial, point=trial.point + 2) for trial in other.trials]
    both = replace(one, points=[*one.points, *other.points], trials=[*one.trials, *later])

    assert {5.0: 2, 9.0: 1} == {
        found.setting[rate]: found.from_updates for found in crossings_of(both) if found.figure == CPU
    }


def test_unknown_cost_is_no_reason_to_name_a_number() -> None:
    result = swept({"polling": {1: [1.0], 2: [3.0]}, "websocket": {1: [2.0], 2: [2.0]}})
    unknown = [
        replace(trial, server=replace(trial.server, cpu_seconds=None)) if trial.point == 1 else trial
        for trial in result.trials
    ]
    found = of(replace(result, trials=unknown))

    assert ("unknown", None) == (found.steps[1].costs, found.from_updates)


def test_results_without_such_a_sweep_have_none() -> None:
    assert [] == crossings_of(RESULT)
    assert [] == crossings_of(swept({"polling": {1: [1.0]}, "websocket": {1: [2.0]}}))
