"""A trial without a fault, and its verdict; tests change one value of it."""

from typing import Any

import msgspec

from tests.wirerace.trials import NOTHING_MEASURED, NOTHING_SPENT, at_ends, plan_of, trial_of
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.faults import Fault, FaultKind, FaultPlace
from wirerace.experiment.model import Clients, Experiment
from wirerace.observe.account import AccountRecord, ProcessUse, Window
from wirerace.observe.spread import Spread, SpreadColumns
from wirerace.record.durations import Times
from wirerace.record.parts import Machine, ProducerQuality
from wirerace.record.result import Raw
from wirerace.record.samples import Resent
from wirerace.record.trial import Cell, Latency, Trial, Verdict
from wirerace.workload.schedule import Source
from wirerace.workload.truth import EpochMade, Truth

SECOND, MS = 10**9, 10**6
WINDOW = Window(100 * SECOND, 110 * SECOND)
MADE = [WINDOW.from_ns + index * SECOND // 10 for index in range(100)]
CLIENTS = 200
MEASURED = at_ends(
    WINDOW,
    msgspec.structs.replace(NOTHING_MEASURED, server=(NOTHING_SPENT, NOTHING_SPENT), resent=Resent(0, 0, 0)),
)
IDLE = ProcessUse(WINDOW.from_ns, WINDOW.to_ns, 1.0, 0.1, 0.0)


def raw_of(latencies_ms: list[float]) -> Raw:
    """Return the record of updates that all clients received with these latencies, each a little apart."""
    received = {}
    for seq, latency in enumerate(latencies_ms, 1):
        least, most = round(latency * 1e6), round(latency * 1e6) + 10_000
        received[seq] = Spread(CLIENTS, CLIENTS * least, least, most)
    account = AccountRecord(
        subscribed=CLIENTS,
        most_clients=CLIENTS,
        delivered=CLIENTS * len(received),
        client_ns=CLIENTS * 10 * SECOND,
        age_ns=CLIENTS * 10 * SECOND,
        updates={"e": SpreadColumns.of(received)},
        processes=[IDLE],
        closed_ns=[WINDOW.to_ns + SECOND],
    )
    truth = Truth(len(MADE), complete=True, epochs=[EpochMade("e", list(range(1, 101)), MADE, [0] * 100)])
    return Raw(WINDOW, account, truth, MEASURED)


STEADY = raw_of([5 + index % 7 for index in range(100)])
EXPERIMENT = Experiment(
    "t",
    ["websocket"],
    producer=Source(rate_per_second=10.0, arrivals="periodic"),
    clients=Clients(count=CLIENTS),
)
PLAN = plan_of("websocket", experiment=EXPERIMENT)
BARE = trial_of(PLAN, WINDOW, STEADY.account, STEADY.truth)
GOOD = msgspec.structs.replace(
    BARE,
    latency_seconds=Latency(0.008, 0.0075, 0.010, 0.0105, None, 0.011),
    reader_lag_seconds=Times(20_000, 0.001, 0.001, 0.002, 0.003),
    requests=1000,
    bytes=msgspec.structs.replace(BARE.bytes, segments_in=5000, segments_out=5000, retransmitted=0),
    server=msgspec.structs.replace(BARE.server, cpu_seconds=1.0, waited_seconds=0.1, throttled_seconds=0.0),
    load=msgspec.structs.replace(
        BARE.load, cpu_seconds=1.0, waited_seconds=0.1, throttled_seconds=0.0, busiest_utilisation=0.1
    ),
    producer=ProducerQuality(0.0002, 0.001),
    machine=Machine(2, 0.1, 0.0, 0.0, 0.0),
    theory=[Cell("latency_seconds", 0.008, 0.008, 0.008, 0.0, 1.0, 0.001, within=True)],
)


def judged(
    trial: Trial = GOOD, raw: Raw = STEADY, experiment: Experiment = EXPERIMENT, transport: str = "websocket"
) -> Verdict:
    found = verdict(Evidence(plan_of(transport, experiment=experiment), raw, trial))
    for finding in found.findings:  # what was found, why it matters, what to do
        assert finding.what
        assert finding.weight == "unchecked" or (finding.why and finding.cure), finding
    return found


def changed(path: str, value: Any) -> Trial:
    """Return the good trial with one value changed, of the trial or of one of its parts."""
    name, _, inner = path.partition(".")
    if inner:
        value = msgspec.structs.replace(getattr(GOOD, name), **{inner: value})
    return msgspec.structs.replace(GOOD, **{name: value})


def with_fault(kind: FaultKind, on: FaultPlace, lasts_seconds: float = 0.0) -> Experiment:
    """Return the experiment with a fault asked for, one second into the window."""
    fault = Fault(kind=kind, on=on, at_seconds=1.0, lasts_seconds=lasts_seconds)
    return msgspec.structs.replace(EXPERIMENT, faults=[fault])


def with_account(**changes: Any) -> Raw:
    """Return the steady record with parts of its account changed."""
    return msgspec.structs.replace(STEADY, account=msgspec.structs.replace(STEADY.account, **changes))
