"""Crossings in words: one sentence for each axis, which claims no more than was measured."""

import pytest
from msgspec.structs import replace

from tests.wirerace.results import RESULT
from tests.wirerace.visited import swept
from wirerace.report.crossing import crossing_of

NUMBERS = (1, 2, 5)


def sentence(pushed: list[list[float]], polled: list[list[float]] | None = None) -> str:
    """Return the sentence about requests; polls cost 1, 2 and 5 unless they are given."""
    costs = {
        "polling": dict(zip(NUMBERS, polled or [[1.0], [2.0], [5.0]], strict=True)),
        "websocket": dict(zip(NUMBERS, pushed, strict=True)),
    }
    (found,) = (text.plain for text in crossing_of(swept(costs)) if text.plain.startswith("Requests per visit: "))
    return found.removeprefix("Requests per visit: WebSocket costs ")


@pytest.mark.parametrize(
    ("pushed", "said"),
    [
        ([[2.0], [2.5], [3.0]], "less than Polling from K = 5 on."),
        ([[0.5], [1.0], [3.0]], "less than Polling at every K from 1 on."),
        ([[2.0], [3.0], [6.0]], "more than Polling at every K up to 5."),
        ([[0.5], [3.0], [6.0]], "not surely less than Polling up to K = 5 (less at K = 1)."),
    ],
)
def test_sentence_says_from_when_on_a_push_costs_less(pushed: list[list[float]], said: str) -> None:
    assert said == sentence(pushed)


def test_sentence_names_what_could_not_be_told_apart() -> None:
    pushed = [[1.0, 2.0, 3.0], [2.0, 2.0, 2.1], [3.0, 5.1, 7.0]]
    polled = [[2.0, 2.1, 1.9], [3.0, 3.0, 3.1], [5.0, 5.0, 5.1]]

    said = "not surely less than Polling up to K = 5 (less at K = 2, not told apart at K = 1, 5)."
    assert said == sentence(pushed, polled)


def test_contestants_of_which_the_same_is_to_be_said_stand_together() -> None:
    costs = {
        "polling": {1: [1.0], 2: [9.0]},
        "longpolling": {1: [2.5], 2: [9.0]},
        "websocket": {1: [2.0], 2: [3.0]},
        "sse": {1: [2.0], 2: [3.0]},
        "stream": {1: [3.0], 2: [3.0]},
    }
    heading, *sentences, last = (text.plain for text in crossing_of(swept(costs)))

    assert heading.endswith("(one repeat, so without intervals)")
    axes = ("Requests per visit", "TCP segments per visit", "Bytes per visit, IP layer", "Server CPU per visit")
    assert [
        f"{axis}: WebSocket and SSE cost less than Polling from K = 2 on and less than Long polling at every K from 1 "
        "on; HTTP streaming costs less than Polling and Long polling from K = 2 on."
        for axis in axes
    ] == sentences
    assert "" == last


def test_repeats_have_intervals_and_the_heading_says_so() -> None:
    costs = {name: {1: [1.0, 1.1, 1.2], 2: [2.0, 2.1, 2.2]} for name in ("polling", "websocket")}

    assert crossing_of(swept(costs))[0].plain.endswith("(95 % intervals over 3 repeats, in pairs, each by itself)")


def test_heading_says_how_many_trials_are_invalid() -> None:
    result = swept({name: {1: [1.0], 2: [2.0]} for name in ("polling", "websocket")})
    first, *others = result.trials
    invalid = replace(result, trials=[replace(first, verdict=None), *others])

    assert crossing_of(invalid)[0].plain.endswith("(one repeat, so without intervals; 1 of 4 trials are invalid)")


def test_result_without_a_crossing_has_no_sentence() -> None:
    assert [] == crossing_of(RESULT)
