"""A raw record of 49 updates that three clients received, to be judged."""

from msgspec.structs import replace

from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, at_ends
from wirerace.experiment.model import Experiment
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.histogram import Latencies, LatenciesRecord
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.result import Raw
from wirerace.workload.schedule import Source
from wirerace.workload.truth import EpochMade, Truth

SECOND, MS = 10**9, 10**6
WINDOW = Window(100 * SECOND, 110 * SECOND)
MADE = [90 * SECOND, *(WINDOW.from_ns + index * SECOND // 5 for index in range(1, 50))]
TRUTH = Truth(len(MADE), complete=True, epochs=[EpochMade("e", list(range(len(MADE))), MADE, [MS] * len(MADE))])
SERVER = (NOTHING_SPENT, replace(NOTHING_SPENT, feed_seconds=0.003 * 49, feed_updates=49, feed_reads=49))
MEASURED = at_ends(WINDOW, replace(NOTHING_MEASURED, server=SERVER))
SPREADS = SpreadColumns.of({seq: Spread(3, 15 * MS, 4 * MS, 6 * MS) for seq in range(1, 50)})
EXPERIMENT = Experiment("t", ["polling"], producer=Source(arrivals="periodic"))


def recorded(*latencies_ns: int) -> LatenciesRecord:
    latencies = Latencies()
    for latency_ns in latencies_ns:
        latencies.record(latency_ns)
    return latencies.to_record()


def raw_of(**account: object) -> Raw:
    """Return the record; `account` replaces fields of its account."""
    whole = AccountRecord(subscribed=3, most_clients=3, delivered=147, arrived=147, client_ns=30 * SECOND)
    return Raw(
        WINDOW,
        replace(whole, **{"updates": {"e": SPREADS}, "latencies": recorded(*[5 * MS] * 147)} | account),
        TRUTH,
        MEASURED,
    )


def working(
    raw: Raw,
    cpu_seconds: float,
    waited_seconds: float = 0.0,
    idle_utilisation: float | None = None,
    upkeep_cpu_seconds: float | None = None,
) -> Raw:
    """Return the record of a server that worked for a time in the window; None for upkeep: of an older version."""
    before, after = SERVER
    server = (
        replace(
            before,
            cpu_seconds=0.0,
            waited_seconds=0.0,
            upkeep_cpu_seconds=None if upkeep_cpu_seconds is None else 0.0,
        ),
        replace(after, cpu_seconds=cpu_seconds, waited_seconds=waited_seconds, upkeep_cpu_seconds=upkeep_cpu_seconds),
    )
    measured = replace(MEASURED, server=server, idle_utilisation=idle_utilisation)
    return replace(raw, measured=at_ends(WINDOW, measured))
