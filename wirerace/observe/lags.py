"""Lags: a Prometheus histogram that is counted in plain numbers, because one is observed with every update."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Lags(Collector):
    """One histogram; `registry` renders it."""

    def __init__(self, name: str, help_text: str, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._help_text = help_text
        self._buckets = buckets
        self._counts = [0] * (len(buckets) + 1)
        self._sum_seconds = 0.0
        registry.register(self)

    def observe(self, seconds: float) -> None:
        """Count a lag."""
        self._counts[bisect_left(self._buckets, seconds)] += 1
        self._sum_seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the current values; the client library calls this for every scrape."""
        bounds = [*map(str, self._buckets), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._help_text, buckets, self._sum_seconds)
