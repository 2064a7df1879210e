"""Predictions given a schedule: exact against clients played event by event, for any arrivals."""

import itertools
import math
import random
import statistics
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.costly import costly
from tests.wirerace.theory.simulated import agree, all_phases, long_polls, pushes, seen
from tests.wirerace.theory.ticked import watch
from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.theory import longpolling, polling, websocket
from wirerace.theory.closed_forms import Arrivals, Poisson
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.theory.recorded import Recorded
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Schedule, due_times

ORIGIN_NS = 1_790_000_000_000_000_000
START, END = 10.0, 22.0
DELAY = 0.004
MS = 1_000_000


def record(made: list[float], start: float = START, end: float = END) -> Recorded:
    """Return the producer's record of updates made at these times, in seconds."""
    window = Window(ORIGIN_NS + to_ns(start), ORIGIN_NS + to_ns(end))
    return Recorded(window, [ORIGIN_NS + to_ns(at) for at in made if at < end])


def generated(rate: float, end: float, seed: int = 5) -> Recorded:
    schedule = Schedule(rate_per_second=rate, seed=seed)
    window = Window(ORIGIN_NS + to_ns(START), ORIGIN_NS + to_ns(end))
    return Recorded(window, list(itertools.takewhile(window.to_ns.__gt__, due_times(schedule, ORIGIN_NS))))


def polled(made: Arrivals, interval: float) -> Prediction:
    return polling.predict(made, DeliveryPath(DELAY), PollingOptions(interval_seconds=interval))


def held(made: Arrivals, gaps: tuple[float, ...], hold: float) -> Prediction:
    return longpolling.predict(made, DeliveryPath(DELAY, repoll_seconds=gaps), LongPollingOptions(hold_seconds=hold))


SPREAD = [3.0, 9.9, 10.2, 10.3, 13.7, 13.9, 14.0, 14.1, 19.5, 21.9]
HAND_MADE = {
    "spread": SPREAD,
    "none in the window": [3.0, 8.0, 9.5],
    "one, long before": [1.0],
    "all at once": [1.0, *[15.0] * 40],
    "at the edges": [2.0, START, START + 1e-9, 21.999999999],
    "a long silence, then many": [1.0, *[21 + index / 50 for index in range(40)]],
}
spreads = st.lists(st.integers(1, 10_000), min_size=1, max_size=60).map(
    lambda gaps: [sum(gaps[:count]) * 1e-3 for count in range(1, len(gaps) + 1)]
)
"""Gaps of up to 10 s: some longer than any interval."""


@pytest.mark.long
@pytest.mark.parametrize("made", HAND_MADE.values(), ids=HAND_MADE)
@pytest.mark.parametrize("interval", [0.4, 1.0, 2.4, 6.0])
def test_pollers_see_what_the_record_predicts(made: list[float], interval: float) -> None:
    clients = all_phases(made, interval, END + interval)
    found, predicted = seen(clients, START, END, DELAY), polled(record(made), interval)

    if found.latency_seconds is None:  # no update to be late
        assert not any(START <= at < END for at in made)
        predicted = Prediction(None, *(getattr(predicted, name) for name in Prediction.__struct_fields__[1:]))
    agree(found, predicted, 0.02, 0.002)


@pytest.mark.long
@costly()
@given(spreads, st.sampled_from([0.5, 1.0, 2.0]))
def test_pollers_of_any_arrivals_see_what_the_record_predicts(made: list[float], interval: float) -> None:
    made = [1.0, *(at + 1 for at in made)]
    found = seen(all_phases(made, interval, END + interval), START, END, DELAY)
    predicted = polled(record(made), interval)

    assert pytest.approx(found.age_seconds, rel=0.01) == predicted.age_seconds
    assert pytest.approx(found.empty_fraction, abs=0.01) == predicted.empty_fraction
    if found.empty_fraction is None or found.empty_fraction < 0.95:  # else too few of 400 phases have an update
        assert found.updates_per_response == (
            None if predicted.updates_per_response is None else pytest.approx(predicted.updates_per_response, rel=0.05)
        )


@given(spreads)
def test_listeners_of_any_arrivals_see_what_the_record_predicts(made: list[float]) -> None:
    made = [1.0, *(at + 1 for at in made)]
    # theory counts an update when it is made, a client when it arrives
    assume(not any(edge - 1.001 * DELAY < at < edge for at in made for edge in (START, END)))
    found, predicted = (
        seen([pushes(made)], START, END, DELAY),
        websocket.predict(record(made), DeliveryPath(DELAY), WebSocketOptions()),
    )

    assert pytest.approx(found.age_seconds, rel=1e-6) == predicted.age_seconds
    assert pytest.approx(found.responses_per_client_second, abs=1e-9) == predicted.responses_per_client_second


@pytest.mark.parametrize("made", HAND_MADE.values(), ids=HAND_MADE)
@pytest.mark.parametrize("hold", [0.0, 0.35, 3.0, 25.0])
def test_long_pollers_see_what_the_record_predicts(made: list[float], hold: float) -> None:
    gap = 0.0711  # so that nothing falls together by a rounding
    found = seen([long_polls(made, lambda: gap, hold, END + 30)], START, END, DELAY)

    agree(found, held(record(made), (gap,), hold), 1e-6)


@given(spreads, st.sampled_from([0.0, 0.5, 25.0]), st.sampled_from([0.00011, 0.30007, 3.70013]))
def test_long_pollers_of_any_arrivals_see_what_the_record_predicts(made: list[float], hold: float, gap: float) -> None:
    if gap < 0.001 > hold:
        return  # a busy loop
    made = [1.0, *(at + 1 for at in made)]
    found = seen([long_polls(made, lambda: gap, hold, END + 30)], START, END, DELAY)

    agree(found, held(record(made), (gap,), hold), 1e-5)


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(1, 30), st.integers(0, 30), st.integers(1, 40)
)
def test_long_poller_watched_in_every_tick_sees_what_the_record_predicts(
    gaps: list[int], gap: int, hold: int, measured: int
) -> None:
    """Everything happens at whole ticks, so ages in their middles add up to the exact integral."""
    made = list(itertools.accumulate(gaps))
    window = Window(made[0] + 1, made[0] + 1 + measured)
    made = [at for at in made if at < window.to_ns]
    seen = watch(made, window, gap, hold)
    in_ms = Window(window.from_ns * MS, window.to_ns * MS)
    predicted = Recorded(in_ms, [at * MS for at in made]).long_polled([gap / 1000], hold / 1000, 0.0)

    assert predicted is not None
    assert pytest.approx(statistics.mean(seen.ages) / 1000, abs=1e-9) == predicted.age_seconds
    assert pytest.approx(len(seen.answers) / measured * 1000) == predicted.responses_per_second
    waits = pytest.approx(statistics.mean(seen.waits) / 1000, abs=1e-9) if seen.waits else None
    assert waits == predicted.wait_seconds
    full = [count for count in seen.answers if count]
    empty = pytest.approx(1 - len(full) / len(seen.answers)) if seen.answers else None
    assert (empty, pytest.approx(statistics.mean(full)) if full else None) == (
        predicted.empty_fraction,
        predicted.updates_per_response,
    )


@pytest.mark.long
def test_long_pollers_gaps_may_scatter() -> None:
    gaps, draw = (0.01, 0.2, 1.7), random.Random(8)
    clients = [long_polls(SPREAD, lambda: draw.choice(gaps), 0.9, END + 30) for _ in range(2000)]

    agree(seen(clients, START, END, DELAY), held(record(SPREAD), gaps, 0.9), 0.02)


@pytest.mark.long
@pytest.mark.parametrize("rate", [0.5, 5.0])
def test_long_record_of_poisson_updates_agrees_with_the_closed_forms(rate: float) -> None:
    made, closed = generated(rate, 50_000 / rate), Poisson(rate)
    path = DeliveryPath(DELAY, repoll_seconds=(0.01, 0.2))
    for interval in (1.0, 0.2):
        options = PollingOptions(interval_seconds=interval)
        agree(polling.predict(closed, path, options), polling.predict(made, path, options), 0.02, 1e-3)
    for hold in (25.0, 0.3):
        held_options = LongPollingOptions(hold_seconds=hold)
        agree(
            longpolling.predict(closed, path, held_options), longpolling.predict(made, path, held_options), 0.02, 1e-3
        )
    agree(websocket.predict(closed, path, WebSocketOptions()), websocket.predict(made, path, WebSocketOptions()), 0.02)


@pytest.mark.parametrize("period", [0.5, 1.0, 1.25, 2.5])
def test_record_of_periodic_updates_agrees_with_the_closed_form(period: float) -> None:
    made = record([index * period for index in range(1, 100)], START, START + 20)

    assert pytest.approx(max(0, 1 - 1 / period), abs=1e-6) == made.empty_fraction(1.0)
    assert pytest.approx(1 / period) == made.updates_per_poll(1.0)
    assert pytest.approx(period / 2 + 0.5 + DELAY) == made.age_seconds(DELAY, 1.0)


@pytest.mark.parametrize("interval", [0.3, 1.0, 30.0])
def test_age_of_pollers_is_that_of_listeners_averaged_over_lookbacks(interval: float) -> None:
    """An interval may be longer than the window."""
    made, steps = record([1e-3, *(at + 0.3 for at in SPREAD)], 40, 52), 2000
    lookbacks = [(step + 0.5) / steps * interval for step in range(steps)]
    ages = [age for lookback in lookbacks if (age := made.age_seconds(DELAY + lookback)) is not None]

    assert pytest.approx(sum(ages) / steps, rel=1e-6) == made.age_seconds(DELAY, interval)


def test_delay_shifts_the_window_that_the_source_is_seen_in() -> None:
    """With a delay of a second, an age of the window's first second counts, and one of its last does not."""
    made = record([9.0, 21.5])

    assert pytest.approx(1.0 + (0 + 12) / 2) == made.age_seconds(1.0)
    assert pytest.approx((11.5 * (1 + 12.5) / 2 + 0.5 * 0.25) / 12) == made.age_seconds(0.0)


def test_window_without_an_update_has_empty_polls_only() -> None:
    predicted = polled(record([START - 1.0]), 1.0)

    assert (1.0, None) == (predicted.empty_fraction, predicted.updates_per_response)


def test_update_before_the_window_fills_polls_at_its_beginning() -> None:
    made = record([START - 0.7])

    assert pytest.approx(1 - 0.3 / 12) == made.empty_fraction(1.0)
    assert pytest.approx(0.3 / 12) == made.updates_per_poll(1.0)


def test_updates_closer_than_the_interval_leave_no_poll_empty() -> None:
    rng = random.Random(1)

    assert 0.0 == record(list(itertools.accumulate((rng.random() for _ in range(60)), initial=9.5))).empty_fraction(1.0)


def test_update_after_the_window_changes_nothing() -> None:
    made = record(SPREAD)
    later = Recorded(made.window, [*made.made_ns, made.window.to_ns + 1, made.window.to_ns + to_ns(30)])

    assert polled(made, 1.0) == polled(later, 1.0)
    assert held(made, (0.1,), 25.0) == held(later, (0.1,), 25.0)


def test_record_that_holds_nothing_has_no_age() -> None:
    predicted = [polled(record([]), 1.0), held(record([]), (0.1,), 1.0)]

    assert [(None, 1.0, None)] * 2 == [(p.age_seconds, p.empty_fraction, p.updates_per_response) for p in predicted]


def test_long_poller_in_a_busy_loop_is_not_replayed() -> None:
    assert Prediction() == held(record(SPREAD), (0.0, 1e-9), 0.0)


@pytest.mark.long
def test_replay_repeats() -> None:
    made = generated(5.0, 60.0)

    assert held(made, (0.01, 0.2), 1.0) == held(made, (0.01, 0.2), 1.0)


@pytest.mark.long
@pytest.mark.parametrize("rate", [1.0, 100.0])
def test_replay_of_scattered_gaps_varies_little_and_costs_no_wait(rate: float) -> None:
    """Other draws of the gaps, by another order of the sample, give the same within 2 %."""
    made = generated(rate, 100 * max(1, 100 / rate))
    begun = time.process_time()
    first, other = (held(made, gaps, 25.0) for gaps in ((0.01, 0.2, 0.7), (0.7, 0.2, 0.01)))

    assert time.process_time() - begun < 3.0
    agree(first, other, 0.02)
    assert math.isfinite(first.age_seconds or math.nan)
