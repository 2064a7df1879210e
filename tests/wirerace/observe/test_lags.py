"""Lags: what Prometheus reads of them is what its own histogram would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from wirerace.observe.lags import Lags
from wirerace.observe.metrics import LAG_BUCKETS


def scraped(registry: CollectorRegistry) -> list[bytes]:
    return [
        line for line in generate_latest(registry).splitlines() if not line.startswith((b"#", b"x_seconds_created"))
    ]


@pytest.mark.long
@given(st.lists(st.one_of(st.floats(0, 100), st.sampled_from(LAG_BUCKETS))))
def test_lags_read_as_a_histogram_of_prometheus(lags: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    for observe in (
        Lags("x_seconds", "x", LAG_BUCKETS, ours).observe,
        Histogram("x_seconds", "x", [], buckets=LAG_BUCKETS, registry=theirs).observe,
    ):
        for lag in lags:
            observe(lag)
    assert scraped(theirs) == scraped(ours)
