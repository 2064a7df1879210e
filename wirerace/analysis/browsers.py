"""The browser tabs of a trial: their deliveries against the producer's record, and their latency beside the others'."""

from msgspec.structs import replace

from wirerace.analysis.expected import expected_of
from wirerace.analysis.times import seconds_of
from wirerace.clock import NS_PER_SECOND
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.observe.histogram import merged
from wirerace.record.browsers import Browsers, TabClock, TabLatency
from wirerace.record.result import Raw


def browsers_of(plan: Plan, raw: Raw) -> Browsers | None:
    """Return what the tabs of a trial received; None without any.

    Raises TrialFailed when they hold updates that the producer never made.
    """
    record = raw.browsers
    if record is None:
        return None
    account = record.account
    _, expected, superseded = expected_of(plan, replace(raw, account=account))
    lost, made_at = expected - account.delivered, raw.truth.made_at
    unknown = sum(key not in made_at for key in account.spread_of)
    if unknown or lost < 0:
        raise TrialFailed(
            f"browser tabs hold {max(unknown, -lost)} updates that the producer never made in this window"
        )
    clock = _worst(record.clocks)
    return Browsers(
        browser=record.browser,
        tabs=account.clients,
        expected=expected,
        delivered=account.delivered,
        lost=lost,
        superseded=superseded,
        duplicated=account.duplicated,
        reordered=account.reordered,
        reach=account.delivered / expected if expected else None,
        breaks=record.breaks,
        tab_latency_seconds=_latency(raw),
        behind_seconds=_behind(raw),
        clock_offset_seconds=clock.offset_ns / NS_PER_SECOND,
        clock_accuracy_seconds=clock.accuracy_ns / NS_PER_SECOND,
        clock_resolution_seconds=clock.resolution_ns / NS_PER_SECOND,
    )


def _latency(raw: Raw) -> TabLatency:
    found = merged([raw.browsers.account.latencies] if raw.browsers is not None else [])
    return TabLatency(
        mean=seconds_of(found.mean_ns()),
        min=seconds_of(found.min_ns),
        p50=seconds_of(found.percentile_ns(50)),
        p99=seconds_of(found.percentile_ns(99)),
        max=seconds_of(found.max_ns),
    )


def _behind(raw: Raw) -> float | None:
    """Return the median of the tabs minus that of the other clients."""
    tabs, clients = _latency(raw).p50, merged([raw.account.latencies]).percentile_ns(50)
    return None if tabs is None or clients is None else tabs - clients / NS_PER_SECOND


def _worst(clocks: list[TabClock]) -> TabClock:
    """Return the largest offset, the least accuracy and the coarsest step of all clocks."""
    return TabClock(
        max((clock.offset_ns for clock in clocks), key=abs, default=0),
        max((clock.accuracy_ns for clock in clocks), default=0),
        max((clock.resolution_ns for clock in clocks), default=0),
    )
