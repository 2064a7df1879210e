"""An account as load processes send it and results store it: exact sums over clients, so that records merge."""

import operator
from collections.abc import Sequence
from functools import reduce
from itertools import chain
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec.structs import astuple

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.clocks import HostClock
from wirerace.observe.histogram import NO_LATENCIES, LatenciesRecord, merged
from wirerace.observe.outages import NO_OUTAGES, OutageRecord
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.observe.upstream import SentMessage
from wirerace.observe.visit import NO_VISITS, VisitsRecord
from wirerace.wire.update import Cursor

Outcome = Literal["data", "empty", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

ConnectStage = Literal["tcp_connected", "tls_established", "request_sent", "answered", "first_update"]
"""The stages of a connection: the second exists with TLS only, the last one for a client's first connection only."""
STAGES: tuple[ConnectStage, ...] = get_args(ConnectStage)


UnixNs = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class CutRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to the load to close all connections at once; clients reconnect evenly over `jitter_seconds`."""

    jitter_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An interval of Unix time in nanoseconds, without its end."""

    from_ns: UnixNs
    to_ns: UnixNs

    def has(self, at_ns: int) -> bool:
        """Return whether the instant lies in the window."""
        return self.from_ns <= at_ns < self.to_ns

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.to_ns - self.from_ns) / NS_PER_SECOND


NO_WINDOW = Window(0, 0)
FRESH_NS = (100_000_000, 1_000_000_000, 5_000_000_000)
"""Ages up to which an update is called fresh: 100 ms, 1 s and 5 s, in nanoseconds, the least first."""


class Subscription(msgspec.Struct, frozen=True):
    """A client's subscription to a channel: to everything after `first`, to the end of the window or until it left.

    A client that left at `left_ns` had received everything up to `last`; both are None for a client that stayed.
    Where the server has no cursors, `first` is nowhere, and the subscription is to what was made from `since_ns` on.
    """

    first: Cursor
    last: Cursor | None = None
    left_ns: int | None = None
    channel: str = ""
    since_ns: int = 0


class Skip(msgspec.Struct, frozen=True):
    """Updates that a client of the latest only did not get: those between its newest and the next that it got."""

    after: Cursor
    before: Cursor
    channel: str = ""


class Traffic(msgspec.Struct, frozen=True):
    """What the kernels counted on TCP connections, seen from the clients, from the first SYN to the last segment.

    Bytes are TCP's payload. Those out include what was sent again, those in do not. `retransmitted` counts
    segments that clients sent again. `round_trip_us` is the sum of each connection's least round trip.
    """

    bytes_out: int = 0
    bytes_in: int = 0
    segments_out: int = 0
    segments_in: int = 0
    retransmitted: int = 0
    connections: int = 0
    round_trip_us: int = 0

    def plus(self, other: "Traffic") -> "Traffic":
        """Return both together."""
        return Traffic(*map(operator.add, astuple(self), astuple(other)))

    def minus(self, other: "Traffic") -> "Traffic":
        """Return the growth since `other`."""
        return Traffic(*map(operator.sub, astuple(self), astuple(other)))


NO_TRAFFIC = Traffic()


class ProcessUse(msgspec.Struct, frozen=True):
    """What one load process used between two instants, Unix nanoseconds; None if the platform does not report it."""

    from_ns: int
    to_ns: int
    cpu_seconds: float
    waited_seconds: float | None
    throttled_seconds: float | None

    @property
    def span_seconds(self) -> float:
        """The time between the two instants."""
        return (self.to_ns - self.from_ns) / NS_PER_SECOND


class AccountRecord(msgspec.Struct, forbid_unknown_fields=True):
    """An account as it is sent and stored: exact sums over clients, so that records merge without loss.

    `subscribed` counts the clients subscribed through the whole window, `subscribed_to` those of each named channel
    among them. `partly` lists the subscriptions of the others.
    `superseded` counts the updates that clients of the latest only skipped and that were certainly made in the window.
    `skips` are those of which some may have been made outside.
    `client_ns` is the sum of the time that each was subscribed within the window. `age_area` is the integral of age
    over the window, s², and `age_ns` the time over which it was taken. `older_ns` is the part of that time in which age
    was above each of `FRESH_NS`; it is empty in records of older versions. `updates` has the spreads of updates by the
    name of their sequence. `upper_bounds` counts deliveries that may have arrived earlier, because something newer was
    read with them.

    Within the window, `answering` is how long requests took, `repolling` the time from an answer's arrival to the next
    request, `reading` the time from the kernel's stamp to the reading, `unstamped` the reads without a stamp.
    `asking_late` has the deliveries that may have come later because their request left late, after an answer that had
    lain unread, and by how much; it is None in records of older versions.
    `partial_responses` counts answers that said that there is more. `traffic` has the kernel's counters at both ends,
    `processes` what each load process used between them.

    Over the whole trial, `clients` have been subscribed, `most_clients` of them at one time (a sum over processes, each
    at its own time). `received` counts the updates that clients received, `repeated` those that a client received
    again, `missing` the sequence numbers below a client's highest that it never received. `returning` is how long
    clients were without a connection after theirs broke or was cut. `cuts` counts connections that the load itself cut,
    `breaks` those that broke otherwise. `repeated_requests` counts requests sent again because the server had closed a
    kept connection. `first_ns` is when each load process received its first update, `closed_ns` when it closed its
    ledgers, Unix nanoseconds. `visits` has the visits of a population of visitors.

    `messages` has the messages of each client that were due in the window, `message_bytes_out` and `message_bytes_in`
    what they and their answers took, application layer. `waking` is how late the load woke for those that nothing held
    up. `relayed` is how long deliveries of updates that were made from messages took, from the intended sending. Over
    the whole trial, `message_connects` counts connections opened for messages, `stray_answers` answers to nothing that
    waited for one. `outages` is what faults did to clients; it is empty without any.

    Over the whole trial, `handshaking` is how long TLS handshakes took, `resumed_handshakes` how many of them resumed a
    session.

    `clocks` has the clock of each load process that ran on another host than the producer. All times and durations of
    the account are by the producer's clock, as far as it was known there.
    """

    delivered: int = 0
    duplicated: int = 0
    reordered: int = 0
    superseded: int = 0
    received: int = 0
    repeated: int = 0
    missing: int = 0
    arrived: int = 0
    upper_bounds: int = 0
    unstamped: int = 0
    requests: int = 0
    responses: dict[Outcome, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    partial_responses: int = 0
    late_polls: int = 0
    connects: int = 0
    failed_connects: int = 0
    repeated_requests: int = 0
    cuts: int = 0
    breaks: int = 0
    clients: int = 0
    most_clients: int = 0
    client_ns: int = 0
    subscribed: int = 0
    subscribed_to: dict[str, int] = {}
    partly: list[Subscription] = []
    skips: list[Skip] = []
    age_area: float = 0.0
    age_ns: int = 0
    older_ns: dict[int, int] = {}
    peak_ns: int = 0
    peaks: int = 0
    latencies: LatenciesRecord = NO_LATENCIES
    connecting: LatenciesRecord = NO_LATENCIES
    returning: LatenciesRecord = NO_LATENCIES
    answering: LatenciesRecord = NO_LATENCIES
    repolling: LatenciesRecord = NO_LATENCIES
    reading: LatenciesRecord = NO_LATENCIES
    asking_late: LatenciesRecord | None = None
    stages: dict[ConnectStage, LatenciesRecord] = msgspec.field(
        default_factory=lambda: dict.fromkeys(STAGES, NO_LATENCIES)
    )
    updates: dict[str, SpreadColumns] = {}
    traffic: tuple[Traffic, Traffic] = (NO_TRAFFIC, NO_TRAFFIC)
    processes: list[ProcessUse] = []

    first_ns: list[int] = []
    closed_ns: list[int] = []
    visits: VisitsRecord = NO_VISITS
    messages: dict[str, list[SentMessage]] = {}
    message_bytes_out: int = 0
    message_bytes_in: int = 0
    message_connects: int = 0
    stray_answers: int = 0
    relayed: LatenciesRecord = NO_LATENCIES
    waking: LatenciesRecord = NO_LATENCIES
    handshaking: LatenciesRecord = NO_LATENCIES
    resumed_handshakes: int = 0
    outages: OutageRecord = NO_OUTAGES
    clocks: list[HostClock] = []

    @property
    def spread_of(self) -> dict[tuple[str, int], Spread]:
        """The spread of each update of the window, by the name of its sequence and its number."""
        return {
            (sequence, seq): spread
            for sequence, spreads in self.updates.items()
            for seq, spread in spreads.by_seq.items()
        }


class LoadState(msgspec.Struct, frozen=True):
    """The state of the load: clients subscribed now, clients that have an update, deliveries.

    `away` counts clients that have no connection now: theirs broke, or they have not had one yet. `hosts` counts the
    load processes that are ready for visitors, `visitors` those that are there now. `unanswered` counts messages that
    were due and have no answer. `age_area` is the integral of age in the window up to now, s², `age_ns` the time over
    which it was taken: the growth of the one over that of the other is the mean age in between.
    """

    subscribed: int = 0
    aged: int = 0
    received: int = 0
    delivered: int = 0
    away: int = 0
    hosts: int = 0
    visitors: int = 0
    unanswered: int = 0
    age_area: float = 0.0
    age_ns: int = 0


def merge(records: Sequence[AccountRecord]) -> AccountRecord:
    """Return the account of all records together, field by field; the type of a field decides how it is merged."""
    if not records:
        return AccountRecord()
    fields = AccountRecord.__struct_fields__
    return AccountRecord(**{name: _together([getattr(record, name) for record in records]) for name in fields})


def _together(parts: Sequence[Any]) -> Any:
    """Return the values of one field as one: counts add up, lists are joined, tables are merged by key.

    Latencies that are None, of a process in which no test has started, add nothing.
    """
    match parts[0]:
        case int() | float():
            return sum(parts)
        case list():
            return list(chain.from_iterable(parts))
        case tuple():
            return tuple(map(_together, zip(*parts, strict=True)))
        case dict():
            keys = dict.fromkeys(chain.from_iterable(parts))
            return {key: _together([part[key] for part in parts if key in part]) for key in keys}
        case LatenciesRecord() | None:
            known = [part for part in parts if part is not None]
            return merged(known).to_record() if known else None
        case _:
            return reduce(type(parts[0]).plus, parts)
