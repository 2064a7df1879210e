"""Events that a producer can play: the checks of both a trace file and a schedule."""

import math

import pytest

from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.workload.trace import MOST_EVENTS, Event, check_events


def refusal_of(events: list[Event], speed: float = 1.0) -> str:
    with pytest.raises(BadInput) as refusal:
        check_events(events, speed)
    return str(refusal.value)


def at(*times: float) -> list[Event]:
    return [Event(seconds, None) for seconds in times]


def test_events_in_order_can_be_played() -> None:
    check_events([Event(0, None), Event(0.0, "ä"), Event(1.5, ""), Event(1.5, "x" * 1_048_576)])


@pytest.mark.parametrize(
    ("times", "place", "facts"),
    [
        ((0.0, 2.0, 1.0), "trace[2]", ["back by 1 s", "sort the events"]),
        ((-1.0, 2.0), "trace[0]", ["-1 s", "0 s or later"]),
        ((0.0, math.nan), "trace[1]", ["nan", "a number of seconds"]),
        ((math.inf,), "trace[0]", ["inf", "no time"]),
        ((0.0, 1e308), "trace[1]", ["1e+308 s", "speed 1", "100 years", "raise the speed"]),
        ((0.0, 1e-300), "trace[1]", ["1e+300 events a second", "speed 1", "10000", "lower the speed"]),
    ],
)
def test_times_that_cannot_be_kept_are_refused_with_place_and_cure(
    times: tuple[float, ...], place: str, facts: list[str]
) -> None:
    line = refusal_of(at(*times))
    assert [] == lacking(line, place, facts), line


@pytest.mark.parametrize(
    ("speed", "facts"),
    [
        (1e-300, ["1e+300 s", "speed 1e-300", "100 years", "raise the speed"]),
        (5e-324, ["inf s", "speed 4.94066e-324", "100 years", "raise the speed"]),
        (1e5, ["1e+05 events a second", "speed 100000", "10000", "lower the speed"]),
    ],
)
def test_speed_at_which_times_cannot_be_kept_is_refused(speed: float, facts: list[str]) -> None:
    line = refusal_of(at(0.0, 1.0), speed)
    assert [] == lacking(line, "trace[1]", facts), line


@pytest.mark.parametrize(
    ("payload", "facts"),
    [
        ("x" * 1_048_577, ["payload", "at most 1048576 bytes", "cut it"]),
        ("ä" * 524_289, ["payload", "at most 1048576 bytes", "cut it"]),
        ("cut \ud83d", ["payload", "surrogate pair", "leave it out"]),
    ],
)
def test_payload_that_cannot_be_sent_is_refused(payload: str, facts: list[str]) -> None:
    line = refusal_of([Event(0.0, payload)])
    assert [] == lacking(line, "trace[0]", facts), line


def test_more_events_than_are_kept_are_refused() -> None:
    line = refusal_of(at(0.0) * (MOST_EVENTS + 1))
    assert [] == lacking(line, f"trace[{MOST_EVENTS}]", [f"at most {MOST_EVENTS} events", "cut it"]), line


def test_caller_names_the_place() -> None:
    with pytest.raises(BadInput, match=r"^log\.csv:12: time goes back"):
        check_events(at(1.0, 0.0), place_of=lambda index: f"log.csv:{11 + index}")
