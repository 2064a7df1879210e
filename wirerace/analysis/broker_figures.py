"""The broker's costs and figures: its CPU time and memory, and what it adds to latency."""

from collections.abc import Callable

from wirerace.analysis.costs import US
from wirerace.analysis.figure import CHEAPER, FEWER, Figure
from wirerace.observe.usage import difference
from wirerace.record.broker import BrokerCost
from wirerace.record.result import Raw
from wirerace.record.samples import do_span, span_seconds
from wirerace.record.trial import Trial


def broker_cost(raw: Raw) -> BrokerCost | None:
    """Return what the broker spent; None if there is none."""
    record = raw.measured.broker
    if record is None:
        return None
    cpu: float | None = None
    utilisation: float | None = None
    user_bytes: int | None = None
    if record.samples is not None:
        before, after = record.samples
        spent, seconds = difference(after.cpu_seconds, before.cpu_seconds), span_seconds(record.samples)
        cpu = spent if do_span(record.samples, raw.window) else None
        utilisation = None if spent is None or seconds <= 0 else spent / seconds
        user_bytes = after.user_bytes
    arrived = raw.account.arrived
    return BrokerCost(
        version=record.version,
        cpu_seconds=cpu,
        cpu_us_per_delivery=cpu / US / arrived if cpu is not None and arrived else None,
        utilisation=utilisation,
        user_bytes=user_bytes,
    )


def from_broker_seconds(raw: Raw) -> float | None:
    """Return the mean time from a broker's storing an update to the server; None without a broker."""
    if raw.measured.server is None:
        return None
    before, after = raw.measured.server
    updates = difference(after.broker_updates, before.broker_updates)
    seconds = difference(after.broker_seconds, before.broker_seconds)
    return seconds / updates if updates and seconds is not None else None


def _of(value: Callable[[BrokerCost], float | None]) -> Callable[[Trial], float | None]:
    """Return a value of a trial's broker, None without one."""
    return lambda trial: None if trial.broker is None else value(trial.broker)


BROKER_PART = Figure(
    "latency.broker",
    "seconds",
    "of it, to the broker",
    "from the producer until the broker has stored an update; what follows, up to the server, is the feed",
    lambda trial: trial.latency_parts_seconds.broker,
    if_any=True,
)
"""The part of latency, which stands beside the other parts."""
BROKER_FIGURES = (
    Figure(
        "broker.cpu_per_delivery",
        "microseconds",
        "broker CPU per delivery",
        "user and system time of the broker that brings the feed to servers",
        _of(lambda cost: cost.cpu_us_per_delivery),
        words=CHEAPER,
        if_any=True,
    ),
    Figure(
        "broker.utilisation",
        "fraction",
        "broker busy",
        "the part of a core that the broker took",
        _of(lambda cost: cost.utilisation),
        words=FEWER,
        if_any=True,
    ),
    Figure(
        "broker.memory",
        "bytes",
        "broker memory",
        "the memory that the broker has for itself, at the window's end",
        _of(lambda cost: cost.user_bytes),
        if_any=True,
    ),
)
"""In the order in which they are shown, after the reverse proxy's."""
