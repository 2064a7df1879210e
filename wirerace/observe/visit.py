"""Visits: what each visitor received, in which stages, and how it ended; a tally adds up many visits."""

from typing import Literal, NamedTuple, get_args

import msgspec

from wirerace.observe.histogram import NO_LATENCIES, Latencies, LatenciesRecord, merged
from wirerace.wire.update import Cursor

VisitStage = Literal[
    "started", "tcp_connected", "tls_established", "request_sent", "answered", "first_update", "closed"
]
"""The stages of a visit. The times of all of them count from the visitor's intended arrival."""
VISIT_STAGES: tuple[VisitStage, ...] = get_args(VisitStage)
VisitEnd = Literal["finished", "gave_up", "unfinished"]
"""How a visit ended: all its updates came, its time was over, or the load ended before it."""


class Opening(NamedTuple):
    """When a client's first connection was open, its request had left, and its answer had come, Unix nanoseconds.

    `opened_ns` is 0 for a client that came to a connection which others had opened, `secured_ns` for one without TLS,
    too.
    """

    opened_ns: int
    sent_ns: int
    answered_ns: int
    secured_ns: int = 0

    @property
    def stages(self) -> dict[VisitStage, int]:
        """The stages that it has reached."""
        found: dict[VisitStage, int] = {
            "tcp_connected": self.opened_ns,
            "tls_established": self.secured_ns,
            "request_sent": self.sent_ns,
            "answered": self.answered_ns,
        }
        return {stage: at_ns for stage, at_ns in found.items() if at_ns}


class VisitEntry(msgspec.Struct, frozen=True):
    """One visit: when it was to begin, when it ended and how, and what the visitor has.

    It began after the cursor `first`, None if it never had one, and has everything up to `last`. `asked_ns` is when the
    first request that was answered had left, 0 if there was none. `requests` is how many it sent.
    """

    due_ns: int
    asked_ns: int
    left_ns: int
    end: VisitEnd
    requests: int = 0
    first: Cursor | None = None
    last: Cursor | None = None


class VisitsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The visits of a trial, as load processes send them and results store them.

    `ended` has every visit of the trial. The times are of the visits that were due in the window: `stages` from the
    intended arrival, `first_ages` how old the first update was when it arrived.
    """

    ended: list[VisitEntry] = []
    stages: dict[VisitStage, LatenciesRecord] = {}
    first_ages: LatenciesRecord = NO_LATENCIES

    def plus(self, other: "VisitsRecord") -> "VisitsRecord":
        """Return the visits of both."""
        stages = {
            stage: merged([record.stages.get(stage, NO_LATENCIES) for record in (self, other)]).to_record()
            for stage in VISIT_STAGES
            if stage in self.stages or stage in other.stages
        }
        first_ages = merged([self.first_ages, other.first_ages]).to_record()
        return VisitsRecord([*self.ended, *other.ended], stages, first_ages)


NO_VISITS = VisitsRecord()


class VisitTally:
    """The visits of one load process that have ended."""

    def __init__(self) -> None:
        self.ended: list[VisitEntry] = []
        self.stages = {stage: Latencies() for stage in VISIT_STAGES}
        self.first_ages = Latencies()

    def enter(self, visit: VisitEntry, reached: dict[VisitStage, int], first_age_ns: int, *, counts: bool) -> None:
        """Add a visit, and its times if it `counts`: when it reached each stage, and how old its first update was."""
        self.ended.append(visit)
        if counts:
            for stage, at_ns in reached.items():
                self.stages[stage].record(at_ns - visit.due_ns)
            if "first_update" in reached:
                self.first_ages.record(first_age_ns)

    def to_record(self) -> VisitsRecord:
        """Return a value that can be sent, stored and merged."""
        stages = {stage: latencies.to_record() for stage, latencies in self.stages.items()}
        return VisitsRecord(self.ended, stages, self.first_ages.to_record())
