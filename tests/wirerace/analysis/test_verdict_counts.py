"""The verdict on a window with few updates, answers or deliveries, and on a trace or an age that is missing."""

import msgspec
import pytest

from tests.wirerace.analysis.good import CLIENTS, EXPERIMENT, GOOD, SECOND, STEADY, changed, judged, with_account
from tests.wirerace.trials import plan_of
from wirerace.analysis.validity.finding import Evidence
from wirerace.analysis.validity.verdict import verdict
from wirerace.experiment.model import WindowOptions
from wirerace.observe.account import Spread
from wirerace.workload.schedule import Source


@pytest.mark.parametrize(
    ("rate", "warmup_seconds", "found"),
    [
        (0.01, 1.0, "no update was made in the window"),
        (0.1, 9.0, "only 1 update was made in the window"),
    ],
)
def test_nothing_to_measure_is_a_reason_though_it_was_the_schedule(
    rate: float, warmup_seconds: float, found: str
) -> None:
    experiment = msgspec.structs.replace(
        EXPERIMENT,
        producer=Source(rate_per_second=rate, arrivals="periodic"),
        window=WindowOptions(warmup_seconds=warmup_seconds),
    )
    verdict_ = judged(changed("updates", int(found.startswith("only"))), with_account(updates={}), experiment)

    assert [f"{found}: every figure rests on updates"] == verdict_.reasons


def test_few_updates_are_a_doubt() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(rate_per_second=0.5, arrivals="periodic"))

    assert ["only 5 updates were made in the window: means over so few of them depend on luck"] == judged(
        changed("updates", 5), experiment=experiment
    ).doubts


def test_updates_that_hardly_any_client_received_are_a_reason() -> None:
    found = judged(changed("delivered", 2), with_account(updates={"e": {1: Spread(2, 10, 5, 5)}}))

    assert ["clients received 1 of the window's 100 updates"] == [reason.partition(":")[0] for reason in found.reasons]


def test_trace_that_is_gone_leaves_open_what_was_due() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, producer=Source(arrivals="trace", trace_file="gone.csv"))

    assert ["what was due: the trace cannot be read again"] == judged(experiment=experiment).unchecked


def test_few_answers_are_a_doubt() -> None:
    trial = msgspec.structs.replace(GOOD, responses={"data": 5, "empty": 1, "error": 0})
    found = verdict(Evidence(plan_of("longpolling", experiment=EXPERIMENT), STEADY, trial))

    assert ["only 6 answers were received in the window"] == [doubt.partition(":")[0] for doubt in found.doubts]


@pytest.mark.parametrize(("aged", "valid"), [(0.9, True), (0.4, False)])
def test_time_without_an_age_is_a_finding(aged: float, *, valid: bool) -> None:
    found = judged(raw=with_account(age_ns=round(CLIENTS * 10 * SECOND * aged)))

    assert valid is found.valid
    assert found.findings[0].what.startswith("clients had no update yet for")
