"""Predictions of each transport: closed forms against clients played event by event, and the design's table."""

import math
import random
import time
from statistics import fmean

import msgspec
import pytest

from tests.wirerace.analysis.simulated import agree, all_phases, long_polls, poisson, polls, pushes, seen
from wirerace.analysis.closed_forms import Arrivals, Periodic, Poisson
from wirerace.analysis.delays import Way
from wirerace.analysis.theory import (
    PREDICTIONS,
    Prediction,
    closed_arrivals,
    longpolling,
    polling,
    sampling_deviation,
    websocket,
)
from wirerace.record.trial import QUANTITIES
from wirerace.transports import TRANSPORTS
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

UPDATES = 100_000
DELAY = 0.003
GAPS = (0.001, 0.02, 0.3)


@pytest.mark.long
@pytest.mark.parametrize(("rate", "interval"), [(0.2, 1.0), (1.0, 1.0), (5.0, 0.3)])
def test_pollers_of_poisson_news_see_the_closed_forms(rate: float, interval: float) -> None:
    end = UPDATES / rate
    made = poisson(rate, end, seed=7)
    clients = [polls(made, interval, random.Random(2).uniform(0, interval), end)]

    agree(
        seen(clients, 20 / rate, end - interval, DELAY),
        polling(Poisson(rate), Way(DELAY), PollingOptions(interval_seconds=interval)),
    )


@pytest.mark.long
@pytest.mark.parametrize("period", [0.4, 1.0, 2.5])
def test_pollers_of_periodic_news_see_the_closed_forms(period: float) -> None:
    made = [index * period for index in range(1, 60)]
    clients = all_phases(made, 1.0, 60 * period)

    agree(
        seen(clients, 5 * period + DELAY, 55 * period + DELAY, DELAY),
        polling(Periodic(1 / period), Way(DELAY), PollingOptions(interval_seconds=1.0)),
        absolute=0.002,
    )


@pytest.mark.long
@pytest.mark.parametrize("hold", [0.0, 0.05, 0.4, 25.0])
@pytest.mark.parametrize(("rate", "gaps"), [(0.5, GAPS), (5.0, GAPS), (5.0, (0.1,)), (20.0, (0.4, 0.6))])
def test_long_pollers_of_poisson_news_see_the_closed_forms(rate: float, gaps: tuple[float, ...], hold: float) -> None:
    end = UPDATES * 0.6 / rate / (1 + 1 / rate)
    made, gap = poisson(rate, end, seed=3), random.Random(4)
    answers = long_polls(made, lambda: gap.choice(gaps), hold, end)

    agree(
        seen([answers], 20 / rate, end - 30, DELAY),
        longpolling(Poisson(rate), Way(DELAY, repoll_seconds=gaps), LongPollingOptions(hold_seconds=hold)),
        rel=0.02,
        absolute=0.001,
    )


@pytest.mark.parametrize("gaps", [(0.1,), (0.05, 0.35)])
def test_long_pollers_who_are_back_before_the_next_periodic_update_wait_for_nothing(gaps: tuple[float, ...]) -> None:
    made, gap = [index * 0.4 for index in range(1, 500)], random.Random(4)
    answers = long_polls(made, lambda: gap.choice(gaps), 0.4, 200)

    agree(
        seen([answers], 20 + DELAY, 180 + DELAY, DELAY),
        longpolling(Periodic(2.5), Way(DELAY, repoll_seconds=gaps), LongPollingOptions(hold_seconds=0.4)),
    )


@pytest.mark.parametrize(("gaps", "hold"), [((0.1, 0.4), 25.0), ((0.1,), 0.2)])
def test_other_long_pollers_of_periodic_news_have_no_closed_form(gaps: tuple[float, ...], hold: float) -> None:
    way = Way(DELAY, repoll_seconds=gaps)

    assert Prediction() == longpolling(Periodic(2.5), way, LongPollingOptions(hold_seconds=hold))


@pytest.mark.long
@pytest.mark.parametrize("arrivals", [Poisson(5.0), Periodic(5.0)])
def test_listeners_see_the_closed_forms(arrivals: Arrivals) -> None:
    end = UPDATES / 5
    made = poisson(5.0, end, 5) if isinstance(arrivals, Poisson) else [index / 5 for index in range(1, UPDATES)]

    found = msgspec.structs.replace(seen([pushes(made)], 10, end - 10, DELAY), empty_fraction=None)

    agree(found, websocket(arrivals, Way(DELAY), WebSocketOptions()))


@pytest.mark.parametrize("transport", ["websocket", "longpolling"])
def test_fan_out_adds_half_of_all_sends_but_the_first_to_push(transport: str) -> None:
    first, mean = (
        PREDICTIONS[transport](Poisson(5.0), way, TRANSPORTS[transport].options())
        for way in (Way(DELAY, repoll_seconds=(0.1,)), Way(DELAY, 201, 1e-4, (0.1,)))
    )

    assert first.latency_seconds is not None
    assert first.age_seconds is not None
    assert pytest.approx(first.latency_seconds + 0.01) == mean.latency_seconds
    assert pytest.approx(first.age_seconds + 0.01) == mean.age_seconds


def test_fan_out_does_not_touch_pollers() -> None:
    alone, crowd = (polling(Poisson(5.0), way, PollingOptions()) for way in (Way(DELAY), Way(DELAY, 201, 1e-4)))

    assert alone == msgspec.structs.replace(crowd, conditions=alone.conditions)


RATE, T, R, H = 5.0, 0.3, 0.1, 0.4
E = math.exp
CYCLE = R + E(-RATE * R) * (1 - E(-RATE * H)) / RATE
POLLS = polling(Poisson(RATE), Way(DELAY), PollingOptions(interval_seconds=T))
HELD = longpolling(Poisson(RATE), Way(DELAY, repoll_seconds=(R,)), LongPollingOptions(hold_seconds=H))
HELD_FOR_EVER = longpolling(Poisson(RATE), Way(DELAY, repoll_seconds=(R,)), LongPollingOptions(hold_seconds=3600))
PUSH = websocket(Poisson(RATE), Way(DELAY, 101, 1e-5), WebSocketOptions())


@pytest.mark.parametrize(
    ("written", "predicted"),
    [
        (T / 2 + DELAY, POLLS.latency_seconds),
        (E(-RATE * T), POLLS.empty_fraction),
        (RATE * T / (1 - E(-RATE * T)), POLLS.updates_per_response),
        (1 / T, POLLS.responses_per_client_second),
        (1 / RATE + T / 2 + DELAY, POLLS.age_seconds),
        (DELAY + (RATE * R**2 / 2) / (RATE * R + E(-RATE * R)), HELD_FOR_EVER.latency_seconds),
        (E(-RATE * (R + H)), HELD.empty_fraction),
        (RATE * R + E(-RATE * R), HELD_FOR_EVER.updates_per_response),
        (1 / CYCLE, HELD.responses_per_client_second),
        (DELAY + 100 * 1e-5 / 2, PUSH.latency_seconds),
        (1.0, PUSH.updates_per_response),
        (RATE, PUSH.responses_per_client_second),
        (1 / RATE + DELAY + 100 * 1e-5 / 2, PUSH.age_seconds),
    ],
)
def test_closed_forms_are_those_of_the_designs_table(written: float, predicted: float) -> None:
    assert pytest.approx(written) == predicted


def test_long_pollers_age_exceeds_pushs_by_less_than_the_mean_wait() -> None:
    """The design's table adds the wait; but an update that has to wait follows close upon another."""
    assert HELD_FOR_EVER.age_seconds is not None
    assert HELD_FOR_EVER.latency_seconds is not None
    behind, wait = HELD_FOR_EVER.age_seconds - 1 / RATE - DELAY, HELD_FOR_EVER.latency_seconds - DELAY

    assert 0 < behind < wait / 4


def test_long_polling_without_hold_is_polling_at_the_gap() -> None:
    held = longpolling(Poisson(RATE), Way(DELAY, repoll_seconds=(T,)), LongPollingOptions(hold_seconds=0))

    agree(held, POLLS, rel=1e-9)


def test_long_polling_that_is_never_away_is_push() -> None:
    held = longpolling(Poisson(RATE), Way(DELAY, repoll_seconds=(0.0,)), LongPollingOptions(hold_seconds=3600))
    push = websocket(Poisson(RATE), Way(DELAY), WebSocketOptions())

    agree(held, msgspec.structs.replace(push, empty_fraction=0.0), rel=1e-9)


def test_long_polling_with_unknown_gaps_or_in_a_busy_loop_is_not_predicted() -> None:
    assert Prediction() == longpolling(Poisson(RATE), Way(DELAY), LongPollingOptions())
    busy = Way(DELAY, repoll_seconds=(0.0,))
    assert Prediction() == longpolling(Poisson(RATE), busy, LongPollingOptions(hold_seconds=0))


def test_every_transport_is_predicted() -> None:
    assert TRANSPORTS.keys() == PREDICTIONS.keys()


def test_closed_forms_are_there_for_poisson_and_periodic_news() -> None:
    assert Poisson(2.0) == closed_arrivals(Source(rate_per_second=2.0))
    assert Periodic(2.0) == closed_arrivals(Source(rate_per_second=2.0, arrivals="periodic"))
    assert closed_arrivals(Source(arrivals="bursty")) is None
    assert closed_arrivals(Source(arrivals="trace", trace_file="trace.csv")) is None


@pytest.mark.parametrize(("rate", "window"), [(1.0, 100.0), (2.0, 20.0), (2.0, 3000.0)])
def test_empty_fractions_vary_as_their_autocovariance_says(rate: float, window: float) -> None:
    """With 200 schedules, or 60 at the long window, a standard deviation is known to 5 or 9 % of itself."""
    found = sampling_deviation("polling", Source(rate_per_second=rate), Way(DELAY), PollingOptions(), window)
    lags = [(index + 0.5) / 1000 for index in range(1000)]
    variance = 2 / window * fmean((1 - lag / window) * (E(-rate * (1 + lag)) - E(-2 * rate)) for lag in lags)

    assert found is not None
    assert pytest.approx(math.sqrt(variance), rel=0.2) == found.empty_fraction


def test_counts_of_poisson_updates_vary_with_the_root_of_their_number() -> None:
    found = sampling_deviation("websocket", Source(rate_per_second=5.0), Way(DELAY), WebSocketOptions(), 100.0)

    assert found is not None
    assert pytest.approx(math.sqrt(5 / 100), rel=0.2) == found.responses_per_client_second
    assert (0.0, None, 0.0) == (found.latency_seconds, found.empty_fraction, found.updates_per_response)


def test_periodic_news_varies_by_no_more_than_the_windows_edges() -> None:
    source = Source(rate_per_second=2.0, arrivals="periodic")
    found = sampling_deviation("polling", source, Way(DELAY), PollingOptions(interval_seconds=0.3), 60.0)

    assert found is not None
    assert all(value is not None and value < 0.01 for value in (getattr(found, name) for name in QUANTITIES))


def test_bursts_have_no_closed_form_to_vary_about() -> None:
    assert sampling_deviation("polling", Source(arrivals="bursty"), Way(DELAY), PollingOptions(), 60.0) is None


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("rate", [0.1, 5.0, 1000.0])
def test_deviation_is_the_same_each_time_and_costs_no_wait(transport: str, rate: float) -> None:
    way, options = Way(DELAY, repoll_seconds=GAPS), TRANSPORTS[transport].options()
    begun = time.process_time()
    first, again = (sampling_deviation(transport, Source(rate_per_second=rate), way, options, 60.0) for _ in range(2))

    assert first == again
    assert time.process_time() - begun < 3.0
