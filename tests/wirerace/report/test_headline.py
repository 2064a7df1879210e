"""The headline: what it says of made-up results, and what it never says."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace import messaged, visited
from tests.wirerace.report.made_up import result_of, trial
from wirerace.analysis.aggregate import summarised
from wirerace.record.reading import read_result
from wirerace.record.result import Failure, Result
from wirerace.record.trial import Finding, Trial, Verdict
from wirerace.report.headline import headline

DATA = Path(__file__).parents[2] / "data"
INVALID = Verdict(valid=False, reasons=["busy: it waits"], findings=[Finding("reason", "busy", "it waits", "wait")])


def timed(transport: str, latency: float | None, cpu_us: float | None = 30.0, repeat: int = 1, **changes: Any) -> Trial:
    """Return a trial with a mean latency and a CPU time of a delivery."""
    bare = trial(transport, repeat, **changes)
    return replace(
        bare,
        latency_seconds=replace(bare.latency_seconds, mean=latency),
        server=replace(bare.server, cpu_us_per_delivery=cpu_us),
    )


def once(**latencies: float | None) -> Result:
    """Return a result of one repeat."""
    return result_of(*(timed(transport, latency) for transport, latency in latencies.items()))


def repeated(latencies: Mapping[str, Sequence[float]], cpu_us: float = 30.0) -> Result:
    """Return a result of several repeats."""
    return result_of(
        *(
            timed(transport, latency, cpu_us, repeat)
            for transport, values in latencies.items()
            for repeat, latency in enumerate(values, 1)
        )
    )


def whole(result: Result) -> Result:
    """Return a result in which no update was lost."""
    return replace(result, trials=[replace(one, lost=0) for one in result.trials])


def first_of(result: Result) -> str:
    return headline(result)[0]


def test_one_run_is_told_as_what_was_seen() -> None:
    result = once(polling=0.502, longpolling=0.003, websocket=0.0019, sse=0.002)

    said = (
        "In this run WebSocket and SSE delivered in 1.9 to 2 ms, long polling in 3 ms; polling in 500 ms, "
        "260 times as late, half its interval of 1 s."
    )
    assert said == first_of(result)


def test_contestants_between_the_first_and_the_last_are_named() -> None:
    said = "In this run WebSocket delivered in 2 ms, long polling in 20 ms; polling in 510 ms, 250 times as late"

    assert first_of(once(polling=0.51, longpolling=0.02, websocket=0.002)).startswith(said)


def test_differences_that_one_run_cannot_show_are_not_claimed() -> None:
    said = "In this run WebSocket and long polling delivered in 0.9 to 1.6 ms, too close to tell apart."

    assert said == first_of(once(longpolling=0.0016, websocket=0.0009))


def test_trial_in_doubt_shows_less() -> None:
    doubt = Verdict(valid=True, doubts=["busy"], findings=[Finding("doubt", "busy")])
    result = result_of(timed("longpolling", 0.0032), timed("websocket", 0.0015, verdict=doubt))

    assert "too close to tell apart" in first_of(result)
    assert "too close" not in first_of(once(longpolling=0.0032, websocket=0.0015))


def test_single_contestant_is_compared_with_nothing() -> None:
    assert ["In this run WebSocket delivered in 1.2 ms.", "Server CPU for a delivery: 30 µs."] == headline(
        once(websocket=0.00123)
    )


def test_intervals_are_told_as_what_is_shown() -> None:
    result = repeated({"polling": [0.5, 0.51, 0.49], "websocket": [0.002, 0.0021, 0.0019]})

    said = (
        r"WebSocket delivers in 2 ms; polling in 500 ms, 250 times as late \(\d+ to \d+\), half its interval of 1 s\."
    )
    assert re.fullmatch(said, first_of(result))


def test_two_repeats_show_nothing_yet() -> None:
    assert first_of(repeated({"websocket": [0.001, 0.002]})).startswith("In these 2 runs WebSocket delivered in 1.5 ms")


def test_wide_intervals_claim_nothing() -> None:
    result = repeated({"polling": [0.5, 0.001, 0.03], "websocket": [0.002, 0.4, 0.01]})

    assert "WebSocket and polling deliver in 140 to 180 ms, not told apart." == first_of(result)


def test_cost_is_told_cheapest_first() -> None:
    result = result_of(timed("polling", 0.5, 57.4), timed("longpolling", 0.002, 73), timed("websocket", 0.001, 29.3))

    said = "Server CPU for a delivery: 29 µs with WebSocket, 57 to 73 µs with polling and long polling, "
    assert headline(result)[1] == said + "2.2 times as much."


def test_half_the_interval_is_only_said_where_it_is_so() -> None:
    assert "half its interval" not in first_of(once(polling=0.7, websocket=0.001))
    assert "half its interval" not in first_of(once(longpolling=0.5, websocket=0.001))


def test_interval_may_be_that_of_a_declared_contestant() -> None:
    result = once(polling=0.1, websocket=0.001)
    result.experiment["contestants"] = [{"id": "polling", "options": {"interval_seconds": 0.2}}]
    assert "half its interval" in first_of(result)

    result.experiment["contestants"] = "edited"
    result.experiment["polling"] = 3
    assert "half its interval" not in first_of(result)


def test_invalid_contestant_is_named_first_and_compared_with_nothing() -> None:
    result = result_of(timed("polling", 0.5, verdict=INVALID), timed("websocket", 0.001))

    first, second, _ = headline(result)
    assert ("Polling cannot be used: busy.", "In this run WebSocket delivered in 1 ms.") == (first, second)


def test_contestant_with_one_invalid_repeat_is_counted() -> None:
    result = repeated({"polling": [0.5, 0.5, 0.5], "websocket": [0.001, 0.001, 0.001]})
    result.trials[0] = replace(result.trials[0], verdict=INVALID)

    assert "Polling cannot be used (1 of 3 trials is invalid): busy." == first_of(result)


def test_run_of_no_use_claims_nothing() -> None:
    result = result_of(timed("polling", 0.5, verdict=INVALID), timed("websocket", 0.001, verdict=INVALID))

    assert ["Of no use: every trial is invalid: busy."] == headline(result)


def test_discarded_run_claims_nothing() -> None:
    result = result_of(timed("polling", 0.5, verdict=INVALID), discarded=(1,))

    assert ["Of no use: no repeat was valid."] == headline(result)


def test_failure_is_named_first() -> None:
    result = once(websocket=0.001)
    result.failures.append(Failure("longpolling", 1, "the server did not start"))

    assert "Longpolling could not be measured: the server did not start." == first_of(result)


def test_lost_updates_are_named_before_any_claim() -> None:
    result = result_of(timed("polling", 0.5, lost=1200, duplicated=3), timed("websocket", 0.001))

    said = "Not every update arrived once and in order: polling (1,200 lost, 3 twice)."
    assert [said] == headline(result)[:1]


def test_figures_that_are_not_known_are_not_made_up() -> None:
    result = result_of(timed("polling", None, None), timed("websocket", None, None))

    said = ["In this run no contestant has a mean latency that is known.", "Server CPU for a delivery is not known."]
    assert said == headline(result)


def test_contestant_of_which_nothing_is_known_is_named() -> None:
    assert "No mean latency of polling is known." == headline(once(polling=None, websocket=0.001))[1]


def test_value_of_0_has_no_ratio() -> None:
    said = headline(result_of(timed("polling", 0.5, 0.0), timed("websocket", 0.001, 10.0)))[1]

    assert "Server CPU for a delivery: 0 µs with polling, 10 µs with WebSocket." == said


def test_title_that_would_break_the_sentence_stands_in_quotes() -> None:
    result = once(websocket=0.001)
    result.contestants[0] = replace(result.contestants[0], title="Kept, or closed")

    assert "In this run “Kept, or closed” delivered in 1 ms." == first_of(result)


def test_visitors_are_told_by_their_first_update() -> None:
    costs = {"polling": {1: [1.0]}, "websocket": {1: [3.0]}}
    result = whole(visited.swept(costs)).at(0)

    first, second = headline(result)
    assert first.startswith("In this run polling and WebSocket brought the first update in")
    assert "Server CPU for a visit: 100 µs with polling, 300 µs with WebSocket, 3 times as much." == second


def test_messages_to_all_are_told_by_their_way_to_the_clients() -> None:
    result = whole(messaged.swept({"websocket": {1.0: [(0.1, 0.001)]}})).at(0)
    result.trials[0] = replace(result.trials[0], messages=messaged.RELAYED)

    assert "In this run WebSocket brought a message to all clients in 2 ms." == first_of(result)


@pytest.mark.parametrize("saved", ["schema-2", "schema-3"])
def test_saved_results_have_a_headline(saved: str) -> None:
    assert headline(read_result(DATA / saved))


LATENCIES = st.lists(st.floats(1e-5, 10.0), min_size=3, max_size=3)


@pytest.mark.long
@given(LATENCIES, LATENCIES)
def test_headline_claims_no_difference_that_the_interval_does_not_show(polling: list[float], sse: list[float]) -> None:
    result = repeated({"polling": polling, "sse": sse})
    (compared,) = [each for each in summarised(result).compared if each.figure == "latency.mean"]
    ratio = compared.ratio
    is_shown = (
        ratio is not None and ratio.low is not None and ratio.high is not None and not ratio.low <= 1 <= ratio.high
    )

    assert is_shown or "deliver in" in first_of(result)
    assert is_shown or first_of(result).endswith(", not told apart.")
