"""Theory beside measurement: cells, their kind and tolerance, and the conditions under which they hold."""

import msgspec
import pytest

from tests.wirerace.analysis.measurements import (
    EXPERIMENT,
    MEASURED,
    MS,
    SECOND,
    SPREADS,
    TRUTH,
    WINDOW,
    raw_of,
    recorded,
    working,
)
from tests.wirerace.trials import plan_of, trial_of
from wirerace.analysis.judge import judged, with_verdict
from wirerace.analysis.predict import latencies_of, measured_of
from wirerace.experiment.faults import Fault
from wirerace.experiment.model import Clients
from wirerace.observe.account import AccountRecord
from wirerace.record.durations import Times
from wirerace.record.result import Raw
from wirerace.record.trial import Cell, Trial
from wirerace.theory import find_theory
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import Population


def of_websocket(raw: Raw) -> Trial:
    return judged(plan_of("websocket", experiment=EXPERIMENT), raw)


def cells_of(trial: Trial) -> dict[str, Cell]:
    return {cell.quantity: cell for cell in trial.theory}


def test_path_is_unknown_when_nothing_was_received() -> None:
    raw = Raw(WINDOW, AccountRecord(), TRUTH, MEASURED)
    for transport in ("polling", "longpolling", "websocket"):
        trial = trial_of(plan_of(transport), WINDOW, raw.account, TRUTH, MEASURED)
        theory = find_theory(transport)
        assert theory is not None
        assert theory.path_of(plan_of(transport), raw, trial) is None
        found = with_verdict(plan_of(transport, experiment=EXPERIMENT), raw, trial)
        assert [] == found.theory
        assert found.verdict is not None
        assert "theory: too little was measured to predict from" in found.verdict.unchecked


def test_transport_without_theory_is_measured_and_the_verdict_says_that_it_was_not_checked() -> None:
    raw, plan = raw_of(), plan_of("websocket")
    pigeon = msgspec.structs.replace(plan.transport, name="pigeon")
    plan = plan._replace(contestant=msgspec.structs.replace(plan.contestant, transport=pigeon))
    found = judged(plan, raw)

    assert ([], []) == (found.theory, found.conditions)
    assert pytest.approx(0.005) == found.latency_seconds.mean
    assert found.verdict is not None
    assert [f"no theory of {plan.transport.name}"] == [text for text in found.verdict.unchecked if "theory" in text]


@pytest.mark.long
def test_theory_stands_beside_every_quantity_that_was_measured() -> None:
    """An update takes 1 ms of the server for each of three clients. Latency is 3 ms of feed and half of two sends."""
    cells = cells_of(of_websocket(working(raw_of(age_area=30 * 0.105, age_ns=30 * SECOND), 49 * 0.003)))

    assert {"latency_seconds", "age_seconds", "responses_per_client_second"} == cells.keys()
    latency, responses = cells["latency_seconds"], cells["responses_per_client_second"]
    assert pytest.approx((0.005, 0.004, 1.25)) == (latency.measured, latency.given, latency.ratio)
    assert latency.within
    assert pytest.approx(0.25 * 0.004 + 0.0002) == latency.tolerance
    assert {"prediction"} == {cell.kind for cell in cells.values()}
    assert pytest.approx((4.9, 4.9, 5.0)) == (responses.measured, responses.given, responses.closed)


@pytest.mark.long
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_latencies_are_distributed_around_the_prediction_that_stands_in_the_table(transport: str) -> None:
    raw = working(raw_of(repolling=recorded(*[MS] * 10, *[90 * MS] * 5), answering=recorded(MS)), 49 * 0.003)
    plan = plan_of(transport, experiment=EXPERIMENT)
    trial = judged(plan, raw)
    found = latencies_of(plan, raw, trial)

    assert found is not None
    least, longest = found.least_seconds, found.longest_seconds
    step = (longest - least) / 2000
    mean = least + step * sum(1 - found.within(least + (number + 0.5) * step) for number in range(2000))
    assert pytest.approx(cells_of(trial)["latency_seconds"].given, abs=step + 1e-9) == mean


@pytest.mark.long
def test_nothing_is_distributed_where_nothing_is_predicted() -> None:
    spike = msgspec.structs.replace(EXPERIMENT, clients=Clients(shape="spike"))
    visits = msgspec.structs.replace(EXPERIMENT, population=Population(kind="visit"))
    raw = raw_of()
    trial = of_websocket(raw)

    for experiment in (spike, visits):
        assert None is latencies_of(plan_of("websocket", experiment=experiment), raw, trial)
    nothing = Raw(WINDOW, AccountRecord(), TRUTH, MEASURED)
    assert None is latencies_of(plan_of("websocket", experiment=EXPERIMENT), nothing, trial)


def test_cell_outside_its_tolerance_is_flagged() -> None:
    found = of_websocket(raw_of(client_ns=20 * SECOND))
    responses = cells_of(found)["responses_per_client_second"]

    assert responses.within is False
    assert pytest.approx(1.5) == responses.ratio
    assert found.verdict is not None
    assert any("responses per client second is outside" in reason for reason in found.verdict.reasons)


def test_theory_says_nothing_of_clients_that_come_and_go() -> None:
    experiment = msgspec.structs.replace(EXPERIMENT, clients=Clients(shape="spike"))
    raw, plan = raw_of(), plan_of("websocket", experiment=experiment)

    assert [] == judged(plan, raw).theory


def test_answers_that_hold_updates_are_what_updates_are_divided_by() -> None:
    raw = raw_of(responses={"data": 49, "empty": 1, "error": 5})
    trial = msgspec.structs.replace(
        trial_of(plan_of("polling"), WINDOW, raw.account, TRUTH, MEASURED), request_seconds=Times(1, 1, 1, 1, 1)
    )
    found = measured_of(plan_of("polling"), trial)

    assert pytest.approx((3.0, 0.02, 50 / 30)) == (
        found.updates_per_response,
        found.empty_fraction,
        found.responses_per_client_second,
    )


def test_partial_answers_and_the_one_that_brings_the_rest_count_as_one() -> None:
    raw = raw_of(responses={"data": 89, "empty": 1, "error": 5}, partial_responses=40)
    trial = trial_of(plan_of("polling"), WINDOW, raw.account, TRUTH, MEASURED)
    found = measured_of(plan_of("polling"), trial)

    assert pytest.approx((3.0, 0.02, 50 / 30)) == (
        found.updates_per_response,
        found.empty_fraction,
        found.responses_per_client_second,
    )


def test_theory_says_nothing_of_a_server_that_stands_still() -> None:
    experiment = msgspec.structs.replace(
        EXPERIMENT, faults=[Fault(kind="stall", on="server", at_seconds=1.0, lasts_seconds=1.0)]
    )
    raw, plan = raw_of(), plan_of("websocket", experiment=experiment)

    assert [] == judged(plan, raw).theory


def test_latency_of_push_that_is_35_percent_off_is_flagged() -> None:
    """5 ms were measured, and the server's CPU time predicts 3.7."""
    latency = cells_of(of_websocket(working(raw_of(), 49 * 0.003 * 0.7)))["latency_seconds"]

    assert pytest.approx(1.351, rel=1e-3) == latency.ratio
    assert latency.within is False
    assert "prediction" == latency.kind


def test_what_is_fitted_from_the_same_trial_is_called_a_fit() -> None:
    cells = cells_of(of_websocket(raw_of(age_area=30 * 0.105, age_ns=30 * SECOND)))

    assert ["fit", "prediction", "prediction"] == [
        cells[name].kind for name in ("latency_seconds", "age_seconds", "responses_per_client_second")
    ]
    assert pytest.approx(0.005) == cells["latency_seconds"].given


def test_age_is_a_fit_when_more_of_it_than_the_tolerance_was_fitted() -> None:
    slow = {"e": msgspec.structs.replace(SPREADS, least_ns=[10 * least_ns for least_ns in SPREADS.least_ns])}

    assert (
        "fit"
        == cells_of(of_websocket(raw_of(age_area=30 * 0.14, age_ns=30 * SECOND, updates=slow)))["age_seconds"].kind
    )


@pytest.mark.long
def test_trial_has_the_conditions_of_its_theory_with_their_values() -> None:
    (condition,) = of_websocket(working(raw_of(), 49 * 0.003)).conditions

    assert ("server_load", True) == (condition.name, condition.holds)
    assert pytest.approx((4.9 * 0.003, 0.1)) == (condition.value, condition.most)


@pytest.mark.long
def test_condition_that_is_broken_is_in_the_verdict_as_why_theory_is_off() -> None:
    """The server works for 2 s of 10: ρ = 0.2."""
    found = of_websocket(working(raw_of(), 2.0))

    assert [False] == [condition.holds for condition in found.conditions]
    assert found.verdict is not None
    because = "theory does not hold here, because the server works on an update while others wait (ρ = λNc = 0.2)"
    assert [f"latency is outside of what theory allows, 0.301 × the prediction: {because}"] == [
        doubt for doubt in found.verdict.doubts if doubt.startswith("latency")
    ]
