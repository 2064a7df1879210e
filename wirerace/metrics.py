"""Every metric that a service exports, declared once: name, unit, help, buckets.

The hot path counts in plain integers; they become metrics when somebody asks. Every series exists, at zero, from the
start. The prefix is `wirerace_`; units are base units.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wirerace.clock import process_cpu_seconds

LAG_BUCKETS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
)  # fmt: skip

OUTCOMES = ("data", "empty", "error")

_COUNTERS = {
    "updates": "Updates ingested from the feed; made, in the producer",
    "deliveries": "Updates written to clients",
    "payload_bytes": "Payload bytes in the updates written to clients",
    "received_bytes": "Application-layer bytes received from clients, without /health and /metrics",
    "sent_bytes": "Application-layer bytes given to sockets of clients, without /health and /metrics",
    "heartbeat_bytes": "Bytes of this server's pings, and of clients' pongs; they are in no other count",
    "slow_readers": "Clients cut off because they read too slowly",
    "feed_connects": "Times the feed was connected",
}
_GAUGES = {
    "clients": "Clients connected: their connection has asked for updates and is open",
    "held_requests": "Requests held until there is an update or their hold ends",
    "feed_live": "1 when the feed is connected and caught up; in the producer always 1",
}


class ServiceMetrics(Collector):
    """What one service counts. Attributes are plain numbers to be added to; `registry` renders them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.updates = 0
        self.deliveries = 0
        self.payload_bytes = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.heartbeat_bytes = 0
        self.slow_readers = 0
        self.feed_connects = 0
        self.clients = 0
        self.held_requests = 0
        self.feed_live = 0
        self.responses = dict.fromkeys(OUTCOMES, 0)
        self.feed_lag = Histogram(
            "wirerace_feed_lag_seconds",
            "Intended time of making to ingestion; in the producer, to the making itself",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self.event_loop_lag = Histogram(
            "wirerace_event_loop_lag_seconds",
            "How much later than asked for a timer of the event loop ran",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the current values; the client library calls this for every scrape."""
        for name, help_text in _COUNTERS.items():
            yield CounterMetricFamily(f"wirerace_{name}", help_text, value=getattr(self, name))
        for name, help_text in _GAUGES.items():
            yield GaugeMetricFamily(f"wirerace_{name}", help_text, value=getattr(self, name))
        responses = CounterMetricFamily("wirerace_responses", "Answers to requests for updates", labels=["outcome"])
        for outcome, count in self.responses.items():
            responses.add_metric([outcome], count)
        yield responses
        yield CounterMetricFamily(
            "wirerace_cpu_seconds",
            "User and system CPU time of this process, from its CPU clock",
            value=process_cpu_seconds() or 0.0,
        )


def samples(text: str) -> dict[str, float]:
    """Return the samples in Prometheus text: name, with labels as written, to value."""
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}
