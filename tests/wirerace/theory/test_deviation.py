"""Sampling deviation: as wide as the arrivals' own statistics say, the same each time, and quick to compute."""

import math
import time
from statistics import fmean

import pytest

from wirerace.record.trial import QUANTITIES
from wirerace.theory import find_theory, polling, websocket
from wirerace.theory.deviation import sampling_deviation
from wirerace.theory.path import DeliveryPath
from wirerace.transports import TRANSPORTS
from wirerace.transports.polling import PollingOptions
from wirerace.transports.websocket import WebSocketOptions
from wirerace.workload.schedule import Source

DELAY = 0.003
GAPS = (0.001, 0.02, 0.3)
E = math.exp


@pytest.mark.long
@pytest.mark.parametrize(("rate", "window"), [(1.0, 100.0), (2.0, 20.0), (2.0, 3000.0)])
def test_empty_fractions_vary_as_their_autocovariance_says(rate: float, window: float) -> None:
    """With 200 schedules, or 60 at the long window, a standard deviation is known to 5 or 9 % of itself."""
    found = sampling_deviation(
        polling.predict, Source(rate_per_second=rate), DeliveryPath(DELAY), PollingOptions(), window
    )
    lags = [(index + 0.5) / 1000 for index in range(1000)]
    variance = 2 / window * fmean((1 - lag / window) * (E(-rate * (1 + lag)) - E(-2 * rate)) for lag in lags)

    assert found is not None
    assert pytest.approx(math.sqrt(variance), rel=0.2) == found.empty_fraction


@pytest.mark.long
def test_counts_of_poisson_updates_vary_with_the_root_of_their_number() -> None:
    found = sampling_deviation(
        websocket.predict, Source(rate_per_second=5.0), DeliveryPath(DELAY), WebSocketOptions(), 100.0
    )

    assert found is not None
    assert pytest.approx(math.sqrt(5 / 100), rel=0.2) == found.responses_per_client_second
    assert (0.0, None, 0.0) == (found.latency_seconds, found.empty_fraction, found.updates_per_response)


@pytest.mark.long
def test_periodic_updates_vary_by_no_more_than_the_windows_edges() -> None:
    source = Source(rate_per_second=2.0, arrivals="periodic")
    found = sampling_deviation(polling.predict, source, DeliveryPath(DELAY), PollingOptions(interval_seconds=0.3), 60.0)

    assert found is not None
    known = {name: getattr(found, name) for name in QUANTITIES}
    assert known.pop("server_requests_per_second") is None, "for shared caches only"
    assert all(value is not None and value < 0.01 for value in known.values())


def test_bursts_have_no_closed_form_to_vary_about() -> None:
    assert (
        sampling_deviation(polling.predict, Source(arrivals="bursty"), DeliveryPath(DELAY), PollingOptions(), 60.0)
        is None
    )


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("rate", [0.1, 5.0, 1000.0])
def test_deviation_is_the_same_each_time_and_costs_no_wait(transport: str, rate: float) -> None:
    theory = find_theory(transport)
    assert theory is not None
    path, options = DeliveryPath(DELAY, repoll_seconds=GAPS), TRANSPORTS[transport].options()
    begun = time.process_time()
    first, again = (
        sampling_deviation(theory.predict, Source(rate_per_second=rate), path, options, 60.0) for _ in range(2)
    )

    assert first == again
    assert time.process_time() - begun < 3.0
