"""Trials and results of visitors, made by hand."""

from msgspec.structs import replace

from tests.wirerace.results import RESULT, TRIAL
from wirerace.experiment.model import Experiment, document_of
from wirerace.observe.visit import VISIT_STAGES
from wirerace.record.durations import Times
from wirerace.record.result import ContestantRecord, Point, Result
from wirerace.record.samples import Resting
from wirerace.record.trial import Trial, Verdict
from wirerace.record.visits import Visits
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import Population

VISITS = Visits(
    updates=5,
    due=100,
    finished=98,
    gave_up=2,
    unfinished=0,
    stale=0,
    stages_seconds={
        stage: Times(100, (index + 1) / 1000, (index + 1) / 1000, (index + 1) / 500, (index + 1) / 100)
        for index, stage in enumerate(stage for stage in VISIT_STAGES if stage != "tls_established")
    }
    | {"tls_established": Times(0, None, None, None, None)},
    first_age_seconds=Times(100, 0.05, 0.04, 0.2, 0.3),
    requests=3.5,
    connections=1.25,
    resting=Resting(600, 40, 28_232),
)
TRIAL_OF_VISITS = replace(
    TRIAL,
    window_seconds=4.0,
    visits=VISITS,
    bytes=replace(
        TRIAL.bytes,
        payload=50_000,
        application_in=20_000,
        application_out=90_000,
        ip_in=60_000,
        ip_out=140_000,
        segments_in=900,
        segments_out=1_100,
    ),
    server=replace(TRIAL.server, cpu_seconds=0.2, idle_utilisation=0.01),
    verdict=Verdict(valid=True),
)
EXPERIMENT = Experiment("t", list(TRANSPORTS), population=Population(kind="visit", updates=5))


def costing(trial: Trial, requests: float, cpu_us: float) -> Trial:
    """Return a trial whose visits cost that much; segments and bytes cost as much as requests."""
    assert trial.visits is not None
    return replace(
        trial,
        visits=replace(trial.visits, requests=requests),
        bytes=replace(
            trial.bytes, segments_in=round(100 * requests), segments_out=0, ip_in=round(1000 * requests), ip_out=0
        ),
        server=replace(trial.server, cpu_seconds=cpu_us * 1e-4, idle_utilisation=0.0),
    )


def swept(costs: dict[str, dict[int, list[float]]], **setting: object) -> Result:
    """Return a sweep over the updates of a visit: costs by contestant, by number of updates, for each repeat."""
    numbers = list(next(iter(costs.values())))
    trials = [
        replace(costing(TRIAL_OF_VISITS, cost, 100 * cost), contestant=name, transport=name, point=point, repeat=repeat)
        for name, by_number in costs.items()
        for point, number in enumerate(numbers)
        for repeat, cost in enumerate(by_number[number], 1)
    ]
    return replace(
        RESULT,
        experiment=document_of(EXPERIMENT),
        contestants=[ContestantRecord(name, TRANSPORTS[name].title, name) for name in costs],
        points=[Point({"population.updates": number} | setting) for number in numbers],
        trials=trials,
        failures=[],
    )
