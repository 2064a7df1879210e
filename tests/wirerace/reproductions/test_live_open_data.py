import msgspec
import pytest

from tests.wirerace.reproductions.outcomes import failed, outcome
from wirerace.reproductions.check import Check, Outcome
from wirerace.reproductions.live_open_data import INTERVALS, Costs, checks, crossing_of

POLLS = 1_000
SENDS = [POLLS * intervals for intervals in INTERVALS]
US = 1e-6


def costing(transport: str, each_us: float, operations: int) -> Outcome:
    """Return a trial in which an operation takes that CPU time, beyond that of the server without clients."""
    answers = {"data": operations if transport == "polling" else 0, "empty": 0, "error": 0}
    made_up = outcome(transport, responses=answers, arrived=operations)
    cpu_seconds = operations * each_us * US + 0.0001 * made_up.trial.window_seconds
    server = msgspec.structs.replace(made_up.trial.server, cpu_seconds=cpu_seconds, idle_utilisation=0.0001)
    return Outcome(msgspec.structs.replace(made_up.trial, server=server), made_up.raw)


def found(**changes: Outcome) -> list[Check]:
    outcomes = {}
    for number, _ in enumerate(INTERVALS):
        outcomes[f"polling-at-{number}"] = costing("polling", 300, POLLS)
        outcomes[f"sse-at-{number}"] = costing("sse", 8, SENDS[number])
    return checks(outcomes | {name.replace("_", "-"): changed for name, changed in changes.items()})


def test_crossing_at_the_ratio_of_both_costs_is_what_was_published() -> None:
    assert [] == failed(found())


def test_shown_are_both_costs_and_how_they_change() -> None:
    assert pytest.approx([300, 8, 1, 1]) == [check.measured for check in found() if check.passed is None]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (
            {"polling_at_0": costing("polling", 50, POLLS)},
            ["an age of 15 intervals: polling over push", "crossing, in update intervals"],
        ),
        ({"polling_at_2": costing("polling", 2000, POLLS)}, ["an age of 135 intervals: polling over push"]),
        ({"sse_at_1": costing("sse", 2, SENDS[1])}, ["crossing, in update intervals"]),
    ],
)
def test_what_does_not_agree_fails(changed: dict[str, Outcome], names: list[str]) -> None:
    assert names == failed(found(**changed))


def test_crossing_is_where_both_cost_the_same() -> None:
    rising = [Costs(intervals, 100.0, 10.0 * intervals, 0.0, 0.0) for intervals in (2, 50)]

    assert pytest.approx(10) == crossing_of(rising)
    assert crossing_of(rising[:1]) is None
    assert crossing_of(rising[1:]) is None


def test_nothing_measured_has_not_passed() -> None:
    nothing = {
        f"{name}-at-{number}": outcome(name) for name in ("polling", "sse") for number, _ in enumerate(INTERVALS)
    }

    assert 1 == len(failed(checks(nothing)))
