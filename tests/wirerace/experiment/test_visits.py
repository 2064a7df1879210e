"""Experiments with visitors: what their file says is what is run, and can be read again."""

from pathlib import Path

import msgspec
import pytest

from tests.wirerace.experiment.bad_visits import VISIT
from tests.wirerace.experiment.files import LEAST, written
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import contestants_of, plans_of
from wirerace.experiment.reading import read_experiment, study_of
from wirerace.experiment.visits import visit_seconds
from wirerace.runner.forecast import expected_seconds
from wirerace.runner.targets.locust import order_flags
from wirerace.workload.order import LoadOrder
from wirerace.workload.population import Population
from wirerace.workload.schedule import Source

SWEPT = VISIT + "updates = [1, 5, 20]\n[producer]\nrate_per_second = 20.0\n[window]\nwarmup_seconds = 3.0\n"


def test_clients_stay_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST))

    assert (False, {"kind": "stay"}) == (study.first.population.is_visit, study.document["population"])
    assert 200 == study.first.staying


def test_resolved_file_of_visitors_is_the_same_study(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + SWEPT))
    again = study_of(study.document, tmp_path)

    assert study.document == again.document
    assert [1, 5, 20] == [setting.experiment.population.updates for setting in again.settings]
    assert "clients" not in study.document
    assert 0 == study.first.staying


@pytest.mark.parametrize(("updates", "expected"), [(1, 0.0), (2, 1.0 + 0.1), (11, 1.0 + 1.0)])
def test_visit_lasts_until_its_updates_are_made_and_a_poll_brings_the_last(updates: int, expected: float) -> None:
    population = Population(kind="visit", updates=updates)
    experiment = Experiment("t", ["polling"], producer=Source(rate_per_second=10.0), population=population)
    (polling,) = contestants_of(experiment)

    assert pytest.approx(expected) == visit_seconds(experiment, polling)


def test_warm_up_of_a_visits_length_is_enough(tmp_path: Path) -> None:
    text = LEAST + VISIT + "updates = 11\n[producer]\nrate_per_second = 10.0\n[window]\nwarmup_seconds = 2.0\n"

    assert 11 == read_experiment(written(tmp_path, text)).first.population.updates


def test_load_is_ordered_one_host_for_each_process(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + SWEPT + "[load]\nprocesses = 3\n"))
    plan = plans_of(study.settings[2], 1)[0]
    flags = order_flags(plan, "http://127.0.0.1:8001")
    order = msgspec.json.decode(str(flags["contestant"]), type=LoadOrder)

    assert (3, "steady") == (flags["users"], flags["shape"])
    assert (plan.experiment.population, 3.0, plan.seed) == (order.population, order.warmup_seconds, order.seed)


def test_time_of_a_trial_does_not_depend_on_clients_that_are_not_there(tmp_path: Path) -> None:
    study = read_experiment(written(tmp_path, LEAST + VISIT))
    slow = msgspec.structs.replace(
        study.first, clients=msgspec.structs.replace(study.first.clients, spawn_per_second=0.1)
    )

    assert [expected_seconds(plan) for plan in plans_of(study.first, 1)] == [
        expected_seconds(plan) for plan in plans_of(slow, 1)
    ]
