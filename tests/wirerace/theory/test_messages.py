"""Messages: the closed form of their wait against a simulated queue, and the sums of their parts."""

import random
from statistics import fmean

import pytest

from wirerace.theory.messages import MessagePath, predict

FRAME = MessagePath(1.0, 0.0001, 0.050, 0.100, None, 0.0, None)


def simulated_wait(rate: float, services: list[float], count: int = 200_000) -> float:
    """Return the mean wait of requests that come at random, one after the other, by Lindley's recursion."""
    source = random.Random(7)
    wait = total = 0.0
    for _ in range(count):
        total += wait
        wait = max(0.0, wait + source.choice(services) - source.expovariate(rate))
    return total / count


@pytest.mark.long
@pytest.mark.parametrize("services", [[0.1], [0.05, 0.15], [0.02, 0.02, 0.02, 0.34]])
def test_wait_of_a_request_is_that_of_the_queue(services: list[float]) -> None:
    rate = 4.0
    path = MessagePath(rate, 0.0, 0.0, 0.0, fmean(services), fmean(one**2 for one in services), None)

    assert pytest.approx(simulated_wait(rate, services), rel=0.05) == predict(path, None).message_seconds


def test_frame_waits_for_nothing() -> None:
    found = predict(FRAME, None)

    assert pytest.approx(0.0501) == found.message_seconds
    assert (0.100, None, ()) == (found.acknowledge_seconds, found.relayed_seconds, found.conditions)


def test_message_to_all_takes_its_own_time_the_relay_and_the_delivery() -> None:
    found = predict(FRAME._replace(relay_seconds=0.002), 0.010)

    assert pytest.approx(0.0501 + 0.002 + 0.010) == found.relayed_seconds
    assert found.acknowledge_seconds is None, "it waits for the producer, for an unknown time"


def test_queue_that_grows_without_end_has_no_mean() -> None:
    found = predict(FRAME._replace(rate_per_second=20.0, answer_seconds=0.1, answer_square=0.01), 0.010)

    assert found.message_seconds is None
    assert [("message_load", False)] == [(one.name, one.holds) for one in found.conditions]
