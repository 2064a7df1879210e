"""An account as it travels from load processes to results: sums over clients, each exact, so records merge."""

from typing import Literal, NamedTuple, get_args

import msgspec

from wirerace.histogram import LatenciesRecord, merged
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


class AccountRecord(msgspec.Struct, forbid_unknown_fields=True):
    """An account as it travels: sums over clients, each exact, so that records merge without loss.

    `subscribed` counts the clients subscribed through the whole window, `partly` lists the subscriptions of the others,
    `client_ns` adds up how long each was subscribed within it; `age_area` is the integral of age over the window, s²,
    and `age_ns` the time over which it was taken; `updates` tells for each update (epoch, then seq) how many clients
    received it and the highest latency, ns.

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
    latencies: LatenciesRecord = LatenciesRecord("", 0, 0, None, None)
    connecting: LatenciesRecord = LatenciesRecord("", 0, 0, None, None)
    returning: LatenciesRecord = LatenciesRecord("", 0, 0, None, None)
    stages: dict[Stage, LatenciesRecord] = {}
    updates: dict[str, dict[int, tuple[int, int]]] = {}


class LoadState(msgspec.Struct, frozen=True):
    """Where the load stands: clients subscribed now, clients that have an update, deliveries."""

    subscribed: int = 0
    aged: int = 0
    received: int = 0
    delivered: int = 0


_SUMS = (
    "delivered", "duplicated", "reordered", "received", "repeated", "missing", "arrived", "requests", "late_polls",
    "connects", "failed_connects", "cuts", "clients", "most_clients", "client_ns", "subscribed", "age_area", "age_ns",
    "peak_ns", "peaks",
)  # fmt: skip


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
            for seq, (clients, worst_ns) in of_epoch.items():
                so_far = heard_in.get(seq, (0, worst_ns))
                heard_in[seq] = (so_far[0] + clients, max(so_far[1], worst_ns))
    total.latencies = merged(record.latencies for record in records).to_record()
    total.connecting = merged(record.connecting for record in records).to_record()
    total.returning = merged(record.returning for record in records).to_record()
    for stage in STAGES:
        reached = [record.stages[stage] for record in records if stage in record.stages]
        total.stages[stage] = merged(reached).to_record()
    return total
