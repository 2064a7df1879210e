"""Advice from a known model: the answer, its figures, and where it flips."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace.cost_models import MODEL
from wirerace.analysis.cost_model.estimate import HostSize, Need, Prices, advised, estimate, hosts_of, servers_of
from wirerace.analysis.cost_model.flips import flips_of
from wirerace.analysis.cost_model.predict import MOST_BUSY
from wirerace.transports import TRANSPORTS

PRICES = Prices()
MANY = Need(100_000, 0.05, 5.0)
FAST = Need(10_000, 10.0, 60.0)
"""Six hundred updates in a poll interval: one answer has many."""
FEW = Need(100, 0.05, 60.0)


def test_rare_updates_to_many_clients_are_pushed() -> None:
    advice = advised(MODEL, MANY, PRICES)

    assert advice.take is not None
    assert "sse" == advice.take.transport


def test_fast_updates_that_may_be_late_are_polled() -> None:
    advice = advised(MODEL, FAST, PRICES)

    assert advice.take is not None
    assert advice.cheapest is not None
    assert ("polling", "polling") == (advice.take.transport, advice.cheapest.transport)


def test_polling_is_the_answer_where_nothing_saves_money_worth_a_thought() -> None:
    advice = advised(MODEL, FEW, PRICES)

    assert advice.take is not None
    assert "polling" == advice.take.transport
    assert advice.take.money_per_month < 1


def test_polling_asks_as_rarely_as_freshness_allows() -> None:
    polling = estimate(MODEL, "polling", MANY, PRICES)

    assert polling.interval_seconds is not None
    assert polling.interval_seconds == pytest.approx(5 - 0.001)
    assert polling.latest_seconds == pytest.approx(5)
    assert polling.latency_seconds == pytest.approx(polling.interval_seconds / 2 + 0.001)
    assert polling.age_seconds == pytest.approx(20 + polling.latency_seconds)
    assert polling.requests_per_second == pytest.approx(100_000 / polling.interval_seconds)


def test_pushed_updates_take_no_request() -> None:
    sse = estimate(MODEL, "sse", MANY, PRICES)

    assert 0 == sse.requests_per_second
    assert sse.mbit_out_per_second == pytest.approx(100_000 * 0.05 * (170 + 52) * 8 / 1e6)
    assert sse.mbit_in_per_second == pytest.approx(100_000 * 0.05 * 52 * 8 / 1e6)


def test_money_is_the_sum_of_cores_memory_and_bytes_out() -> None:
    one = estimate(MODEL, "sse", MANY, Prices(0.0, 0.0, 0.0))
    cores = estimate(MODEL, "sse", MANY, Prices(1.0, 0.0, 0.0))
    memory = estimate(MODEL, "sse", MANY, Prices(0.0, 1.0, 0.0))
    sent = estimate(MODEL, "sse", MANY, Prices(0.0, 0.0, 1.0))

    assert 0 == one.money_per_month
    assert cores.money_per_month == pytest.approx(730 * one.cores)
    assert memory.money_per_month == pytest.approx(730 * one.memory_bytes / 2**30)
    assert sent.money_per_month == pytest.approx(730 * 3600 * one.mbit_out_per_second / 8e3)


def test_no_process_is_busier_than_it_may_be() -> None:
    heavy = estimate(MODEL, "websocket", Need(100_000, 10.0, 5.0), PRICES)

    assert heavy.processes > 1
    assert heavy.cores <= heavy.processes + 1
    assert heavy.cores * MOST_BUSY > (heavy.processes - 1) * MOST_BUSY


def test_freshness_takes_processes_where_one_fan_out_would_be_too_slow() -> None:
    slow = estimate(MODEL, "websocket", Need(1_000_000, 0.001, 1.0), PRICES)

    assert slow.processes >= 8  # a million sends of 8 µs
    assert slow.latest_seconds <= 1.0
    assert slow.cores >= 7


def test_need_that_no_poll_can_meet_is_not_met_by_polling() -> None:
    fast = Need(1000, 1.0, 0.01)
    polling = estimate(MODEL, "polling", fast, PRICES)

    assert "too late" == polling.why_not
    assert not polling.meets
    advice = advised(MODEL, fast, PRICES)
    assert advice.take is not None
    assert "polling" != advice.take.transport


def test_need_that_nothing_can_meet_has_no_answer() -> None:
    advice = advised(MODEL, Need(1000, 1.0, 0.001, round_trip_seconds=0.1), PRICES)

    assert (None, None) == advice[:2]
    assert all(one.why_not for one in advice.estimates)


def test_updates_that_a_process_cannot_even_read_are_too_much_work() -> None:
    assert "too much work" in estimate(MODEL, "sse", Need(10, 5000.0, 5.0), PRICES).why_not


def test_round_trip_makes_everything_later_and_long_polls_twice() -> None:
    for transport in TRANSPORTS:
        near, far = (
            estimate(MODEL, transport, replace(MANY, round_trip_seconds=seconds), PRICES) for seconds in (0, 0.2)
        )
        if transport == "polling":
            assert far.interval_seconds == pytest.approx((near.interval_seconds or 0) - 0.1)
        else:
            least = 0.3 if transport == "longpolling" else 0.1
            assert far.latest_seconds == pytest.approx(near.latest_seconds + least, abs=0.005)


@pytest.mark.long
@given(
    clients=st.floats(1, 1e6),
    rate=st.floats(0.001, 100),
    fresh=st.floats(0.02, 3600),
    payload=st.floats(0, 1e5),
    transport=st.sampled_from(list(TRANSPORTS)),
)
def test_more_clients_never_cost_less_and_what_meets_the_need_is_fresh(
    clients: float, rate: float, fresh: float, payload: float, transport: str
) -> None:
    need = Need(clients, rate, fresh, payload)
    one, more = (estimate(MODEL, transport, replace(need, clients=count), PRICES) for count in (clients, 2 * clients))

    assert one.latency_seconds <= one.latest_seconds * (1 + 1e-9)
    assert one.age_seconds >= one.latency_seconds
    if one.meets and more.meets:
        assert one.latest_seconds <= fresh * (1 + 1e-6)
        assert one.money_per_month <= more.money_per_month * (1 + 1e-6)


def test_what_was_not_measured_is_marked() -> None:
    beyond = estimate(MODEL, "sse", Need(2, 0.0001, 5.0), PRICES).beyond

    assert [
        "2 clients a process (measured: 10 to 1e+06)",
        "0.0001 updates a second (measured: 0.001 to 10,000)",
    ] == beyond
    assert [] == estimate(MODEL, "sse", MANY, PRICES).beyond


def test_latency_of_a_server_that_cannot_keep_up_is_a_lower_bound() -> None:
    assert estimate(MODEL, "longpolling", Need(1000, 10.0, 5.0), PRICES).broken
    assert [] == estimate(MODEL, "sse", MANY, PRICES).broken


def test_pushed_updates_wait_for_earlier_ones_as_in_a_queue() -> None:
    work = 0.0002 + 3e-4 + 1000 * (8e-6 + 100 * 1e-9)
    load = 50 * work
    one = estimate(MODEL, "sse", Need(1000, 50.0, 5.0), PRICES)

    assert one.processes == 1
    assert one.latency_seconds == pytest.approx(0.001 + 999 * 8.1e-6 / 2 + load * work / (2 * (1 - load)))


@pytest.mark.long
@pytest.mark.parametrize("need", [MANY, FAST, FEW, Need(1000, 1.0, 5.0)])
def test_answer_is_the_same_up_to_a_flip_and_another_beyond_it(need: Need) -> None:
    now = advised(MODEL, need, PRICES).take
    flips = flips_of(MODEL, need, PRICES)

    assert flips
    for flip in flips:
        nudge = 1.0001 if flip.direction == "up" else 1 / 1.0001
        before = advised(MODEL, replace(need, **{flip.quantity: flip.value / nudge}), PRICES).take
        after = advised(MODEL, replace(need, **{flip.quantity: flip.value * nudge}), PRICES).take
        assert now is not None
        assert before is not None
        assert now.transport == before.transport, flip
        assert flip.take == (after.transport if after else None), flip
        assert flip.take != now.transport


@pytest.mark.long
def test_flip_of_rate_is_found_where_polling_begins_to_pay() -> None:
    (up,) = (
        flip
        for flip in flips_of(MODEL, MANY, PRICES)
        if (flip.quantity, flip.direction) == ("updates_per_second", "up")
    )

    assert "polling" == up.take
    assert 0.05 < up.value < 10


def test_many_clients_take_replicas_and_hosts_with_the_error_of_the_model() -> None:
    sse = estimate(MODEL, "sse", Need(10_000_000, 0.5, 5.0), PRICES)
    servers, hosts = servers_of(sse, MODEL), hosts_of(sse, MODEL, HostSize(8.0, 1e5))
    error = MODEL.residuals["sse"]["cpu"].median

    assert sse.processes == servers.number > 1
    assert servers.least == math.ceil(servers.number / (1 + error))
    assert servers.most == math.ceil(servers.number * (1 + error))
    assert (math.ceil(sse.cores / 8), math.ceil(sse.cores * (1 + error) / 8)) == (hosts.number, hosts.most)


def test_memory_may_decide_how_many_hosts_there_are() -> None:
    sse = estimate(MODEL, "sse", Need(1_000_000, 0.001, 60.0), PRICES)

    assert (3, 3, 3) == hosts_of(sse, MODEL, HostSize(1e5, sse.memory_bytes / 2**30 / 2.5))
