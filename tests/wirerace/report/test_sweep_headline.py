"""The headline of a sweep: what changes from its first setting to its last, and what it never says."""

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tests.wirerace import messaged, visited
from tests.wirerace.report.test_headline import first_of, repeated, whole
from wirerace.record.result import Point, Result
from wirerace.report.headline import headline


def swept(points: Sequence[Mapping[str, Sequence[float]]]) -> Result:
    """Return a sweep over clients, from latencies by contestant, for each repeat."""
    found = [repeated(latencies, 10.0 * (number + 1)) for number, latencies in enumerate(points)]
    trials = [replace(one, point=number) for number, each in enumerate(found) for one in each.trials]
    return replace(
        found[0], trials=trials, points=[Point({"clients.count": 100 * (number + 1)}) for number in range(len(points))]
    )


def test_sweep_says_what_changes_from_its_first_setting_to_its_last() -> None:
    points = [{"polling": [0.5], "websocket": [0.001]}, {"polling": [0.5], "websocket": [0.004]}]

    said = [
        (
            "In this run, from 100 to 200 clients, updates came 4 times as late with WebSocket; "
            "with polling no change was seen."
        ),
        "A delivery cost the server 2 times as much CPU with polling and WebSocket.",
    ]
    assert said == headline(swept(points))


def test_changes_that_differ_are_told_as_a_range() -> None:
    before = {"polling": [0.5], "longpolling": [0.002], "sse": [0.0012], "websocket": [0.0015]}
    after = {"polling": [0.5], "longpolling": [0.054], "sse": [0.0174], "websocket": [0.04]}

    said = (
        "In this run, from 100 to 200 clients, updates came 14 to 27 times as late with SSE, WebSocket "
        "and long polling; with polling no change was seen."
    )
    assert said == first_of(swept([before, after]))


def test_changes_in_times_and_in_percent_and_in_the_other_direction_are_told_apart() -> None:
    before = {"polling": [0.5], "longpolling": [0.02], "sse": [0.01], "websocket": [0.06]}
    after = {"polling": [0.1], "longpolling": [0.036], "sse": [0.03], "websocket": [0.035]}

    said = (
        "updates came 3 times as late with SSE, 80 % later with long polling, "
        "5 times sooner with polling and 42 % sooner with WebSocket."
    )
    assert first_of(swept([before, after])).endswith(f"clients, {said}")


def test_changes_that_are_shown_have_the_ends_of_all_intervals() -> None:
    before = {"sse": [0.001, 0.00101, 0.00099], "websocket": [0.001, 0.00101, 0.00099]}
    after = {"sse": [0.01, 0.0101, 0.0099], "websocket": [0.02, 0.0203, 0.0196]}
    first, second = headline(swept([before, after]))

    said = r"From 100 to 200 clients, updates come 10 to 20 times as late \((\S+) to (\S+)\) with SSE and WebSocket\."
    ends = re.fullmatch(said, first)
    assert ends is not None
    assert float(ends[1]) <= 10
    assert float(ends[2]) >= 20
    assert "A delivery costs the server 2 times as much CPU with WebSocket and SSE." == second


def test_every_key_that_is_swept_is_said() -> None:
    result = swept([{"websocket": [0.001]}, {"websocket": [0.004]}])
    keys = (
        {"clients.count": 1, "polling.interval_seconds": 0.5},
        {"clients.count": 1000, "polling.interval_seconds": 2},
    )
    result.points = [Point(dict(setting)) for setting in keys]

    said = "In this run, from 1 to 1,000 clients and polling.interval_seconds = 0.5 to 2, updates came"
    assert first_of(result).startswith(said)


def test_sweep_in_which_nothing_changes_says_so() -> None:
    points = [{"websocket": [0.001, 0.0012, 0.0009]}] * 2
    result = swept(points)
    result.trials = [replace(one, server=result.trials[0].server) for one in result.trials]

    said = ["From 100 to 200 clients, no change of mean latency is shown."]
    assert [*said, "No change of server CPU per delivery is shown."] == headline(result)


def test_sweep_with_nothing_at_an_end_compares_nothing() -> None:
    result = swept([{"websocket": [0.001]}, {"websocket": [0.004]}])
    result.trials = result.trials[:1]
    assert [] == headline(result)


def test_crossing_is_the_answer_of_its_sweep() -> None:
    said = headline(whole(visited.swept({"polling": {1: [1.0], 5: [9.0]}, "websocket": {1: [2.0], 5: [3.0]}})))

    assert "Server CPU per visit: WebSocket costs less than Polling from K = 5 on." == said[0]


def test_cost_of_a_message_is_the_answer_of_its_sweep() -> None:
    costs = {
        "polling": {0.0: [(1.0, 0.5)], 2.0: [(1.03, 0.5)]},
        "sse": {0.0: [(1.0, 0.001)], 2.0: [(1.031, 0.001)]},
        "websocket": {0.0: [(1.0, 0.001)], 2.0: [(1.01, 0.001)]},
    }
    said = "a message cost 50 µs with WebSocket and 150 µs with polling and SSE, of server CPU."

    assert [f"At upstream.rate_per_second = 2.0 {said}"] == headline(whole(messaged.swept(costs)))
