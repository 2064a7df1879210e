"""Visits of a trial: what each visitor was expected to get, and how the visits went, against the producer's record."""

from bisect import bisect_left, bisect_right
from collections import Counter

from wirerace.analysis.times import times_of
from wirerace.experiment.plans import Plan
from wirerace.observe.histogram import NO_LATENCIES
from wirerace.observe.visit import VISIT_STAGES, VisitEntry
from wirerace.record.result import Raw
from wirerace.record.visits import Visits
from wirerace.wire.update import Cursor
from wirerace.workload.truth import Truth


class MadeUpdates:
    """What the producer made, as one sequence over all epochs. A position is the number of updates up to a place."""

    def __init__(self, truth: Truth) -> None:
        self.made_ns = [ts for epoch in truth.epochs for ts in epoch.ts]
        self._epochs = {epoch.epoch: epoch for epoch in truth.epochs}
        self._starts: dict[str, int] = {}
        start = 0
        for epoch in truth.epochs:
            self._starts[epoch.epoch] = start
            start += len(epoch.ts)

    def position(self, cursor: Cursor | None) -> int:
        """Return the position of a cursor; 0 for one that lies before the record."""
        if cursor is None or cursor.epoch not in self._epochs:
            return 0
        return self._starts[cursor.epoch] + bisect_right(self._epochs[cursor.epoch].seq, cursor.seq)

    def before(self, at_ns: int) -> int:
        """Return how many updates were due before an instant."""
        return bisect_left(self.made_ns, at_ns)

    def has_made(self, cursor: Cursor) -> bool:
        """Return whether an update, of which a client has the cursor, was made, as far as the record reaches."""
        epoch = self._epochs.get(cursor.epoch)
        return epoch is None or not epoch.seq or cursor.seq <= epoch.seq[-1]


def expected_of_visits(plan: Plan, raw: Raw, grace_ns: int) -> int:
    """Return how many deliveries of the window's updates are due to visitors.

    A visitor is expected to have everything from its first update to its last one. One that gave up is also expected to
    have, up to the number that it came for, what was older than the grace period when it left.
    """
    if not raw.account.visits.ended:
        return 0
    record, wanted = MadeUpdates(raw.truth), plan.experiment.population.updates
    low, high = record.before(raw.window.from_ns), record.before(raw.window.to_ns)
    due = 0
    for visit in raw.account.visits.ended:
        if visit.first is not None:
            begin = record.position(visit.first)
            in_time = min(begin + wanted, record.before(visit.left_ns - grace_ns))
            end = max(record.position(visit.last), in_time)
            due += max(0, min(end, high) - max(begin, low))
    return due


def unknown_of_visits(raw: Raw) -> int:
    """Return how many visitors have an update that the producer never made."""
    record = MadeUpdates(raw.truth)
    return sum(visit.last is not None and not record.has_made(visit.last) for visit in raw.account.visits.ended)


def visits_of(plan: Plan, raw: Raw, grace_ns: int) -> Visits | None:
    """Return how the visits went that were due in the window; None without visitors."""
    if not plan.experiment.population.is_visit:
        return None
    visits, record = raw.account.visits, MadeUpdates(raw.truth)
    due = [visit for visit in visits.ended if raw.window.has(visit.due_ns)]
    ends = Counter(visit.end for visit in due)
    return Visits(
        updates=plan.experiment.population.updates,
        due=len(due),
        finished=ends["finished"],
        gave_up=ends["gave_up"],
        unfinished=ends["unfinished"],
        stale=sum(_is_stale(visit, record, grace_ns) for visit in due),
        stages_seconds={stage: times_of(visits.stages.get(stage, NO_LATENCIES)) for stage in VISIT_STAGES},
        first_age_seconds=times_of(visits.first_ages),
        requests=sum(visit.requests for visit in due) / len(due) if due else None,
        connections=raw.account.connects / len(visits.ended) if visits.ended else None,
        resting=raw.measured.resting,
    )


def _is_stale(visit: VisitEntry, record: MadeUpdates, grace_ns: int) -> bool:
    """Return whether a visitor began with an update that was not the newest, a grace period before it asked."""
    if visit.first is None or not visit.asked_ns:
        return False
    return record.position(visit.first) + 1 < record.before(visit.asked_ns - grace_ns)
