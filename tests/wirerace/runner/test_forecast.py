"""How long a run takes: what is said before it, and while it goes on."""

import itertools

import pytest

from tests.wirerace.searched import Outcome, begun, continued, each, searched, study_with, up_to
from wirerace.analysis.capacity.found import Step
from wirerace.experiment.plans import plans_of
from wirerace.runner.forecast import Forecast, expected_seconds, seconds_of_step

RATE = "producer.rate_per_second"


@pytest.mark.parametrize("capacity", [150, 350, 700, 1300])
def test_number_of_trials_of_a_search_is_foreseen_about_right(capacity: float) -> None:
    study = study_with()
    plans, _ = searched(study, up_to(capacity))
    fewest, most = Forecast(study).left().trials

    assert 0.75 * fewest <= len(plans) <= most


@pytest.mark.long
def test_what_is_left_of_a_search_follows_from_what_it_has_found() -> None:
    """A search whose server is not the limit has no trials after an overload, and the most clients end it at once."""
    study = study_with()
    result = begun(study)
    forecast = Forecast(study)
    first = forecast.left(result)
    for _ in continued(study, result, each(polling=up_to(300), websocket=up_to(1600))):
        assert forecast.left(result).trials <= first.trials
    assert ((0, 0), (0.0, 0.0)) == forecast.left(result)


@pytest.mark.long
def test_search_that_is_nearly_ended_has_no_range_left() -> None:
    study = study_with(transports=["polling"])
    plans, _ = searched(study, up_to(300))
    result = begun(study)
    list(itertools.islice(continued(study, result, up_to(300)), len(plans) - 1))
    fewest, most = Forecast(study).left(result).trials

    assert 1 == fewest <= most


def test_search_may_be_noisy_and_still_be_foreseen() -> None:
    """A value that met its objectives once, and missed them once, is open."""
    study = study_with(transports=["polling"])
    outcomes: list[Outcome] = ["met", "server", "met", "server", "met"]
    says = iter(outcomes)
    _, result = searched(study, lambda _: next(says), 5)
    fewest, most = Forecast(study).left(result).trials

    assert 0 < fewest <= most < 30


def test_more_clients_take_longer_to_come_and_an_overload_comes_on_top() -> None:
    study = study_with(transports=["polling"], clients={"count": 100, "spawn_per_second": 50})
    plan = plans_of(study.settings[0], 1)[0]
    window = plan.experiment.window.warmup_seconds + plan.experiment.window.measure_seconds

    assert expected_seconds(plan) == seconds_of_step(plan, Step(100), "local")
    assert 2 == seconds_of_step(plan, Step(200), "local") - seconds_of_step(plan, Step(100), "local")
    assert 5 == seconds_of_step(plan, Step(100), "compose") - seconds_of_step(plan, Step(100), "local")
    assert seconds_of_step(plan, Step(100, 200), "local") > seconds_of_step(plan, Step(100), "local") + window + 4


def test_a_higher_rate_does_not_take_longer() -> None:
    capacity = {"objectives": ["latency.p99 < 0.5"], "most": 1600, "knob": RATE}
    plan = plans_of(study_with(capacity=capacity).settings[0], 1)[0]

    assert expected_seconds(plan) == seconds_of_step(plan, Step(800), "local")
