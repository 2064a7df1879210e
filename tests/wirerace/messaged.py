"""Messages and trials with them, made by hand."""

from msgspec.structs import replace

from tests.wirerace.results import RESULT, TRIAL
from wirerace.experiment.model import Experiment, document_of
from wirerace.record.durations import Times
from wirerace.record.messages import Messages
from wirerace.record.result import ContestantRecord, Point, Result
from wirerace.record.trial import Trial, Verdict
from wirerace.transports import TRANSPORTS
from wirerace.workload.upstream import Upstream

SOME = Times(100, 0.002, 0.0015, 0.004, 0.005)
MESSAGES = Messages(
    due=100,
    received=100,
    acknowledged=100,
    lost=0,
    unsent=0,
    refused=0,
    duplicated=0,
    relayed=None,
    updates=0,
    reach=1.0,
    latency_seconds=SOME,
    waiting_seconds=Times(100, 0.001, 0.001, 0.002, 0.002),
    late_seconds=Times(100, 0.0005, 0.0005, 0.001, 0.001),
    acknowledge_seconds=Times(100, 0.003, 0.003, 0.006, 0.007),
    relay_seconds=None,
    relayed_seconds=Times(0, None, None, None, None),
    bytes_out=250.0,
    bytes_in=150.0,
    connections=20,
    unacknowledged=0,
    unfounded=0,
    invented=0,
    impossible=0,
    stray=0,
    foreign=0,
    recorded=True,
)
RELAYED = replace(MESSAGES, relayed=100, updates=100, relay_seconds=0.001, relayed_seconds=SOME)
EXPERIMENT = Experiment("t", list(TRANSPORTS), upstream=Upstream(rate_per_second=1.0))
RATE = "upstream.rate_per_second"


def sending(trial: Trial, rate: float, cpu_seconds: float, latency_seconds: float) -> Trial:
    """Return a trial of ten seconds in which 100 messages a unit of rate came."""
    count = round(100 * rate)
    messages = replace(MESSAGES, due=count, received=count) if rate else None
    latency = replace(trial.latency_seconds, mean=latency_seconds)
    server = replace(trial.server, cpu_seconds=cpu_seconds)
    return replace(
        trial,
        window_seconds=10.0,
        messages=messages,
        latency_seconds=latency,
        server=server,
        verdict=Verdict(valid=True),
    )


def swept(costs: dict[str, dict[float, list[tuple[float, float]]]], **setting: object) -> Result:
    """Return a sweep over rates: CPU seconds and latency by contestant, by rate, for each repeat."""
    rates = list(next(iter(costs.values())))
    trials = [
        replace(sending(TRIAL, rate, *cost), contestant=name, transport=name, point=point, repeat=repeat)
        for name, by_rate in costs.items()
        for point, rate in enumerate(rates)
        for repeat, cost in enumerate(by_rate[rate], 1)
    ]
    return replace(
        RESULT,
        experiment=document_of(EXPERIMENT),
        contestants=[ContestantRecord(name, TRANSPORTS[name].title, name) for name in costs],
        points=[Point({RATE: rate} | setting) for rate in rates],
        trials=trials,
        failures=[],
    )
