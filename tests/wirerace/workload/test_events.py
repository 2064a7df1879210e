"""Events that a producer can play: what a trace file and a schedule are both checked for."""

import math

import pytest

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
    ("times", "line"),
    [
        ((0.0, 2.0, 1.0), "trace[2]: time goes back by 1 s; sort the events by time"),
        ((-1.0, 2.0), "trace[0]: the first event is at -1 s; begin at 0 s or later"),
        ((0.0, math.nan), "trace[1]: nan is no time; a time is a number of seconds"),
        ((math.inf,), "trace[0]: inf is no time"),
        ((0.0, 1e308), "trace[1]: it takes 1e+308 s at speed 1, over 100 years; raise the speed"),
        ((0.0, 1e-300), "trace[1]: it has 1e+300 events a second at speed 1, over 10000; lower the speed"),
    ],
)
def test_times_that_cannot_be_kept_are_refused_with_place_and_cure(times: tuple[float, ...], line: str) -> None:
    assert refusal_of(at(*times)).startswith(line)


@pytest.mark.parametrize(
    ("speed", "line"),
    [
        (1e-300, "trace[1]: it takes 1e+300 s at speed 1e-300, over 100 years; raise the speed"),
        (5e-324, "trace[1]: it takes inf s at speed 4.94066e-324, over 100 years; raise the speed"),
        (1e5, "trace[1]: it has 1e+05 events a second at speed 100000, over 10000; lower the speed"),
    ],
)
def test_speed_at_which_times_cannot_be_kept_is_refused(speed: float, line: str) -> None:
    assert line == refusal_of(at(0.0, 1.0), speed)


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        ("x" * 1_048_577, "trace[0]: a payload has at most 1048576 bytes; cut it"),
        ("ä" * 524_289, "trace[0]: a payload has at most 1048576 bytes; cut it"),
        ("cut \ud83d", "trace[0]: the payload has half of a surrogate pair, which is no text; leave it out"),
    ],
)
def test_payload_that_cannot_be_sent_is_refused(payload: str, line: str) -> None:
    assert line == refusal_of([Event(0.0, payload)])


def test_more_events_than_are_kept_are_refused() -> None:
    assert f"trace[{MOST_EVENTS}]: a trace has at most {MOST_EVENTS} events; cut it" == refusal_of(
        at(0.0) * (MOST_EVENTS + 1)
    )


def test_caller_names_the_place() -> None:
    with pytest.raises(BadInput, match=r"^log\.csv:12: time goes back"):
        check_events(at(1.0, 0.0), place_of=lambda index: f"log.csv:{11 + index}")
