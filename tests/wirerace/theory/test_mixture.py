"""Predictions for several channels: exact against clients of all channels played event by event."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.theory.simulated import Answer, agree, all_phases, long_polls, poisson, pushes, seen
from tests.wirerace.theory.test_recorded import DELAY, END, START, held, polled, record
from wirerace.theory import websocket
from wirerace.theory.closed_forms import Poisson
from wirerace.theory.mixture import Group, Mixture, clients_in_turn
from wirerace.theory.path import DeliveryPath
from wirerace.transports.websocket import WebSocketOptions

PER_CLIENT = 200
"""Phases that are played for each client."""
MADE = [[1.0, *poisson(rate, END, seed)] for rate, seed in ((0.5, 1), (3.0, 2), (1.0, 3))]
CLIENTS = [1, 2, 3]
RECORDS = Mixture([Group(record(made), clients) for made, clients in zip(MADE, CLIENTS, strict=True)])


def played(play: "list[list[list[Answer]]]") -> list[list[Answer]]:
    """Return the clients of all channels: each channel's as often as it has clients."""
    return list(chain.from_iterable(answers * count for answers, count in zip(play, CLIENTS, strict=True)))


@pytest.mark.long
@pytest.mark.parametrize("interval", [0.4, 2.4])
def test_pollers_of_all_channels_see_what_their_records_predict(interval: float) -> None:
    clients = played([all_phases(made, interval, END + interval, PER_CLIENT) for made in MADE])
    agree(seen(clients, START, END, DELAY), polled(RECORDS, interval), 0.02, 0.002)


@pytest.mark.parametrize("hold", [0.3, 25.0])
def test_clients_that_are_held_see_what_the_records_of_their_channels_predict(hold: float) -> None:
    gap = 0.05
    clients = played([[long_polls(made, lambda: gap, hold, END)] for made in MADE])
    agree(seen(clients, START, END, DELAY), held(RECORDS, (gap,), hold), 0.03, 0.004)


def test_clients_that_are_pushed_to_see_what_the_records_of_their_channels_predict() -> None:
    found = seen(played([[pushes(made)] for made in MADE]), START, END, DELAY)
    predicted = websocket.predict(RECORDS, DeliveryPath(DELAY), WebSocketOptions())
    for name in ("age_seconds", "responses_per_client_second"):
        assert pytest.approx(getattr(found, name), rel=0.01) == getattr(predicted, name)


def test_update_waits_for_the_sends_to_the_clients_of_its_channel() -> None:
    path = DeliveryPath(0.001, clients=100, send_seconds=0.0001)
    assert pytest.approx(0.001 + 99 * 0.0001 / 2) == path.push_seconds
    assert pytest.approx(0.001 + 9 * 0.0001 / 2) == path._replace(channels=10).push_seconds
    assert 0.001 == path._replace(channels=100).push_seconds == path._replace(channels=1000).push_seconds


@given(st.integers(1, 5), st.floats(0.01, 5), st.floats(0.1, 20))
def test_channels_alike_are_like_one(count: int, interval: float, rate: float) -> None:
    one = Poisson(rate)
    several = Mixture([Group(one, place + 1) for place in range(count)])
    for name in ("empty_fraction", "updates_per_poll", "latest_wait_seconds", "age_seconds"):
        assert pytest.approx(getattr(one, name)(interval)) == getattr(several, name)(interval)
    assert pytest.approx(one.rate_per_second) == several.rate_per_second
    assert pytest.approx(one.batched(interval)) == several.batched(interval)
    assert pytest.approx(one.long_polled([0.01], interval, DELAY)) == several.long_polled([0.01], interval, DELAY)


@given(st.integers(0, 500), st.integers(1, 60))
def test_clients_take_channels_in_turn(clients: int, channels: int) -> None:
    counted = [sum(client % channels == place for client in range(clients)) for place in range(channels)]
    assert counted == clients_in_turn(clients, channels)
