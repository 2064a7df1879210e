"""Raw records of trials, made by hand."""

from msgspec.structs import replace

from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, UNKNOWN, at_ends, plan_of
from wirerace.analysis.measure import figures
from wirerace.observe.account import AccountRecord, Subscription, Window
from wirerace.observe.histogram import Latencies, LatenciesRecord
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import Raw
from wirerace.record.samples import Measured, Memory, ServerSample
from wirerace.record.trial import Trial
from wirerace.wire.update import Cursor
from wirerace.workload.truth import EpochMade, Truth

PLAN = plan_of("polling", 2, 7)
WINDOW = Window(10_000_000_000, 20_000_000_000)
MS = 1_000_000


def made(*at_seconds: float, epoch: str = "e0", late_ns: int = 0) -> EpochMade:
    ts = [round(at * 1e9) for at in at_seconds]
    return EpochMade(epoch, list(range(1, len(ts) + 1)), ts, [late_ns] * len(ts))


def part(epoch: str, seq: int, last_epoch: str = "", last_seq: int = 0, left_seconds: float = 0) -> Subscription:
    """Return a subscription after (epoch, seq); with `last`, that of a client that left."""
    if not last_epoch:
        return Subscription(Cursor(epoch, seq))
    return Subscription(Cursor(epoch, seq), Cursor(last_epoch, last_seq), round(left_seconds * 1e9))


def truth_of(*epochs: EpochMade, complete: bool = True) -> Truth:
    return Truth(sum(len(epoch.ts) for epoch in epochs), complete, list(epochs))


def trial_of(account: AccountRecord, truth: Truth, measured: Measured = NOTHING_MEASURED) -> Trial:
    return figures(PLAN, Raw(WINDOW, account, truth, measured))


def recorded(latencies_ns: list[int]) -> LatenciesRecord:
    latencies = Latencies()
    for latency_ns in latencies_ns:
        latencies.record(latency_ns)
    return latencies.to_record()


def received_by(clients: int, *latencies: int, unit_ns: int = MS) -> AccountRecord:
    """Return the account of updates that all clients received_by, each with one latency."""
    return AccountRecord(
        delivered=clients * len(latencies),
        subscribed=clients,
        latencies=recorded([latency * unit_ns for latency in latencies for _ in range(clients)]),
        updates={"e0": SpreadColumns.of({seq: same(clients, ms * unit_ns) for seq, ms in enumerate(latencies, 1)})},
    )


def same(clients: int, latency_ns: int) -> Spread:
    return Spread(clients, clients * latency_ns, latency_ns, latency_ns)


def counters(cpu_seconds: float | None, *counts: int) -> ServerSample:
    """Return a sample with its bytes: payload, received, sent, heartbeat."""
    payload, received, sent, heartbeat = counts
    return replace(
        NOTHING_SPENT,
        cpu_seconds=cpu_seconds,
        payload_bytes=payload,
        received_bytes=received,
        sent_bytes=sent,
        heartbeat_bytes=heartbeat,
    )


def memory(user_bytes: int | None, socket_bytes: int | None = None) -> Memory:
    return replace(UNKNOWN, user_bytes=user_bytes, socket_bytes=socket_bytes)


def sampled(before: ServerSample, after: ServerSample) -> Measured:
    return at_ends(WINDOW, replace(NOTHING_MEASURED, server=(before, after)))
