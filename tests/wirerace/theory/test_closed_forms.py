"""Predictions of each transport: closed forms against clients played event by event, and the design's table."""

import math
import random

import msgspec
import pytest

from tests.wirerace.theory.simulated import agree, all_phases, long_polls, poisson, polls, pushes, seen
from wirerace.theory import Theory, find_theory, longpolling, polling, websocket
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson, closed_arrivals
from wirerace.theory.path import DeliveryPath
from wirerace.theory.prediction import Prediction
from wirerace.transports import TRANSPORTS
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

UPDATES = 100_000
DELAY = 0.003
GAPS = (0.001, 0.02, 0.3)


def theory_of(transport: str) -> Theory:
    theory = find_theory(transport)
    assert theory is not None
    return theory


@pytest.mark.long
@pytest.mark.parametrize(("rate", "interval"), [(0.2, 1.0), (1.0, 1.0), (5.0, 0.3)])
def test_pollers_of_poisson_updates_see_the_closed_forms(rate: float, interval: float) -> None:
    end = UPDATES / rate
    made = poisson(rate, end, seed=7)
    clients = [polls(made, interval, random.Random(2).uniform(0, interval), end)]

    agree(
        seen(clients, 20 / rate, end - interval, DELAY),
        polling.predict(Poisson(rate), DeliveryPath(DELAY), PollingOptions(interval_seconds=interval)),
    )


@pytest.mark.long
@pytest.mark.parametrize("period", [0.4, 1.0, 2.5])
def test_pollers_of_periodic_updates_see_the_closed_forms(period: float) -> None:
    made = [index * period for index in range(1, 60)]
    clients = all_phases(made, 1.0, 60 * period)

    agree(
        seen(clients, 5 * period + DELAY, 55 * period + DELAY, DELAY),
        polling.predict(Periodic(1 / period), DeliveryPath(DELAY), PollingOptions(interval_seconds=1.0)),
        absolute=0.002,
    )


@pytest.mark.long
@pytest.mark.parametrize("hold", [0.0, 0.05, 0.4, 25.0])
@pytest.mark.parametrize(("rate", "gaps"), [(0.5, GAPS), (5.0, GAPS), (5.0, (0.1,)), (20.0, (0.4, 0.6))])
def test_long_pollers_of_poisson_updates_see_the_closed_forms(
    rate: float, gaps: tuple[float, ...], hold: float
) -> None:
    end = UPDATES * 0.6 / rate / (1 + 1 / rate)
    made, gap = poisson(rate, end, seed=3), random.Random(4)
    answers = long_polls(made, lambda: gap.choice(gaps), hold, end)

    agree(
        seen([answers], 20 / rate, end - 30, DELAY),
        longpolling.predict(
            Poisson(rate), DeliveryPath(DELAY, repoll_seconds=gaps), LongPollingOptions(hold_seconds=hold)
        ),
        rel=0.02,
        absolute=0.001,
    )


@pytest.mark.parametrize("gaps", [(0.1,), (0.05, 0.35)])
def test_long_pollers_that_are_back_before_the_next_periodic_update_wait_for_nothing(gaps: tuple[float, ...]) -> None:
    made, gap = [index * 0.4 for index in range(1, 500)], random.Random(4)
    answers = long_polls(made, lambda: gap.choice(gaps), 0.4, 200)

    agree(
        seen([answers], 20 + DELAY, 180 + DELAY, DELAY),
        longpolling.predict(
            Periodic(2.5), DeliveryPath(DELAY, repoll_seconds=gaps), LongPollingOptions(hold_seconds=0.4)
        ),
    )


@pytest.mark.parametrize(("gaps", "hold"), [((0.1, 0.4), 25.0), ((0.1,), 0.2)])
def test_other_long_pollers_of_periodic_updates_have_no_closed_form(gaps: tuple[float, ...], hold: float) -> None:
    path = DeliveryPath(DELAY, repoll_seconds=gaps)

    assert Prediction() == longpolling.predict(Periodic(2.5), path, LongPollingOptions(hold_seconds=hold))


@pytest.mark.long
@pytest.mark.parametrize("arrivals", [Poisson(5.0), Periodic(5.0)])
def test_listeners_see_the_closed_forms(arrivals: Arrivals) -> None:
    end = UPDATES / 5
    made = poisson(5.0, end, 5) if isinstance(arrivals, Poisson) else [index / 5 for index in range(1, UPDATES)]

    found = msgspec.structs.replace(seen([pushes(made)], 10, end - 10, DELAY), empty_fraction=None)

    agree(found, websocket.predict(arrivals, DeliveryPath(DELAY), WebSocketOptions()))


@pytest.mark.parametrize("transport", ["websocket", "longpolling"])
def test_fan_out_adds_half_of_all_sends_but_the_first_to_push(transport: str) -> None:
    first, mean = (
        theory_of(transport).predict(Poisson(5.0), path, TRANSPORTS[transport].options())
        for path in (DeliveryPath(DELAY, repoll_seconds=(0.1,)), DeliveryPath(DELAY, 201, 1e-4, (0.1,)))
    )

    assert first.latency_seconds is not None
    assert first.age_seconds is not None
    assert pytest.approx(first.latency_seconds + 0.01) == mean.latency_seconds
    assert pytest.approx(first.age_seconds + 0.01) == mean.age_seconds


def test_fan_out_does_not_touch_pollers() -> None:
    alone, crowd = (
        polling.predict(Poisson(5.0), path, PollingOptions())
        for path in (DeliveryPath(DELAY), DeliveryPath(DELAY, 201, 1e-4))
    )

    assert alone == msgspec.structs.replace(crowd, conditions=alone.conditions)


RATE, T, R, H = 5.0, 0.3, 0.1, 0.4
E = math.exp
CYCLE = R + E(-RATE * R) * (1 - E(-RATE * H)) / RATE
POLLS = polling.predict(Poisson(RATE), DeliveryPath(DELAY), PollingOptions(interval_seconds=T))
HELD = longpolling.predict(Poisson(RATE), DeliveryPath(DELAY, repoll_seconds=(R,)), LongPollingOptions(hold_seconds=H))
HELD_FOR_EVER = longpolling.predict(
    Poisson(RATE), DeliveryPath(DELAY, repoll_seconds=(R,)), LongPollingOptions(hold_seconds=3600)
)
PUSH = websocket.predict(Poisson(RATE), DeliveryPath(DELAY, 101, 1e-5), WebSocketOptions())


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
    held = longpolling.predict(
        Poisson(RATE), DeliveryPath(DELAY, repoll_seconds=(T,)), LongPollingOptions(hold_seconds=0)
    )

    agree(held, POLLS, rel=1e-9)


def test_long_polling_that_is_never_away_is_push() -> None:
    held = longpolling.predict(
        Poisson(RATE), DeliveryPath(DELAY, repoll_seconds=(0.0,)), LongPollingOptions(hold_seconds=3600)
    )
    push = websocket.predict(Poisson(RATE), DeliveryPath(DELAY), WebSocketOptions())

    agree(held, msgspec.structs.replace(push, empty_fraction=0.0), rel=1e-9)


def test_long_polling_with_unknown_gaps_or_in_a_busy_loop_is_not_predicted() -> None:
    assert Prediction() == longpolling.predict(Poisson(RATE), DeliveryPath(DELAY), LongPollingOptions())
    busy = DeliveryPath(DELAY, repoll_seconds=(0.0,))
    assert Prediction() == longpolling.predict(Poisson(RATE), busy, LongPollingOptions(hold_seconds=0))


def test_transport_of_which_there_is_no_theory_is_not_predicted() -> None:
    assert find_theory("pigeon") is None


def test_closed_forms_exist_for_poisson_and_periodic_updates() -> None:
    assert Poisson(2.0) == closed_arrivals(Source(rate_per_second=2.0))
    assert Periodic(2.0) == closed_arrivals(Source(rate_per_second=2.0, arrivals="periodic"))
    assert closed_arrivals(Source(arrivals="bursty")) is None
    assert closed_arrivals(Source(arrivals="trace", trace_file="trace.csv")) is None
