"""From which value on asking costs less than a push."""

from itertools import product
from typing import Any

import msgspec
import pytest

from benchmarks.answers.crossover import crossover
from tests.wirerace.report.made_up import result_of, trial
from wirerace.record.result import Point, Result
from wirerace.record.trial import Finding, Trial, Verdict

BAD = Verdict(valid=False, findings=[Finding("reason", "the load had no core", "why", "cure")])
RATES = (5.0, 50.0, 500.0, 5000.0, 10_000.0, 20_000.0, 50_000.0)
PUSH = (10.0, 10.0, 10.0)


def costing(transport: str, point: int, cpu_us: float, repeat: int = 1, **changes: Any) -> Trial:
    bare = trial(transport, repeat, point=point, **changes)
    server = msgspec.structs.replace(bare.server, cpu_us_per_delivery=cpu_us)
    return msgspec.structs.replace(bare, server=server)


def swept(*trials: Trial) -> Result:
    count = 1 + max((one.point for one in trials), default=2)
    points = [Point({"producer.rate_per_second": rate}) for rate in RATES[:count]]
    return msgspec.structs.replace(result_of(*trials), points=points)


def once(polling: tuple[float, ...], websocket: tuple[float, ...] = ()) -> Result:
    """Return a sweep with exactly these costs, in one repeat."""
    websocket = websocket or (10.0,) * len(polling)
    costs = zip(polling, websocket, strict=True)
    return swept(
        *(
            costing(*each)
            for point, (a, b) in enumerate(costs)
            for each in (("polling", point, a), ("websocket", point, b))
        )
    )


def spoiled(whole: Result, without: int) -> Result:
    """Return a sweep without a valid trial of polling at one value."""
    trials = [
        msgspec.structs.replace(one, verdict=BAD) if (one.contestant, one.point) == ("polling", without) else one
        for one in whole.trials
    ]
    return msgspec.structs.replace(whole, trials=trials)


def sweep(polling: tuple[float, ...], websocket: tuple[float, ...] = PUSH, repeats: int = 1) -> Result:
    """Return a sweep with these costs, which differ a little from repeat to repeat."""
    costs = {"polling": polling, "websocket": websocket}
    return swept(
        *(
            costing(name, point, costs[name][point] * (1 + 0.01 * repeat * (name == "polling")), repeat)
            for repeat, point, name in product(range(1, repeats + 1), range(len(polling)), costs)
        )
    )


@pytest.mark.parametrize(
    ("polling", "said"),
    [
        (
            (40, 20, 5),
            (
                "less CPU for a delivery than WebSocket from 500 updates a second on (2 times less at 500); "
                "at 5 and 50 it cost more."
            ),
        ),
        (
            (40, 5, 4),
            (
                "less CPU for a delivery than WebSocket from 50 updates a second on (2.5 times less at 500); "
                "at 5 it cost more."
            ),
        ),
        (
            (40, 10.5, 5),
            (
                "less CPU for a delivery than WebSocket from 500 updates a second on (2 times less at 500); "
                "at 5 it cost more, and at 50 the two are not told apart."
            ),
        ),
        (
            (5, 40, 5),
            (
                "less CPU for a delivery than WebSocket from 500 updates a second on (2 times less at 500); "
                "at 50 it cost more, and at 5 it cost less."
            ),
        ),
        (
            (5, 4, 2.5),
            "less CPU for a delivery than WebSocket at 5, 50 and 500 updates a second (4 times less at 500).",
        ),
        (
            (40, 30, 20),
            "more CPU for a delivery than WebSocket at 5, 50 and 500 updates a second (2 times as much at 500).",
        ),
        (
            (40, 30, 10.5),
            "more CPU for a delivery than WebSocket at 5 and 50 updates a second; at 500 the two are not told apart.",
        ),
        (
            (40, 5, 10.5),
            (
                "more CPU for a delivery than WebSocket at 5 updates a second; "
                "at 50 it cost less, and at 500 the two are not told apart."
            ),
        ),
        (
            (5, 5, 10.5),
            "less CPU for a delivery than WebSocket at 5 and 50 updates a second; at 500 the two are not told apart.",
        ),
        (
            (10.5, 10.5, 40),
            "more CPU for a delivery than WebSocket at 500 updates a second; at 5 and 50 the two are not told apart.",
        ),
    ],
)
def test_crossover_says_no_more_than_the_steps_show(polling: tuple[float, ...], said: str) -> None:
    assert [f"In this run polling cost the server {said}"] == crossover(once(polling))


def test_costs_that_are_not_told_apart_anywhere_say_so() -> None:
    (sentence,) = crossover(once((10.5, 10.5, 10.5)))

    said = "are not told apart at 5, 50 and 500 updates a second in what a delivery costs the server."
    assert f"In this run polling and WebSocket {said}" == sentence


@pytest.mark.parametrize(
    ("polling", "without", "said"),
    [
        (
            (40, 20, 5),
            2,
            "more CPU for a delivery than WebSocket at 5 and 50 updates a second (2 times as much at 50); ",
        ),
        ((40, 20, 5), 1, "less CPU for a delivery than WebSocket from 500 updates a second on (2 times less at 500); "),
        ((5, 20, 5), 1, "less CPU for a delivery than WebSocket at 5 and 500 updates a second (2 times less at 500); "),
        ((5, 4, 5), 2, "less CPU for a delivery than WebSocket at 5 and 50 updates a second (2.5 times less at 50); "),
        ((40, 10.5, 5), 2, "more CPU for a delivery than WebSocket at 5 updates a second; "),
    ],
)
def test_what_is_not_known_is_said_and_never_lies_in_a_range(
    polling: tuple[float, ...], without: int, said: str
) -> None:
    _, sentence = crossover(spoiled(once(polling), without))

    assert sentence.startswith(f"In this run polling cost the server {said}")
    assert sentence.endswith(f"at {RATES[without]:g} nothing is known.")


def test_answer_with_all_that_there_can_be_reads_well() -> None:
    """As the shipped question was answered once."""
    whole = spoiled(sweep((65, 24, 9, 10.5), (16, 12, 9, 10.5), repeats=3), 2)
    _, sentence = crossover(whole)

    assert sentence.endswith(
        "Polling costs the server more CPU for a delivery than WebSocket at 5 and 50 updates a second; "
        "at 5,000 the two are not told apart, and at 500 nothing is known."
    )


def test_many_values_are_told_by_their_ends() -> None:
    result = once((40,) * 7, (10.0,) * 7)
    result.points = [Point({"producer.rate_per_second": float(10 * number)}) for number in range(1, 8)]

    assert "WebSocket at all 7 values from 10 to 70 updates a second (4 times as much at 70)." in crossover(result)[0]


def test_key_without_a_unit_is_named() -> None:
    result = once((40, 30, 20))
    result.points = [Point({"polling.interval_seconds": float(number)}) for number in range(1, 4)]

    assert "WebSocket at polling.interval_seconds = 1, 2 and 3 (2 times as much at 3)." in crossover(result)[0]


def test_three_repeats_are_told_in_the_present() -> None:
    (sentence,) = crossover(sweep((40, 20, 5), repeats=3))

    assert sentence.startswith("Polling costs the server less CPU for a delivery than WebSocket from 500 updates")


def test_repeats_that_are_not_valid_are_no_repeats() -> None:
    """Three repeats with two valid ones at a value have no interval there, so nothing is told as shown."""
    whole = sweep((40, 20, 5), repeats=3)
    trials = [
        msgspec.structs.replace(one, verdict=BAD) if number == 0 else one for number, one in enumerate(whole.trials)
    ]
    _, sentence = crossover(msgspec.structs.replace(whole, trials=trials))

    assert sentence.startswith("In these 3 runs polling cost the server less CPU")


def test_invalid_trials_decide_nothing() -> None:
    trouble, sentence = crossover(spoiled(sweep((40, 20, 5)), 2))

    assert "1 of 6 trials cannot be used" in trouble
    assert "from 500" not in sentence
    assert sentence.endswith("; at 500 nothing is known.")


def test_nothing_is_said_where_nothing_is_known() -> None:
    invalid = [msgspec.structs.replace(one, verdict=BAD) for one in sweep((40, 20, 5)).trials]

    assert ["Of no use: every trial is invalid: the load had no core."] == crossover(swept(*invalid))
    assert ["Nothing was measured."] == crossover(swept())


def test_pushes_of_which_the_same_is_to_be_said_stand_together() -> None:
    whole = once((40, 20, 5))
    sse = [costing("sse", point, 10.0) for point in range(3)]
    (sentence,) = crossover(swept(*whole.trials, *sse))

    assert "than WebSocket and SSE from 500 updates a second on" in sentence


def test_pushes_that_are_alike_are_they() -> None:
    whole = once((40, 20, 10.5))
    sse = [costing("sse", point, 10.0) for point in range(3)]
    (sentence,) = crossover(swept(*whole.trials, *sse))

    assert sentence.endswith("than WebSocket and SSE at 5 and 50 updates a second; at 500 they are not told apart.")


def test_pushes_of_which_something_else_is_to_be_said_have_a_sentence_of_their_own() -> None:
    whole = once((40, 20, 5))
    sse = [costing("sse", point, 1.0) for point in range(3)]
    (sentence,) = crossover(swept(*whole.trials, *sse))

    assert ". It cost more than SSE at 5, 50 and 500 updates a second (5 times as much at 500)." in sentence
