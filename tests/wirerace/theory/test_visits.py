"""Theory of visits, against visitors who are simulated one by one, and against closed forms over long records."""

import random
from collections.abc import Sequence
from statistics import fmean

import pytest

from wirerace.theory import find_theory, longpolling, polling, websocket
from wirerace.theory.visits import Visited, Visiting, closed_first_age, first_age_seconds, made_within
from wirerace.transports import TRANSPORTS
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

RATE = 10.0
POISSON, PERIODIC = (Source(rate_per_second=RATE, arrivals=kind) for kind in ("poisson", "periodic"))
SECONDS = 4000


def made_by(source: Source, seed: int = 1) -> list[float]:
    dice, at, made = random.Random(seed), 0.0, list[float]()
    while at < SECONDS:
        at += dice.expovariate(RATE) if source.arrivals == "poisson" else 1 / RATE
        made.append(at)
    return made


def visiting(source: Source, updates: int, **given: float) -> Visiting:
    """Return visitors that come at random times."""
    dice = random.Random(7)
    arrivals = [dice.uniform(1, SECONDS - 60) for _ in range(20_000)]
    return Visiting(
        made_by(source), arrivals, updates, given.pop("delay_seconds", 0.0), **{"first_seconds": 0.0} | given
    )


def polled_by_hand(made: Sequence[float], arrival: float, updates: int, interval: float) -> Visited:
    """Return one visit, poll by poll: no delay, no time for a request."""
    known = sum(ts <= arrival for ts in made)
    wanted, polls = known + updates - 1, 0
    while sum(ts <= arrival + polls * interval for ts in made) < wanted:
        polls += 1
    return Visited(1 + polls, polls * interval)


@pytest.mark.long
def test_first_update_is_as_old_as_a_look_at_any_time_finds_it() -> None:
    for source in (POISSON, PERIODIC):
        found = first_age_seconds(visiting(source, 1, delay_seconds=0.03, first_seconds=0.2))
        assert pytest.approx(closed_first_age(source, 0.03), rel=0.03) == found
    assert pytest.approx(0.1 + 0.03) == closed_first_age(POISSON, 0.03)
    assert pytest.approx(0.05 + 0.03) == closed_first_age(PERIODIC, 0.03)
    assert None is closed_first_age(Source(arrivals="bursty"), 0.0)


@pytest.mark.long
@pytest.mark.parametrize("updates", [1, 2, 7, 40])
def test_pushed_visit_lasts_until_its_last_update_is_made(updates: int) -> None:
    for source in (POISSON, PERIODIC):
        visitors = visiting(source, updates, first_seconds=0.01)
        given = websocket.visited(visitors, WebSocketOptions())
        closed = websocket.visited_in_closed_form(source, visitors, WebSocketOptions())
        assert given is not None
        assert closed is not None
        assert (1.0, 1.0) == (given.requests, closed.requests)
        assert pytest.approx(closed.seconds, rel=0.03, abs=0.002) == given.seconds
    expected = {1: 0.01, 2: 0.11, 7: 0.61, 40: 3.91}[updates]
    one = websocket.visited_in_closed_form(POISSON, visiting(POISSON, updates, first_seconds=0.01), WebSocketOptions())
    assert one is not None
    assert pytest.approx(expected) == one.seconds


@pytest.mark.parametrize("interval", [0.03, 0.1, 0.7])
@pytest.mark.parametrize("updates", [1, 2, 7])
def test_polls_of_a_visit_are_those_that_are_counted_by_hand(updates: int, interval: float) -> None:
    made, dice = [number / 7 + (number % 3) / 50 for number in range(200)], random.Random(3)
    arrivals = [dice.uniform(1, 5) for _ in range(50)]
    by_hand = [polled_by_hand(made, arrival, updates, interval) for arrival in arrivals]
    found = polling.visited(Visiting(made, arrivals, updates, 0.0, 0.0), PollingOptions(interval_seconds=interval))

    assert found is not None
    assert pytest.approx(fmean(visit.requests for visit in by_hand)) == found.requests
    assert pytest.approx(fmean(visit.seconds for visit in by_hand)) == found.seconds


@pytest.mark.long
@pytest.mark.parametrize("source", [POISSON, PERIODIC], ids=["poisson", "periodic"])
@pytest.mark.parametrize(("updates", "interval"), [(1, 0.1), (2, 0.05), (2, 0.1), (5, 0.37), (40, 0.2)])
def test_polls_in_closed_form_are_those_of_a_long_record(source: Source, updates: int, interval: float) -> None:
    visitors, options = visiting(source, updates, first_seconds=0.004), PollingOptions(interval_seconds=interval)
    given = polling.visited(visitors, options)
    closed = polling.visited_in_closed_form(source, visitors, options)

    assert given is not None
    assert closed is not None
    assert pytest.approx(given.requests, rel=0.03) == closed.requests
    assert pytest.approx(given.seconds, rel=0.03, abs=0.003) == closed.seconds


@pytest.mark.long
def test_visitor_that_asks_at_once_has_a_request_for_each_update() -> None:
    found = longpolling.visited(visiting(PERIODIC, 6, gap_seconds=0.001), LongPollingOptions())

    assert found is not None
    assert pytest.approx((6.0, 0.45), rel=0.02) == (found.requests, found.seconds)


@pytest.mark.long
def test_gap_longer_than_that_of_updates_brings_several_at_once() -> None:
    """Ten a second, and 0.25 s between an answer and the next request: two or three updates in each."""
    found = longpolling.visited(visiting(PERIODIC, 26, gap_seconds=0.25), LongPollingOptions())

    assert found is not None
    assert 1 + 25 / 3 <= found.requests <= 1 + 25 / 2 + 1


def test_hold_that_ends_before_an_update_costs_a_request() -> None:
    found = longpolling.visited(Visiting([1.0, 2.0], [1.5], 2, 0.0, 0.0), LongPollingOptions(hold_seconds=0.2))

    assert found is not None
    assert pytest.approx((4.0, 0.5)) == (found.requests, found.seconds)


@pytest.mark.long
def test_long_polls_have_a_closed_form_for_one_update_only() -> None:
    one, more = (visiting(POISSON, updates, first_seconds=0.01) for updates in (1, 2))

    assert Visited(1.0, 0.01) == longpolling.visited_in_closed_form(POISSON, one, LongPollingOptions())
    assert None is longpolling.visited_in_closed_form(POISSON, more, LongPollingOptions())


def test_visits_whose_updates_were_not_made_yet_are_left_out() -> None:
    assert None is websocket.visited(Visiting([1.0, 2.0], [1.5, 2.5], 3, 0.0, 0.0), WebSocketOptions())
    assert None is first_age_seconds(Visiting([1.0], [0.5], 1, 0.0, 0.0))


def test_nothing_is_predicted_of_batches() -> None:
    visitors, batches = visiting(PERIODIC, 2), WebSocketOptions(batch_seconds=0.1)

    assert None is websocket.visited(visitors, batches)
    assert None is websocket.visited_in_closed_form(PERIODIC, visitors, batches)


@pytest.mark.parametrize(("source", "expected"), [(POISSON, 0.7358), (PERIODIC, 1.0)])
def test_probability_of_few_updates(source: Source, expected: float) -> None:
    """Less than two in the time of one: 2/e of a Poisson process."""
    assert pytest.approx(expected, abs=1e-4) == made_within(source, 0.1, 2)
    assert 1.0 == made_within(source, 0.0, 1)


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_has_a_theory_of_visits(transport: str) -> None:
    theory, options = find_theory(transport), TRANSPORTS[transport].options()
    assert theory is not None
    one = visiting(POISSON, 1, first_seconds=0.01)
    found = theory.visited(one, options)

    assert found is not None
    assert pytest.approx((1.0, 0.01)) == (found.requests, found.seconds)
    assert Visited(1.0, 0.01) == theory.visited_in_closed_form(POISSON, one, options)
