"""The metrics that a load process exports to Prometheus: what its clients see, by transport."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector

from loadtests import wall
from loadtests.load import Load
from loadtests.user import DELIVERY
from wirerace.clock import NS_PER_SECOND
from wirerace.observe.metrics import LoadMetrics, LoadSample
from wirerace.observe.process import ProcessMetrics
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import Transport


class Totals:
    """The sum of what a process has counted in all its tests: a counter never falls while the process runs."""

    def __init__(self) -> None:
        self._load: Load | None = None
        self._before: Mapping[str, LoadSample] = samples_of(None)

    def begin(self, load: Load | None) -> None:
        """Continue with the load of another test; None in a master, which has no load."""
        self._before, self._load = self.now(), load

    def now(self) -> Mapping[str, LoadSample]:
        """Return what each transport's clients have seen so far, and their state now."""
        return {name: sample.after(self._before[name]) for name, sample in samples_of(self._load).items()}


def new_registry(totals: Totals) -> CollectorRegistry:
    """Return the metrics of a load process."""
    registry = CollectorRegistry()
    for collector in (PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(ProcessMetrics())
    LoadMetrics(registry, totals.now)
    return registry


def samples_of(load: Load | None) -> Mapping[str, LoadSample]:
    """Return what each transport's clients have seen since a test began; nothing without a test."""
    if load is None:
        return dict.fromkeys(TRANSPORTS, LoadSample())
    load.statistics.flush()
    return {name: _sample(load, transport) for name, transport in TRANSPORTS.items()}


def _sample(load: Load, transport: Transport) -> LoadSample:
    account = load.account_of(transport)
    totals, tally = account.totals, account.tally
    age_ns = account.age_ns(wall.now_ns())
    interval_seconds = getattr(load.options_of(transport), "interval_seconds", None)  # only polling clients have one
    latencies = load.statistics.times_of(DELIVERY, transport.path)
    return LoadSample(
        requests=tally.requests,
        deliveries=totals.received,
        duplicated=totals.repeated,
        reordered=tally.reordered,
        superseded=tally.superseded,
        late_polls=tally.late_polls,
        connects=totals.connects,
        cuts=totals.cuts,
        breaks=totals.breaks,
        messages=tally.messages,
        acknowledged=tally.acknowledged,
        early_deliveries=latencies.early,
        clients=account.live_clients,
        missing=totals.missing + account.missing,
        age_seconds=None if age_ns is None else age_ns / NS_PER_SECOND,
        poll_interval_seconds=interval_seconds if account.live_clients else None,
        repolls=tally.repolls,
        repoll_gap_sum_seconds=tally.repoll_gap_ns / NS_PER_SECOND,
        responses=tally.responses,
        latency_buckets=latencies.buckets,
        latency_sum_seconds=latencies.sum_ns / NS_PER_SECOND,
    )
