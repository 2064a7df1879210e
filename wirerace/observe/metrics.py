"""Every metric that a service or a load process exports, declared once: name, unit, help, buckets.

The hot path counts in plain integers, which become metrics at each scrape. Every series exists, at zero, from the
start. The prefix is `wirerace_`; units are base units.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from wirerace.clock import NS_PER_SECOND, process_cpu_seconds
from wirerace.observe.lags import Lags
from wirerace.observe.usage import retransmitted_segments, usage

LAG_BUCKETS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
)  # fmt: skip

OUTCOMES = ("data", "empty", "error")
MESSAGE_OUTCOMES = ("accepted", "repeated", "refused")

_COUNTERS = {
    "updates": "Updates ingested from the feed; made, in the producer",
    "deliveries": "Updates written to clients",
    "superseded": "Updates not written to clients that asked for the latest only, because a newer one was there",
    "payload_bytes": "Payload bytes in the updates written to clients",
    "received_bytes": "Application-layer bytes received from clients, without /echo, /health and /metrics",
    "sent_bytes": "Application-layer bytes given to sockets of clients, without /echo, /health and /metrics",
    "heartbeat_bytes": "Bytes of this server's pings, and of clients' pongs; they are in no other count",
    "slow_readers": "Clients cut off because they read too slowly",
    "request_timeouts": "Connections ended because a request on them was not whole in time",
    "ping_timeouts": "Clients cut off because they did not answer two pings in a row",
    "floods": "Clients cut off because they sent too many frames at once",
    "feed_connects": "Times the feed was connected",
    "early_updates": "Updates that came before their intended time of making: the clocks differ, or one was set back",
    "feed_reads": "Readings of the feed that brought updates: what one brings together is sent together",
    "upkeep_cpu_seconds": "CPU time of looks at connections, and of heartbeats and pings, which deliver no update",
}
_GAUGES = {
    "clients": "Clients connected: their connection has asked for updates and is open",
    "waiting_bytes": "Bytes that wait in this process, beyond the kernel's buffers, for clients to read them",
    "held_requests": "Requests held until there is an update or their hold ends",
    "channels": "Channels that the feed has named, and the default one; in the producer, those of its schedule",
    "feed_live": "1 when the feed is connected and caught up; in the producer always 1",
}


class ServiceMetrics(Collector):
    """The counters of one service. Attributes are plain numbers to be added to; `registry` renders them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.updates = 0
        self.deliveries = 0
        self.superseded = 0
        self.payload_bytes = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.heartbeat_bytes = 0
        self.slow_readers = 0
        self.request_timeouts = 0
        self.ping_timeouts = 0
        self.floods = 0
        self.feed_connects = 0
        self.early_updates = 0
        self.feed_reads = 0
        self.upkeep_cpu_seconds = 0.0
        self.clients = 0
        self.waiting_bytes = 0
        self.held_requests = 0
        self.channels = 0
        self.feed_live = 0
        self.responses = dict.fromkeys(OUTCOMES, 0)
        self.messages = dict.fromkeys(MESSAGE_OUTCOMES, 0)
        self.feed_lag = Lags(
            "wirerace_feed_lag_seconds",
            "Intended time of making to ingestion; in the producer, to the making itself",
            LAG_BUCKETS,
            registry,
        )
        self.broker_lag = Lags(
            "wirerace_broker_lag_seconds",
            "Storing by the broker to arrival here, of each update that came by way of one",
            LAG_BUCKETS,
            registry,
        )
        self.event_loop_lag = Lags(
            "wirerace_event_loop_lag_seconds",
            "How much later than asked for a timer of the event loop ran",
            LAG_BUCKETS,
            registry,
        )
        registry.register(self)

    def count_update(self, late_ns: int) -> None:
        """Count an update that came `late_ns` after its intended time. A negative lag counts as 0: no sum may fall."""
        self.updates += 1
        if late_ns < 0:
            self.early_updates += 1
            late_ns = 0
        self.feed_lag.observe(late_ns / NS_PER_SECOND)

    def count_stored(self, ago_ns: int) -> None:
        """Note how long ago a broker had stored an update that has just come from it."""
        self.broker_lag.observe(max(0, ago_ns) / NS_PER_SECOND)

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
        messages = CounterMetricFamily("wirerace_messages", "Messages that clients sent", labels=["outcome"])
        for outcome, count in self.messages.items():
            messages.add_metric([outcome], count)
        yield messages
        yield CounterMetricFamily(
            "wirerace_cpu_seconds",
            "User and system CPU time of this process, from its CPU clock",
            value=process_cpu_seconds() or 0.0,
        )
        yield from _of_machine()


def _of_machine() -> Iterator[Metric]:
    """Yield what the machine did to this process, as far as the platform reports it."""
    used, retransmitted = usage(), retransmitted_segments()
    for name, help_text, value in (
        ("waited_seconds", "Time in which this process was ready to run and had no core", used.waited_seconds),
        ("throttled_seconds", "Time for which its control group had used up its CPU quota", used.throttled_seconds),
        ("tcp_retransmitted_segments", "TCP segments sent again, in its network namespace", retransmitted),
    ):
        if value is not None:
            yield CounterMetricFamily(f"wirerace_{name}", help_text, value=value)


_ECHO_COUNTERS = ("received_bytes", "sent_bytes", "heartbeat_bytes", "slow_readers", "request_timeouts")


class EchoMetrics(Collector):
    """The clients of /echo. They are counted as those of the deliveries are, but apart: they belong to no race."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.counts = ServiceMetrics(CollectorRegistry())
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the current values."""
        counts = self.counts
        yield GaugeMetricFamily("wirerace_echo_clients", "Clients connected to /echo", value=counts.clients)
        for name, help_text, value in (
            ("messages", "Messages returned on /echo", counts.responses["data"]),
            ("errors", "Clients of /echo that broke the protocol", counts.responses["error"]),
            *((name, f"On /echo: {_COUNTERS[name]}", getattr(counts, name)) for name in _ECHO_COUNTERS),
        ):
            yield CounterMetricFamily(f"wirerace_echo_{name}", help_text, value=value)


LATENCY_BUCKETS = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0,
)  # fmt: skip
_LOAD_COUNTERS = {
    "requests": "Requests sent, a WebSocket's handshake among them",
    "deliveries": "Updates received",
    "duplicated": "Updates that a client received again",
    "reordered": "Updates below the highest that their client had seen (RFC 4737)",
    "superseded": "Updates that clients of the latest only did not get, because they got a newer one of the same epoch",
    "late_polls": "Polls that left more than 5 % of their interval late, or never",
    "connects": "Connections opened",
    "cuts": "Connections that the load itself cut",
    "breaks": "Connections that broke otherwise",
    "messages": "Messages that were due",
    "acknowledged": "Messages that the server has acknowledged",
    "early_deliveries": "Updates received before they were due, which count as 0 in the latency's sum",
}
_LOAD_GAUGES = {
    "clients": "Clients subscribed",
    "missing": "Sequence numbers below the highest that their client has not received: lost, or still on their way",
    "age_seconds": "Now minus the making time of the newest update that a client has, mean of all clients",
    "poll_interval_seconds": "Interval at which the clients that are there poll",
}


class LoadSample(NamedTuple):
    """The counters of one transport's load in one process; `latency_buckets` are counts up to each LATENCY_BUCKETS.

    None means no sample: 0 would be a value, and NaN would make sums over processes NaN.
    """

    requests: int = 0
    deliveries: int = 0
    duplicated: int = 0
    reordered: int = 0
    superseded: int = 0
    late_polls: int = 0
    connects: int = 0
    cuts: int = 0
    breaks: int = 0
    messages: int = 0
    acknowledged: int = 0
    early_deliveries: int = 0
    clients: int = 0
    missing: int = 0
    age_seconds: float | None = None
    poll_interval_seconds: float | None = None
    repolls: int = 0
    repoll_gap_sum_seconds: float = 0.0
    responses: Mapping[Any, int] = dict.fromkeys(OUTCOMES, 0)
    latency_buckets: Sequence[int] = (0,) * len(LATENCY_BUCKETS)
    latency_sum_seconds: float = 0.0

    def after(self, earlier: "LoadSample") -> "LoadSample":
        """Return this sample with the counts of an earlier one added; values that are no counts stay unchanged."""
        counted = (*_LOAD_COUNTERS, "repolls", "repoll_gap_sum_seconds", "latency_sum_seconds")
        return self._replace(
            **{name: getattr(earlier, name) + getattr(self, name) for name in counted},
            responses={outcome: earlier.responses[outcome] + count for outcome, count in self.responses.items()},
            latency_buckets=[
                before + count for before, count in zip(earlier.latency_buckets, self.latency_buckets, strict=True)
            ],
        )


class LoadMetrics(Collector):
    """What the clients of one load process see, by transport. `read` returns the current samples."""

    def __init__(self, registry: CollectorRegistry, read: Callable[[], Mapping[str, LoadSample]]) -> None:
        self._read = read
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the current values; the client library calls this for every scrape."""
        found = self._read()
        families: list[tuple[type[CounterMetricFamily | GaugeMetricFamily], dict[str, str]]] = [
            (CounterMetricFamily, _LOAD_COUNTERS),
            (GaugeMetricFamily, _LOAD_GAUGES),
        ]
        for family, described in families:
            for name, help_text in described.items():
                metric = family(f"wirerace_load_{name}", help_text, labels=["transport"])
                for transport, sample in found.items():
                    if (value := getattr(sample, name)) is not None:
                        metric.add_metric([transport], value)
                yield metric
        yield from self._with_labels_of_their_own(found)
        yield CounterMetricFamily(
            "wirerace_load_cpu_seconds",
            "User and system CPU time of this load process, from its CPU clock",
            value=process_cpu_seconds() or 0.0,
        )

    def _with_labels_of_their_own(self, found: Mapping[str, LoadSample]) -> Iterator[Metric]:
        responses = CounterMetricFamily(
            "wirerace_load_responses", "Answers received, by outcome", labels=["transport", "outcome"]
        )
        latency = HistogramMetricFamily(
            "wirerace_load_delivery_latency_seconds", "Intended time of making to arrival", labels=["transport"]
        )
        gaps = SummaryMetricFamily(
            "wirerace_load_repoll_gap_seconds",
            "From an answer's arrival to the same client's next request, of clients that are held",
            labels=["transport"],
        )
        for transport, sample in found.items():
            for outcome, count in sample.responses.items():
                responses.add_metric([transport, outcome], count)
            bounds = [str(bound) for bound in LATENCY_BUCKETS]
            buckets = [*zip(bounds, sample.latency_buckets, strict=True), ("+Inf", sample.deliveries)]
            latency.add_metric([transport], buckets, sample.latency_sum_seconds)
            gaps.add_metric([transport], sample.repolls, sample.repoll_gap_sum_seconds)
        yield responses
        yield latency
        yield gaps


def samples(text: str) -> dict[str, float]:
    """Return the samples in Prometheus text: name, with labels as written, to value."""
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}
