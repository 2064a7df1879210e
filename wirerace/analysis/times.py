"""Times of a raw record as the values of a trial: nanoseconds in, seconds out, None if nothing was recorded."""

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.account import AccountRecord
from wirerace.observe.histogram import LatenciesRecord, merged
from wirerace.record.durations import Handshakes, Times
from wirerace.record.trial import Connecting, Returning


def connecting_of(record: LatenciesRecord) -> Connecting:
    """Return how long connections took."""
    latencies = merged([record])
    return Connecting(seconds_of(latencies.mean_ns()), seconds_of(latencies.percentile_ns(99)))


def returning_of(record: LatenciesRecord) -> Returning:
    """Return how long clients were away."""
    latencies = merged([record])
    mean, p99 = latencies.mean_ns(), latencies.percentile_ns(99)
    return Returning(latencies.count, seconds_of(mean), seconds_of(p99), seconds_of(latencies.max_ns))


def handshakes_of(account: AccountRecord) -> Handshakes | None:
    """Return the TLS handshakes of a trial; None if there were none."""
    latencies = merged([account.handshaking])
    if not latencies.count:
        return None
    mean, p99 = latencies.mean_ns(), latencies.percentile_ns(99)
    return Handshakes(latencies.count, account.resumed_handshakes, seconds_of(mean), seconds_of(p99))


def times_of(record: LatenciesRecord) -> Times:
    """Return the durations of one kind."""
    latencies = merged([record])
    mean, p50, p99 = latencies.mean_ns(), latencies.percentile_ns(50), latencies.percentile_ns(99)
    return Times(latencies.count, seconds_of(mean), seconds_of(p50), seconds_of(p99), seconds_of(latencies.max_ns))


def seconds_of(duration_ns: float | None) -> float | None:
    """Return a duration in seconds."""
    return None if duration_ns is None else duration_ns / NS_PER_SECOND
