import pytest

from tests.wirerace.reproductions.outcomes import failed, latency, outcome
from wirerace.reproductions.check import Check, Outcome
from wirerace.reproductions.pull_interval import checks, outdated_fraction


def polled(data: int, empty: int, arrived: int, mean: float) -> Outcome:
    answers = {"data": data, "empty": empty, "error": 0}
    return outcome("polling", responses=answers, arrived=arrived, latency_seconds=latency(mean))


HALF, ONCE, TWICE = polled(2000, 2000, 2000, 0.128), polled(2000, 0, 2000, 0.253), polled(1000, 0, 2000, 0.503)


def found(half: Outcome = HALF, once: Outcome = ONCE, twice: Outcome = TWICE) -> list[Check]:
    return checks({"polling-half": half, "polling": once, "polling-twice": twice})


def test_half_is_wasted_or_two_come_together() -> None:
    assert [] == failed(found())
    assert 0.5 == outdated_fraction(TWICE)


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"half": polled(2000, 1800, 2000, 0.128)}, ["half: empty responses"]),
        ({"once": polled(1900, 100, 2000, 0.253)}, ["once: empty responses", "once: updates an answer"]),
        ({"twice": polled(1000, 0, 1900, 0.503)}, ["twice: updates an answer"]),
        ({"twice": polled(1000, 0, 2000, 0.553)}, ["twice: mean latency"]),
        ({"half": polled(2000, 2000, 2000, 0.1)}, ["half: mean latency"]),
    ],
)
def test_what_does_not_agree_fails(changed: dict[str, Outcome], names: list[str]) -> None:
    assert names == failed(found(**changed))


def test_nothing_answered_has_not_passed() -> None:
    nothing = outcome("polling")

    assert 9 == len(failed(found(nothing, nothing, nothing)))
