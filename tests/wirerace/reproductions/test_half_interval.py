import pytest

from tests.wirerace.reproductions.outcomes import failed, latency, outcome
from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.reproductions.check import Check
from wirerace.reproductions.half_interval import DELAYS_SECONDS, INTERVAL_SECONDS, checks, derived_seconds
from wirerace.theory.recorded import Recorded

HELD = dict(zip(DELAYS_SECONDS, (0.052, 0.103, 0.304), strict=True))


def found(held: dict[float, float] = HELD) -> list[Check]:
    outcomes = {}
    for delay in DELAYS_SECONDS:
        name = f"{1000 * delay:.0f}ms"
        outcomes[f"longpolling-{name}"] = outcome("longpolling", latency_seconds=latency(held[delay]))
        outcomes[f"websocket-{name}"] = outcome("websocket", latency_seconds=latency(delay + 0.002))
    return checks(outcomes)


def test_equal_below_half_of_the_interval_and_slower_above_is_what_was_published() -> None:
    assert [] == failed(found())


def test_there_are_delays_on_both_sides_of_half_of_the_interval() -> None:
    below = [delay for delay in DELAYS_SECONDS if 2 * delay < INTERVAL_SECONDS]

    assert 0 < len(below) < len(DELAYS_SECONDS)


@pytest.mark.parametrize("delay", DELAYS_SECONDS)
def test_what_does_not_agree_fails(delay: float) -> None:
    assert 2 == len(failed(found({**HELD, delay: 0.19})))


@pytest.mark.long
@pytest.mark.parametrize("delay", [0.05, 0.12, 0.15, 0.2])
def test_derived_latency_is_that_of_theory_by_replaying(delay: float) -> None:
    made = [to_ns(index * INTERVAL_SECONDS) for index in range(4000)]
    gaps = [2 * delay * (1 + 0.01 * index) for index in range(3)]  # as even as real ones, so that phases drift
    given = Recorded(Window(to_ns(10.0), to_ns(990.0)), made).long_polled(gaps, 25.0, 0.0)

    assert given is not None
    assert given.wait_seconds is not None
    assert pytest.approx(given.wait_seconds + delay, rel=0.04) == derived_seconds(delay)
