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
RATES = (5.0, 50.0, 500.0)
PUSH = (10.0, 10.0, 10.0)


def costing(transport: str, point: int, cpu_us: float, repeat: int = 1, **changes: Any) -> Trial:
    bare = trial(transport, repeat, point=point, **changes)
    server = msgspec.structs.replace(bare.server, cpu_us_per_delivery=cpu_us)
    return msgspec.structs.replace(bare, server=server)


def swept(*trials: Trial) -> Result:
    points = [Point({"producer.rate_per_second": rate}) for rate in RATES]
    return msgspec.structs.replace(result_of(*trials), points=points)


def sweep(polling: tuple[float, ...], websocket: tuple[float, ...] = PUSH, repeats: int = 1) -> Result:
    """Return a sweep with these costs, which differ a little from repeat to repeat."""
    costs = {"polling": polling, "websocket": websocket}
    return swept(
        *(
            costing(name, point, costs[name][point] * (1 + 0.01 * repeat * (name == "polling")), repeat)
            for repeat, point, name in product(range(1, repeats + 1), range(3), costs)
        )
    )


@pytest.mark.parametrize(
    ("polling", "said"),
    [
        ((40, 20, 5), "less CPU for a delivery than WebSocket from 500 updates a second on (*, more up to 50)"),
        ((40, 5, 4), "less CPU for a delivery than WebSocket from 50 updates a second on (*, more up to 5)"),
        ((5, 4, 3), "less CPU for a delivery than WebSocket at every value measured (*)"),
        ((40, 30, 20), "more CPU for a delivery than WebSocket up to 500 updates a second (*)"),
        (
            (40, 5, 10.5),
            (
                "CPU for a delivery that is not surely less than with WebSocket up to 500 updates a second "
                "(less at 50, more at 5, not told apart at 500)"
            ),
        ),
    ],
)
def test_crossover_says_no_more_than_the_steps_show(polling: tuple[float, ...], said: str) -> None:
    (sentence,) = crossover(sweep(polling))
    before, star, after = said.partition("*")

    assert sentence.startswith(f"In this run polling cost the server {before}")
    assert not star or sentence.endswith(f" at 500{after}.")


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
    whole = sweep((40, 20, 5))
    trials = [
        msgspec.structs.replace(one, verdict=BAD) if (one.contestant, one.point) == ("polling", 2) else one
        for one in whole.trials
    ]
    trouble, sentence = crossover(msgspec.structs.replace(whole, trials=trials))

    assert "1 of 6 trials cannot be used" in trouble
    assert sentence.startswith("In this run polling cost the server more CPU for a delivery than WebSocket up to 50 ")
    assert sentence.endswith(" at 50, not known at 500).")


def test_nothing_is_said_where_nothing_is_known() -> None:
    invalid = [msgspec.structs.replace(one, verdict=BAD) for one in sweep((40, 20, 5)).trials]

    assert ["Of no use: every trial is invalid: the load had no core."] == crossover(swept(*invalid))
    assert ["Nothing was measured."] == crossover(swept())


def test_pushes_of_which_the_same_is_to_be_said_stand_together() -> None:
    whole = sweep((40, 20, 5))
    sse = [costing("sse", point, 10.0) for point in range(3)]
    (sentence,) = crossover(swept(*whole.trials, *sse))

    assert "than WebSocket and SSE from 500 updates a second on" in sentence
