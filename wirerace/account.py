"""An account as it travels from load processes to results: sums over clients, each exact, so records merge."""

import operator
from typing import Literal, NamedTuple, get_args

import msgspec

from wirerace.histogram import NO_LATENCIES, LatenciesRecord, merged
from wirerace.wire import Cursor

Outcome = Literal["data", "empty", "error"]

Stage = Literal["tcp_connected", "request_sent", "answered", "first_update"]
"""How far a connection has come; the last is of a client's first connection only."""
STAGES: tuple[Stage, ...] = get_args(Stage)


class Window(NamedTuple):
    """An interval of Unix time in nanoseconds, without its end."""

    from_ns: int
    to_ns: int

    def has(self, at_ns: int) -> bool:
        """Tell whether the instant lies in the window."""
        return self.from_ns <= at_ns < self.to_ns


NO_WINDOW = Window(0, 0)


class Subscription(NamedTuple):
    """What a client subscribed to: everything after `first`, to the end of the window or until it left.

    Who left at `left_ns` had received everything up to `last`; both are None for who stayed.
    """

    first: Cursor
    last: Cursor | None = None
    left_ns: int | None = None


class Heard(NamedTuple):
    """What clients heard of one update: how many, and their latencies, ns: the sum, the least, the most."""

    clients: int
    sum_ns: int
    least_ns: int
    most_ns: int

    def plus(self, other: "Heard") -> "Heard":
        """Return what both together heard."""
        return Heard(
            self.clients + other.clients,
            self.sum_ns + other.sum_ns,
            min(self.least_ns, other.least_ns),
            max(self.most_ns, other.most_ns),
        )


class Traffic(NamedTuple):
    """What the kernels counted on TCP connections, seen from the clients, from the first SYN to the last segment.

    Bytes are TCP's payload, what was sent again included; `retransmitted` counts segments that clients sent again;
    `round_trip_us` is the sum of each connection's least round trip.
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
        return Traffic(*map(operator.add, self, other))

    def minus(self, other: "Traffic") -> "Traffic":
        """Return what has come since `other`."""
        return Traffic(*map(operator.sub, self, other))


NO_TRAFFIC = Traffic()


class ProcessUse(NamedTuple):
    """What one load process used between two instants, seconds; None where the platform does not tell it."""

    span_seconds: float
    cpu_seconds: float
    waited_seconds: float | None
    throttled_seconds: float | None


class AccountRecord(msgspec.Struct, forbid_unknown_fields=True):
    """An account as it travels: sums over clients, each exact, so that records merge without loss.

    `subscribed` counts the clients subscribed through the whole window, `partly` lists the subscriptions of the others,
    `client_ns` adds up how long each was subscribed within it; `age_area` is the integral of age over the window, s²,
    and `age_ns` the time over which it was taken; `updates` tells what was heard of each update (epoch, then seq);
    `upper_bounds` counts deliveries whose arrival may have been earlier, because something newer was read with them.

    Of what happened in the window: `answering` is how long requests took, `repolling` the time from an answer's arrival
    to the next request, `reading` the time from the kernel's stamp to the reading, `unstamped` the reads without a
    stamp; `traffic` holds the kernel's counters at both ends, `processes` what each load process used between them.

    Whatever the window: `clients` have been subscribed, `most_clients` of them at one time (a sum over processes, each
    at its own time), `received` counts what reached them, `repeated` what reached
    one again, `missing` the sequence numbers below a client's highest that it never received. `returning` is how long
    clients were without a connection that had broken, `cuts` how many connections the load itself cut.
    """

    delivered: int = 0
    duplicated: int = 0
    reordered: int = 0
    received: int = 0
    repeated: int = 0
    missing: int = 0
    arrived: int = 0
    upper_bounds: int = 0
    unstamped: int = 0
    requests: int = 0
    responses: dict[Outcome, int] = msgspec.field(default_factory=lambda: {"data": 0, "empty": 0, "error": 0})
    late_polls: int = 0
    connects: int = 0
    failed_connects: int = 0
    cuts: int = 0
    clients: int = 0
    most_clients: int = 0
    client_ns: int = 0
    subscribed: int = 0
    partly: list[Subscription] = []
    age_area: float = 0.0
    age_ns: int = 0
    peak_ns: int = 0
    peaks: int = 0
    latencies: LatenciesRecord = NO_LATENCIES
    connecting: LatenciesRecord = NO_LATENCIES
    returning: LatenciesRecord = NO_LATENCIES
    answering: LatenciesRecord = NO_LATENCIES
    repolling: LatenciesRecord = NO_LATENCIES
    reading: LatenciesRecord = NO_LATENCIES
    stages: dict[Stage, LatenciesRecord] = {}
    updates: dict[str, dict[int, Heard]] = {}
    traffic: tuple[Traffic, Traffic] = (NO_TRAFFIC, NO_TRAFFIC)
    processes: list[ProcessUse] = []

    @property
    def heard(self) -> list[Heard]:
        """What was heard of each update of the window."""
        return [heard for of_epoch in self.updates.values() for heard in of_epoch.values()]


class LoadState(msgspec.Struct, frozen=True):
    """Where the load stands: clients subscribed now, clients that have an update, deliveries."""

    subscribed: int = 0
    aged: int = 0
    received: int = 0
    delivered: int = 0


_SUMS = (
    "delivered", "duplicated", "reordered", "received", "repeated", "missing", "arrived",
    "upper_bounds", "unstamped", "requests", "late_polls",
    "connects", "failed_connects", "cuts", "clients", "most_clients", "client_ns", "subscribed", "age_area", "age_ns",
    "peak_ns", "peaks",
)  # fmt: skip

_HISTOGRAMS = ("latencies", "connecting", "returning", "answering", "repolling", "reading")


def merge(records: list[AccountRecord]) -> AccountRecord:
    """Return the account of all records together."""
    total = AccountRecord()
    for record in records:
        for name in _SUMS:
            setattr(total, name, getattr(total, name) + getattr(record, name))
        for outcome, count in record.responses.items():
            total.responses[outcome] += count
        total.partly.extend(record.partly)
        for epoch, of_epoch in record.updates.items():
            heard_in = total.updates.setdefault(epoch, {})
            for seq, heard in of_epoch.items():
                heard_in[seq] = heard_in[seq].plus(heard) if seq in heard_in else heard
        total.traffic = (total.traffic[0].plus(record.traffic[0]), total.traffic[1].plus(record.traffic[1]))
        total.processes.extend(record.processes)
    for name in _HISTOGRAMS:
        setattr(total, name, merged(getattr(record, name) for record in records).to_record())
    for stage in STAGES:
        reached = [record.stages[stage] for record in records if stage in record.stages]
        total.stages[stage] = merged(reached).to_record()
    return total
