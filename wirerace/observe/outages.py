"""Outages: what faults do to clients. Who is stale when, what comes late or again, and who is back after how long."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from wirerace.observe.histogram import NO_LATENCIES, Latencies, LatenciesRecord, merged

NEVER_NS = 2**63 - 1
"""A bound that no age exceeds: nothing is noted of outages."""
Instant = Annotated[int, Meta(ge=0, le=NEVER_NS)]


class OutageWatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="watch"):
    """A request to the load to note outages: a client is stale while its age is above `age_ns`.

    Times of that are kept in steps of `step_ns` from `from_ns`, the beginning of the window.
    """

    from_ns: Instant
    age_ns: Annotated[int, Meta(ge=1, le=NEVER_NS)]
    step_ns: Annotated[int, Meta(ge=1, le=NEVER_NS)]


class FaultMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="mark"):
    """A request to the load to note, for a fault, how long each client is without an update made after it.

    Times count from `from_ns`, when the fault happened. It was over at `after_ns`. A part that is to end in order may
    go on serving up to `until_ns`: the time of a client that still received from it counts from its last arrival then.
    """

    number: Annotated[int, Meta(ge=0, le=10_000)]
    from_ns: Instant
    after_ns: Instant
    until_ns: Instant = 0

    def since_ns(self, arrival_ns: int) -> int:
        """Return from when the time of a client counts whose last arrival was at an instant."""
        return max(self.from_ns, min(arrival_ns, self.until_ns))


OutageOrder = OutageWatch | FaultMark


class Recovering(msgspec.Struct, frozen=True):
    """How long clients were without an update made after a fault. Of `clients`, some may never have got one."""

    clients: int
    times: LatenciesRecord = NO_LATENCIES

    def plus(self, other: "Recovering") -> "Recovering":
        """Return both together."""
        return Recovering(self.clients + other.clients, merged([self.times, other.times]).to_record())


class OutageRecord(msgspec.Struct, frozen=True):
    """What was noted of outages, exact sums over clients. It is empty without faults, and in older records.

    `stale_ns` is the time for which clients were stale in the window. `stale` has by how much their number changed, by
    step from the beginning of the window. `late` counts deliveries that took longer than the bound, and `repeated`
    those that a client had already, both by the making time of the update, Unix nanoseconds. `recovering` is by the
    number of the fault.
    """

    step_ns: int = 0
    stale_ns: int = 0
    stale: dict[int, int] = {}
    late: dict[int, int] = {}
    repeated: dict[int, int] = {}
    recovering: dict[int, Recovering] = {}

    def plus(self, other: "OutageRecord") -> "OutageRecord":
        """Return both together."""
        recovering = dict(self.recovering)
        for number, one in other.recovering.items():
            recovering[number] = recovering[number].plus(one) if number in recovering else one
        return OutageRecord(
            max(self.step_ns, other.step_ns),
            self.stale_ns + other.stale_ns,
            _sum(self.stale, other.stale),
            _sum(self.late, other.late),
            _sum(self.repeated, other.repeated),
            recovering,
        )


NO_OUTAGES = OutageRecord()


class _Marked:
    """A fault, how many clients there were, and how long those took that have an update made after it."""

    def __init__(self, mark: FaultMark, clients: int) -> None:
        self.mark = mark
        self.clients = clients
        self.times = Latencies()


class Outages:
    """What an account notes of outages; its ledgers write into it. Nothing, until a bound is set.

    `marked` has a bit for each fault so far. A ledger whose own bits are others has faults to look at.
    """

    def __init__(self) -> None:
        self.age_ns = NEVER_NS
        self.marked = 0
        self._from_ns, self._step_ns, self._stale_ns = 0, 1, 0
        self._stale: dict[int, int] = {}
        self._late: dict[int, int] = {}
        self._repeated: dict[int, int] = {}
        self._marks: list[_Marked] = []

    def take(self, order: OutageOrder, clients: int) -> None:
        """Note outages from now on, or which clients have an update made after a fault, of those that are there."""
        if isinstance(order, OutageWatch):
            self.age_ns, self._from_ns, self._step_ns = order.age_ns, order.from_ns, order.step_ns
        else:
            self._marks.append(_Marked(order, clients))
            self.marked = 2 ** len(self._marks) - 1

    def stale(self, from_ns: int, to_ns: int) -> None:
        """Note that a client was stale between two instants of the window."""
        self._stale_ns += to_ns - from_ns
        for at_ns, change in ((from_ns, 1), (to_ns, -1)):
            step = (at_ns - self._from_ns) // self._step_ns
            changed = self._stale.pop(step, 0) + change
            if changed:  # what begins where another ends changes nothing
                self._stale[step] = changed

    def late(self, made_ns: int) -> None:
        """Note a delivery that took longer than the bound."""
        self._late[made_ns] = self._late.get(made_ns, 0) + 1

    def repeated(self, made_ns: int) -> None:
        """Note a delivery of an update that the client had."""
        if self.age_ns != NEVER_NS:
            self._repeated[made_ns] = self._repeated.get(made_ns, 0) + 1

    def meet(self, met: int, opened_ns: int, *received: tuple[int, int]) -> int:
        """Return the bits of a client that opened at an instant, given those it had.

        Each of `received` is an update, its making time and its arrival, the earlier one first.
        """
        for number, marked in enumerate(self._marks):
            bit, mark = 1 << number, marked.mark
            if met & bit:
                continue
            if opened_ns > mark.from_ns:
                met |= bit  # it was not there, and waits for nothing
                continue
            since_ns = mark.from_ns
            for made_ns, arrival_ns in received:
                if made_ns >= mark.after_ns:
                    marked.times.record(max(0, arrival_ns - since_ns))
                    met |= bit
                    break
                since_ns = mark.since_ns(arrival_ns)
        return met

    def to_record(self) -> OutageRecord:
        """Return a value that can be sent, stored and merged."""
        if self.age_ns == NEVER_NS:
            return NO_OUTAGES
        recovering = {one.mark.number: Recovering(one.clients, one.times.to_record()) for one in self._marks}
        return OutageRecord(self._step_ns, self._stale_ns, self._stale, self._late, self._repeated, recovering)


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    """Return the sums of two tables, without those that are 0."""
    sums = {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}
    return {key: sums[key] for key in sorted(sums) if sums[key]}
