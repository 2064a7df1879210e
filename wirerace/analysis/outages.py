"""Outages: what each fault did to the clients, from the raw record: availability, recovery, what was lost."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, zip_longest
from typing import NamedTuple

import msgspec

from wirerace.analysis.expected import expected_of
from wirerace.analysis.times import seconds_of
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.experiment.faults import Fault
from wirerace.experiment.plans import Plan
from wirerace.observe.account import Window
from wirerace.observe.histogram import merged
from wirerace.observe.outages import OutageRecord, Recovering
from wirerace.record.durations import Times
from wirerace.record.faults import Availability, BeforeFaults, FaultOutcome, FaultTime, RecoveryBounds
from wirerace.record.result import Raw
from wirerace.theory.recovery import After, law_of, mean_recovery, most_recovery

NOBODY = Recovering(0)


class Ledgered(NamedTuple):
    """What was lost, came again and came late, of updates made in a time; `lost` is None if it is not known."""

    lost: int | None
    duplicated: int
    late: int


def availability_of(plan: Plan, raw: Raw) -> Availability | None:
    """Return the availability of a trial with faults, None without any, or in a record of an older version."""
    if not raw.faults:
        return None
    account, record = raw.account, raw.account.outages
    first_ns = _reach_ns(plan, raw.faults[0])
    before = ledgered(plan, raw, Window(raw.window.from_ns, max(raw.window.from_ns, first_ns)), MadeInTrial(raw))
    return Availability(
        age_seconds=plan.experiment.availability.age_seconds,
        fraction=1 - record.stale_ns / account.age_ns if account.age_ns else None,
        late=sum(record.late.values()),
        before=BeforeFaults(*before),
    )


def outcomes_of(plan: Plan, raw: Raw) -> list[FaultOutcome]:
    """Return what each fault did, in the order in which they happened."""
    if not raw.faults:
        return []
    known = _Known(plan, raw, Stale(raw.account.outages), MadeInTrial(raw))
    return [_outcome(known, one, following) for one, following in zip_longest(raw.faults, raw.faults[1:])]


class _Known(NamedTuple):
    """What is computed once for all faults of a trial."""

    plan: Plan
    raw: Raw
    stale: "Stale"
    made: "MadeInTrial"


def _outcome(known: _Known, one: FaultTime, following: FaultTime | None) -> FaultOutcome:
    plan, raw = known.plan, known.raw
    fault, window = plan.experiment.faults[one.number], raw.window
    ends_ns = window.to_ns if following is None else following.from_ns
    reach = Window(_reach_ns(plan, one), window.to_ns if following is None else _reach_ns(plan, following))
    recovering = raw.account.outages.recovering.get(one.number, NOBODY)
    found = ledgered(plan, raw, reach, known.made)
    return FaultOutcome(
        number=one.number,
        kind=fault.kind,
        on=fault.on,
        at_seconds=(one.from_ns - window.from_ns) / NS_PER_SECOND,
        lasts_seconds=fault.lasts_seconds,
        jitter_seconds=fault.jitter_seconds,
        cuts=one.cuts,
        clients=recovering.clients,
        recover_seconds=recovery_times(recovering),
        expected_seconds=_expected(known, fault, one),
        availability=_availability(plan, raw, Window(one.from_ns, ends_ns), known.stale),
        lost=found.lost,
        duplicated=found.duplicated,
        late=found.late,
    )


def _reach_ns(plan: Plan, fault: FaultTime) -> int:
    """Return the making time from which on updates may be late because of a fault: a bound before it happened.

    What was made before that had come by then, or was late without it.
    """
    return fault.from_ns - to_ns(plan.experiment.availability.age_seconds)


def recovery_times(recovering: Recovering) -> Times:
    """Return how long clients took. A percentile is None if too few of the clients ever got there."""
    times, clients = merged([recovering.times]), recovering.clients
    if not clients or not times.count:
        return Times(times.count, None, None, None, None)

    def at(percent: float) -> float | None:
        rank = math.ceil(percent / 100 * clients)
        found_ns = times.percentile_ns(min(100.0, 100 * rank / times.count))
        return seconds_of(min(found_ns or 0, times.max_ns or 0)) if rank <= times.count else None

    most = seconds_of(times.max_ns) if times.count >= clients else None
    return Times(times.count, seconds_of(times.mean_ns()), at(50), at(99), most)


class MadeInTrial:
    """When updates were made, and how many clients received those up to an instant."""

    def __init__(self, raw: Raw) -> None:
        made_at, spread_of = raw.truth.made_at, raw.account.spread_of
        received = sorted((made_at[key], spread.clients) for key, spread in spread_of.items() if key in made_at)
        self._times = sorted(made_at.values())
        self._received_at = [made_ns for made_ns, _ in received]
        self._received = [0, *accumulate(clients for _, clients in received)]

    def received(self, window: Window) -> int:
        """Return how many deliveries there were of the updates made in a window."""
        first, last = (bisect_left(self._received_at, at_ns) for at_ns in (window.from_ns, window.to_ns))
        return self._received[last] - self._received[first]

    def first_from(self, at_ns: int) -> int | None:
        """Return when the first update was made from an instant on, None if there is none."""
        place = bisect_left(self._times, at_ns)
        return self._times[place] if place < len(self._times) else None


def ledgered(plan: Plan, raw: Raw, span: Window, made: MadeInTrial) -> Ledgered:
    """Return what was lost, came again and came late of the updates made in a part of the window."""
    window = Window(max(span.from_ns, raw.window.from_ns), min(span.to_ns, raw.window.to_ns))
    record = raw.account.outages
    duplicated, late = (
        sum(count for made_ns, count in counts.items() if window.has(made_ns))
        for counts in (record.repeated, record.late)
    )
    if window.from_ns >= window.to_ns:
        return Ledgered(0, 0, 0)
    if plan.experiment.population.is_visit or plan.options.latest_only:
        return Ledgered(None, duplicated, late)  # what was superseded, or not come for, is known of the whole only
    expected = expected_of(plan, msgspec.structs.replace(raw, window=window)).deliveries
    return Ledgered(max(0, expected - made.received(window)), duplicated, late)


class Stale:
    """How many clients were stale at which time of the window."""

    def __init__(self, record: OutageRecord) -> None:
        self._step_ns = max(1, record.step_ns)
        self._steps = sorted(record.stale)
        self._after = list(accumulate(record.stale[step] for step in self._steps))
        """The number of stale clients from each step on."""

    def client_ns(self, from_ns: int, to_ns: int) -> int:
        """Return the time for which clients were stale between two instants, from the beginning of the window."""
        total, at_ns = 0, from_ns
        index = bisect_left(self._steps, from_ns / self._step_ns)
        count = self._after[index - 1] if index else 0
        while index < len(self._steps) and (step_ns := self._steps[index] * self._step_ns) < to_ns:
            total += count * (step_ns - at_ns)
            at_ns, count, index = step_ns, self._after[index], index + 1
        return total + count * (to_ns - at_ns)


def _availability(plan: Plan, raw: Raw, span: Window, stale: Stale) -> float | None:
    """Return the availability in a part of the window; None if the number of clients changed in it."""
    account, window, experiment = raw.account, raw.window, plan.experiment
    is_steady = not (experiment.population.is_visit or experiment.clients.shape_options.changes)
    if not is_steady or not account.age_ns or span.from_ns >= span.to_ns:
        return None
    clients = account.age_ns / (window.to_ns - window.from_ns)
    stale_ns = stale.client_ns(span.from_ns - window.from_ns, span.to_ns - window.from_ns)
    return max(0.0, 1 - stale_ns / (clients * (span.to_ns - span.from_ns)))


def _expected(known: _Known, fault: Fault, one: FaultTime) -> RecoveryBounds | None:
    """Return how long recovering should take, given when updates were made; None if none was made after the fault.

    Behind a shared cache it is not known: how old its answers are depends on who asked before.
    """
    plan, raw = known.plan, known.raw
    if raw.path.cache_seconds:
        return None
    made_ns = known.made.first_from(one.after_ns)
    if made_ns is None:
        return None
    # Clients may have received from a part until it had ended.
    since_ns = one.after_ns if fault.kind == "restart" else one.from_ns
    made_seconds = max(0.0, (made_ns - since_ns) / NS_PER_SECOND)
    recovering = raw.account.outages.recovering.get(one.number, NOBODY)
    is_fit = fault.ends_a_part and fault.on not in {"producer", "broker"}
    after = After(
        made_seconds,
        plan.options.period_seconds,
        seconds_of(merged([raw.account.connecting]).percentile_ns(50)) or 0.0,
        seconds_of(recovering.times.min_ns) if is_fit else None,
    )
    if (law := law_of(fault, after)) is None:
        return RecoveryBounds(made_seconds)
    mean, most = mean_recovery(law, after), most_recovery(law, after)
    return RecoveryBounds(made_seconds, mean, most, "fit" if is_fit else "prediction")


def worst(outcomes: Sequence[FaultOutcome], percentile: str) -> float | None:
    """Return the longest recovery of all faults; None if that of one is not known."""
    times = [getattr(outcome.recover_seconds, percentile) for outcome in outcomes]
    return None if None in times else max(times, default=None)
