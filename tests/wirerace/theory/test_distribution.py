"""How latency is distributed, against clients that are played update by update."""

import bisect
import random
from collections.abc import Sequence

import pytest

from tests.wirerace.theory.simulated import poisson
from wirerace.theory.closed_forms import Poisson
from wirerace.theory.distribution import latency_fraction
from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.sse import SseOptions
from wirerace.transports.transport import TransportOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

DELAY = 0.004


def fraction(waits: Sequence[float], at: float) -> float:
    return bisect.bisect_right(sorted(waits), at) / len(waits)


def test_polls_come_anywhere_in_their_interval() -> None:
    phases = random.Random(1)
    waits = [DELAY + phases.random() * 0.5 for _ in range(20_000)]
    found = latency_fraction(Source(), PollingOptions(interval_seconds=0.5), DELAY + 0.25)
    assert found is not None
    within, longest = found

    assert pytest.approx(0.504) == longest
    for at in (0.001, 0.01, 0.1, 0.3, 0.5, 0.6):
        assert pytest.approx(fraction(waits, at), abs=0.015) == within(at)


@pytest.mark.parametrize(("rate", "batch"), [(5.0, 0.1), (50.0, 0.1), (3.0, 1.0)])
def test_first_update_of_a_batch_waits_for_all_of_it(rate: float, batch: float) -> None:
    waits: list[float] = []
    begun = -1e9
    for at in poisson(rate, 20_000 / rate, 2):
        if at > begun + batch:
            begun = at
        waits.append(begun + batch - at + DELAY)
    mean = Poisson(rate).batched(batch).wait_seconds + DELAY
    found = latency_fraction(Source(rate_per_second=rate), WebSocketOptions(batch_seconds=batch), mean)
    assert found is not None
    within, longest = found

    assert pytest.approx(batch + DELAY) == longest
    for part in (0.1, 0.3, 0.5, 0.9, 0.99):
        assert pytest.approx(fraction(waits, DELAY + part * batch), abs=0.02) == within(DELAY + part * batch)
    assert (0.0, 1.0) == (within(0.0), within(longest + 1e-9))


@pytest.mark.parametrize(
    "options",
    [SseOptions(), LongPollingOptions(), WebSocketOptions(), PollingOptions(deliver="latest")],
    ids=lambda options: type(options).__name__,
)
def test_others_have_no_closed_form(options: TransportOptions) -> None:
    assert None is latency_fraction(Source(), options, 0.1)


def test_batches_of_periodic_updates_have_none() -> None:
    assert None is latency_fraction(Source(arrivals="periodic"), WebSocketOptions(batch_seconds=0.1), 0.1)
