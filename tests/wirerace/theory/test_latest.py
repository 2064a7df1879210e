"""Clients of the latest only: what theory says of them, against clients that are played event by event."""

import pytest

from tests.wirerace.theory.simulated import Answer, agree, all_phases, long_polls, poisson, seen
from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.theory import longpolling, polling, websocket
from wirerace.theory.closed_forms import Arrivals, Periodic, Poisson
from wirerace.theory.path import DeliveryPath
from wirerace.theory.recorded import Recorded
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions

START, END = 20.0, 400.0


def newest(clients: list[list[Answer]]) -> list[list[Answer]]:
    """Return what the same clients get when each answer has its newest update only."""
    return [[Answer(at, received[-1:]) for at, received in answers] for answers in clients]


def record(made: list[float]) -> Recorded:
    return Recorded(Window(to_ns(START), to_ns(END)), [to_ns(at) for at in made])


def arrivals(seed: int, rate: float = 5.0) -> list[float]:
    return poisson(rate, END + 40, seed)


@pytest.mark.long
@pytest.mark.parametrize("interval", [0.05, 0.2, 1.0, 3.0])
def test_pollers_get_the_newest_update_after_less_than_half_an_interval(interval: float) -> None:
    made = arrivals(seed=3)
    options = PollingOptions(interval_seconds=interval, deliver="latest")
    found = seen(newest(all_phases(made, interval, END + 30, clients=20)), START, END)
    predicted = polling.predict(record(made), DeliveryPath(0.0, clients=200), options)

    agree(found, predicted, 0.02, 0.001)
    assert predicted.latency_seconds is not None
    assert predicted.latency_seconds < interval / 2
    assert predicted.updates_per_response == 1.0


@pytest.mark.parametrize("interval", [0.05, 1.0, 3.0])
@pytest.mark.parametrize("closed", [Poisson(5.0), Periodic(5.0)])
def test_record_agrees_with_the_closed_form(closed: Arrivals, interval: float) -> None:
    made = arrivals(seed=9) if isinstance(closed, Poisson) else [0.2 * index for index in range(2_200)]
    path, options = DeliveryPath(0.001), PollingOptions(interval_seconds=interval, deliver="latest")

    agree(polling.predict(closed, path, options), polling.predict(record(made), path, options), 0.05, 0.001)


@pytest.mark.parametrize(("gap", "hold"), [(0.3, 25.0), (1.0, 0.5), (0.05, 0.2)])
def test_long_pollers_get_what_is_newest_when_they_return(gap: float, hold: float) -> None:
    made = arrivals(seed=4)
    options = LongPollingOptions(hold_seconds=hold, deliver="latest")
    path = DeliveryPath(0.0, repoll_seconds=(gap,))
    found = seen(newest([long_polls(made, lambda: gap, hold, END + 30)]), START, END)
    predicted = longpolling.predict(record(made), path, options)

    agree(found, predicted, 0.02, 0.002)
    agree(longpolling.predict(Poisson(5.0), path, options), predicted, 0.15, 0.005)


@pytest.mark.parametrize("batch", [0.05, 0.5])
def test_batch_brings_its_newest_update(batch: float) -> None:
    """Each batch begins with an update, and ends its time after that."""
    made, sent = arrivals(seed=5), list[Answer]()
    for at in made:
        if sent and at < sent[-1].at:
            sent[-1].received.append(at)
        else:
            sent.append(Answer(at + batch, [at]))
    options = WebSocketOptions(batch_seconds=batch, deliver="latest")
    predicted = websocket.predict(record(made), DeliveryPath(0.0), options)
    found = seen(newest([sent]), START, END)

    assert pytest.approx(found.latency_seconds, rel=1e-6) == predicted.latency_seconds
    assert pytest.approx(found.age_seconds, rel=0.002) == predicted.age_seconds
    assert pytest.approx(found.responses_per_client_second, rel=0.01) == predicted.responses_per_client_second
    agree(websocket.predict(Poisson(5.0), DeliveryPath(0.0), options), predicted, 0.05, 0.005)


def test_socket_whose_client_is_behind_is_not_predicted() -> None:
    options = WebSocketOptions(deliver="latest")
    for fraction, holds in ((0.005, True), (0.3, False)):
        path = DeliveryPath(0.0, superseded_fraction=fraction)
        conditions = {one.name: one for one in websocket.predict(Poisson(5.0), path, options).conditions}
        assert holds is conditions["superseded"].holds


def test_no_update_has_no_latest_one() -> None:
    assert Recorded(Window(0, 10), []).latest_wait_seconds(1.0) is None
