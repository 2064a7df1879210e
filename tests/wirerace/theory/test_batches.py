"""Batches: what they add to latency and age, against batches that are played event by event."""

import random

import pytest

from tests.wirerace.theory.simulated import poisson
from wirerace.clock import to_ns
from wirerace.observe.account import Window
from wirerace.theory.closed_forms import Periodic, Poisson
from wirerace.theory.path import DeliveryPath
from wirerace.theory.recorded import Recorded
from wirerace.theory.websocket import predict
from wirerace.transports.websocket import WebSocketOptions

DELAY = 0.003


def played(made: list[float], batch: float, begin: float, end: float) -> tuple[float, float]:
    """Return the mean wait of what is made from `begin` to `end`, and the mean age then, found step by step."""
    waits, arrivals = [], []
    queue: list[float] = []
    for at in [*made, float("inf")]:
        if queue and at >= queue[0] + batch:
            arrivals.append((queue[0] + batch, queue[-1]))
            waits += [queue[0] + batch - one for one in queue if begin <= one < end]
            queue = []
        queue.append(at)
    steps, area = 200_000, 0.0
    index = 0
    for step in range(steps):
        now = begin + (end - begin) * (step + 0.5) / steps
        while index + 1 < len(arrivals) and arrivals[index + 1][0] <= now:
            index += 1
        area += now - arrivals[index][1]
    return sum(waits) / len(waits), area / steps


@pytest.mark.long
@pytest.mark.parametrize(("rate", "batch"), [(5.0, 0.05), (5.0, 1.0), (50.0, 0.1)])
def test_batches_of_poisson_updates_fare_as_the_closed_form_says(rate: float, batch: float) -> None:
    end = 40_000 / rate
    wait, age = played(poisson(rate, end, seed=5), batch, 20 / rate, end - 20 / rate)
    closed = Poisson(rate).batched(batch)

    assert pytest.approx((wait, age), rel=0.03) == (closed.wait_seconds, closed.age_seconds)


@pytest.mark.long
@pytest.mark.parametrize("batch", [0.05, 0.3, 0.55])
def test_batches_of_periodic_updates_fare_as_the_closed_form_says(batch: float) -> None:
    made = [0.2 * index for index in range(600)]
    updates = int(batch / 0.2) + 1
    wait, age = played(made, batch, 6 * 0.2 * updates, 90 * 0.2 * updates)
    closed = Periodic(5.0).batched(batch)
    assert closed is not None

    assert pytest.approx((wait, age), rel=0.005) == (closed.wait_seconds, closed.age_seconds)


@pytest.mark.parametrize("batch", [0.01, 0.2, 1.5])
def test_batches_of_a_record_fare_as_they_are_played(batch: float) -> None:
    source = random.Random(7)
    made = sorted(source.uniform(0, 20) for _ in range(100))
    wait, age = played(made, batch, 4.0, 16.0)
    found = Recorded(Window(to_ns(4.0), to_ns(16.0)), [to_ns(at) for at in made]).batched(batch)

    assert found is not None
    assert pytest.approx((wait, age), rel=0.002) == (found.wait_seconds, found.age_seconds)


def test_batches_that_end_when_an_update_is_made_are_not_predicted() -> None:
    """A millisecond decides whether that update is in the batch or begins the next one."""
    made = [to_ns(0.1 * index) for index in range(200)]

    assert [None, None] == [Periodic(10.0).batched(batch) for batch in (0.1, 0.3)]
    assert Recorded(Window(to_ns(1.0), to_ns(11.0)), made).batched(0.3) is None
    assert Periodic(10.0).batched(0.25) is not None
    assert Periodic(500.0).batched(0.1) is not None, "one of fifty hardly matters"
    assert Recorded(Window(to_ns(1.0), to_ns(11.0)), made).batched(0.25) is not None


def test_batches_of_no_update_are_not_predicted() -> None:
    assert Recorded(Window(0, 10), []).batched(1.0) is None


def test_batches_add_to_what_is_predicted_of_a_socket() -> None:
    plain = predict(Poisson(5.0), DeliveryPath(DELAY), WebSocketOptions())
    batched = predict(Poisson(5.0), DeliveryPath(DELAY), WebSocketOptions(batch_seconds=0.5))
    batches = Poisson(5.0).batched(0.5)

    assert plain.latency_seconds == DELAY
    assert pytest.approx(batches.wait_seconds + DELAY) == batched.latency_seconds
    assert pytest.approx(batches.age_seconds + DELAY) == batched.age_seconds
    assert 0 < batches.wait_seconds < 0.5, "between nothing and the whole time"
