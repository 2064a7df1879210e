import itertools
import math
import random
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirerace.account import Window
from wirerace.analysis.theory import empty_fraction_of_polls
from wirerace.clock import to_ns
from wirerace.schedule import Schedule, due_times

WINDOW = Window(1_000_000_000_000, 1_010_000_000_000)
GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
POLLERS = 400


def polled(made_ns: list[int], window: Window, interval_seconds: float) -> float:
    """Return the fraction of empty polls of simulated clients whose phases fill the interval evenly."""
    interval_ns = to_ns(interval_seconds)
    polls = empty = 0
    for client in range(POLLERS):
        phase_ns = round(client * GOLDEN_RATIO % 1 * interval_ns)
        for poll_ns in range(window.from_ns + phase_ns, window.to_ns, interval_ns):
            polls += 1
            empty += bisect_right(made_ns, poll_ns) == bisect_right(made_ns, poll_ns - interval_ns)
    return empty / polls


def made_by(schedule: Schedule, window: Window, lead_seconds: float) -> list[int]:
    """Return what a schedule makes from `lead_seconds` before the window, a priming update first, to its end."""
    start_ns = window.from_ns - to_ns(lead_seconds)
    return [start_ns, *itertools.takewhile(lambda due_ns: due_ns < window.to_ns, due_times(schedule, start_ns))]


schedules = st.builds(
    Schedule,
    rate_per_second=st.sampled_from([0.1, 0.5, 2.0, 10.0]),
    arrivals=st.sampled_from(["periodic", "poisson"]),
    seed=st.integers(0, 2**32),
)


@given(schedules, st.sampled_from([0.5, 1.0, 2.0]))
@settings(deadline=None)
def test_prediction_agrees_with_simulated_polls(schedule: Schedule, interval_seconds: float) -> None:
    made_ns = made_by(schedule, WINDOW, 3.3)
    predicted = empty_fraction_of_polls(made_ns, WINDOW, interval_seconds)

    assert pytest.approx(polled(made_ns, WINDOW, interval_seconds), abs=0.01) == predicted


@pytest.mark.parametrize("period_seconds", [0.5, 1.0, 1.25, 2.0, 5.0])
def test_periodic_source_agrees_with_the_closed_form(period_seconds: float) -> None:
    schedule = Schedule(rate_per_second=1 / period_seconds, arrivals="periodic")
    made_ns = made_by(schedule, WINDOW, 10.0)

    assert pytest.approx(max(0, 1 - 1 / period_seconds), abs=1e-6) == empty_fraction_of_polls(made_ns, WINDOW, 1.0)


@pytest.mark.parametrize("rate_per_second", [0.2, 1.0, 3.0])
def test_poisson_source_agrees_with_the_closed_form(rate_per_second: float) -> None:
    long = Window(WINDOW.from_ns, WINDOW.from_ns + to_ns(20_000 / rate_per_second))
    made_ns = made_by(Schedule(rate_per_second=rate_per_second, seed=5), long, 10.0)

    assert pytest.approx(math.exp(-rate_per_second), abs=0.02) == empty_fraction_of_polls(made_ns, long, 1.0)


def test_window_without_an_update_has_empty_polls_only() -> None:
    assert 1.0 == empty_fraction_of_polls([WINDOW.from_ns - to_ns(1.0)], WINDOW, 1.0)


def test_update_before_the_window_fills_polls_at_its_beginning() -> None:
    assert pytest.approx(0.96) == empty_fraction_of_polls([WINDOW.from_ns - to_ns(0.6)], WINDOW, 1.0)


def test_updates_closer_than_the_interval_leave_no_poll_empty() -> None:
    rng = random.Random(1)
    gaps = [rng.randrange(to_ns(1.0)) for _ in range(60)]
    made_ns = list(itertools.accumulate(gaps, initial=WINDOW.from_ns - to_ns(0.5)))

    assert 0.0 == empty_fraction_of_polls(made_ns, WINDOW, 1.0)


def test_update_after_the_window_changes_nothing() -> None:
    made_ns = [WINDOW.from_ns - to_ns(2.0), WINDOW.from_ns + to_ns(4.0)]

    assert empty_fraction_of_polls(made_ns, WINDOW, 1.0) == empty_fraction_of_polls(
        [*made_ns, WINDOW.to_ns + to_ns(5.0)], WINDOW, 1.0
    )
