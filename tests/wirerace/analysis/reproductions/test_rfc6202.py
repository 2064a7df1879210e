from itertools import pairwise, takewhile
from math import exp

import pytest

from tests.wirerace.analysis.reproductions.outcomes import failed, latency, outcome
from wirerace.account import Window
from wirerace.analysis.made import Made
from wirerace.analysis.reproductions.check import Check
from wirerace.analysis.reproductions.rfc6202 import EXPERIMENT, TRANSIT_SECONDS, checks
from wirerace.experiment.model import schedule_of
from wirerace.experiment.trial import Cell
from wirerace.schedule import due_times


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


def test_nothing_heard_has_not_passed() -> None:
    nothing = {name: outcome(name) for name in ("longpolling", "websocket")}

    assert 4 == len(failed(checks(nothing)))


WINDOW = Window(10**9, 26 * 10**9)
MADE = list(takewhile(WINDOW.to_ns.__gt__, due_times(schedule_of(EXPERIMENT, EXPERIMENT.seed, 0), 0)))


def test_schedule_has_updates_that_follow_another_one_at_once() -> None:
    gaps = [(after - before) / 1e9 for before, after in pairwise(MADE) if before > WINDOW.from_ns]

    assert 2 == len([gap for gap in gaps if gap < 0.005])
    assert min(gaps) > 0.002, "or the server might read both at once"


def test_words_are_right_about_waiting() -> None:
    rate, away = 1.5, 2 * TRANSIT_SECONDS
    given = Made(WINDOW, [0, *MADE]).long_polled([away], 25, TRANSIT_SECONDS)

    assert given is not None
    assert given.wait_seconds is not None
    assert 0.007 < given.wait_seconds < 0.009
    assert pytest.approx(1 / 7, abs=0.01) == rate * away / (rate * away + exp(-rate * away))
    assert pytest.approx(0.008, abs=0.001) == rate * away**2 / 2 / (rate * away + exp(-rate * away))
    assert 20 * away / (20 * away + exp(-20 * away)) > 0.9
