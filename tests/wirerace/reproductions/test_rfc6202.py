from itertools import count, pairwise, takewhile
from math import exp

import pytest

from tests.wirerace.reproductions.outcomes import failed, latency, outcome
from wirerace.experiment.plans import schedule_of
from wirerace.observe.account import Window
from wirerace.record.trial import Cell
from wirerace.reproductions.check import Check
from wirerace.reproductions.rfc6202 import EXPERIMENT, SEED, TRANSIT_SECONDS, checks
from wirerace.theory.recorded import Recorded
from wirerace.workload.schedule import due_times


def found(mean: float = 0.058, worst_ms: int = 151, given: float = 0.058, push_worst_ms: int = 52) -> list[Check]:
    cell = Cell("latency_seconds", mean, given, None, None, None, None, None)
    held = outcome("longpolling", [52] * 11 + [worst_ms], latency_seconds=latency(mean), theory=[cell])
    push = outcome("websocket", [51] * 11 + [push_worst_ms], latency_seconds=latency(0.051))
    return checks({"longpolling": held, "websocket": push})


def test_one_transit_on_average_and_three_at_worst_is_what_was_published() -> None:
    assert [] == failed(found())


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"mean": 0.09}, ["long polling, mean latency", "its mean, by theory"]),
        ({"mean": 0.049}, ["long polling, mean latency", "its mean, by theory"]),
        ({"worst_ms": 101}, ["long polling, worst update"]),
        ({"worst_ms": 201}, ["long polling, worst update"]),
        ({"push_worst_ms": 151}, ["WebSocket, worst update"]),
        ({"given": 0.07}, ["its mean, by theory"]),
    ],
)
def test_what_does_not_agree_fails(changes: dict[str, float], names: list[str]) -> None:
    assert names == failed(found(**changes))  # type: ignore[arg-type]


def test_nothing_received_has_not_passed() -> None:
    nothing = {name: outcome(name) for name in ("longpolling", "websocket")}

    assert 4 == len(failed(checks(nothing)))


WINDOW = Window(10**9, 26 * 10**9)


def made_by(seed: int) -> list[int]:
    return list(takewhile(WINDOW.to_ns.__gt__, due_times(schedule_of(EXPERIMENT, seed, 0), 0)))


def mean_wait_seconds(made: list[int]) -> float:
    given = Recorded(WINDOW, [0, *made]).long_polled([2 * TRANSIT_SECONDS], 25, TRANSIT_SECONDS)
    assert given is not None
    assert given.wait_seconds is not None
    return given.wait_seconds


def has_two_close_pairs(made: list[int]) -> bool:
    """Return whether two updates follow another one at once, but not within one read, with no others near them."""
    gaps = [(after - before) / 1e9 for before, after in pairwise(made)]
    in_window = [gap for gap, before in zip(gaps, made, strict=False) if before >= WINDOW.from_ns]
    around = [
        gap
        for before, short, after in zip(gaps, gaps[1:], gaps[2:], strict=False)
        for gap in (before, after)
        if short < 0.005
    ]
    return 2 == sum(gap < 0.005 for gap in in_window) and min(in_window) > 0.002 and min(around) >= 0.3


def fits(seed: int) -> bool:
    made = made_by(seed)
    return has_two_close_pairs(made) and 0.007 < mean_wait_seconds(made) < 0.009


def test_seed_is_the_first_one_whose_schedule_shows_it() -> None:
    assert SEED == next(filter(fits, count(1)))


def test_words_are_right_about_waiting() -> None:
    rate, away = 1.5, 2 * TRANSIT_SECONDS

    assert 0.007 < mean_wait_seconds(made_by(SEED)) < 0.009
    assert pytest.approx(1 / 7, abs=0.01) == rate * away / (rate * away + exp(-rate * away))
    assert pytest.approx(0.008, abs=0.001) == rate * away**2 / 2 / (rate * away + exp(-rate * away))
    assert 20 * away / (20 * away + exp(-20 * away)) > 0.9
