"""Planners decide which trials run: all repeats, or repeats until enough are valid."""

from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from tests.wirerace.trials import trial_of
from wirerace.experiment.model import Experiment
from wirerace.experiment.plans import Plan, contestants_of
from wirerace.experiment.reading import study_of
from wirerace.experiment.settings import Study, alone
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import ContestantRecord, Discarded, Failure, Host, Point, Result
from wirerace.record.trial import Verdict
from wirerace.runner.forecast import Forecast
from wirerace.runner.planner import planner_of
from wirerace.runner.run import warn_of_too_few
from wirerace.workload.truth import Truth

TRANSPORTS = ["polling", "websocket"]


def ran(experiment: Experiment, invalid: set[int], failed: Collection[int] = ()) -> tuple[list[Plan], Result]:
    """Run nothing, but with these repeats found invalid, or not completed, in their first trial."""
    study, plans = alone(experiment), []
    result = empty(study)
    while (plan := planner_of(study).next(result)) is not None:
        plans.append(plan)
        note(result, plan, invalid, failed)
    warn_of_too_few(study, result)
    return plans, result


def empty(study: Study) -> Result:
    contestants = [ContestantRecord(one.id, one.title, one.transport.name) for one in contestants_of(study.first)]
    points = [Point(setting.values) for setting in study.settings]
    host = Host(1, "", "", {})
    return Result(
        wirerace="", experiment=study.document, host=host, started_at="", contestants=contestants, points=points
    )


def note(result: Result, plan: Plan, invalid: Collection[int] = (), failed: Collection[int] = ()) -> None:
    """Add the outcome of a plan to a result."""
    point = plan.setting.number
    if plan.repeat in failed:
        result.failures.append(Failure(plan.contestant.id, plan.repeat, "it broke", point))
    else:
        bare = trial_of(plan, Window(0, 1), AccountRecord(), Truth(0, complete=True, epochs=[]))
        result.trials.append(msgspec.structs.replace(bare, verdict=Verdict(valid=plan.repeat not in invalid)))
    if plan.experiment.valid_repeats and plan.repeat in {*invalid, *failed}:
        result.discarded.append(Discarded(point, plan.repeat))


def test_every_repeat_runs_every_contestant_valid_or_not() -> None:
    plans, result = ran(Experiment("t", TRANSPORTS, repeats=3), invalid={2}, failed={3})

    assert [1, 1, 2, 2, 3, 3] == [plan.repeat for plan in plans]
    assert ([], True) == (result.discarded, result.is_enough)


def test_repeats_continue_until_enough_are_valid_and_an_invalid_one_is_not_run_to_its_end() -> None:
    plans, result = ran(Experiment("t", TRANSPORTS, valid_repeats=2, tries=5), invalid={1}, failed={3})

    assert [1, 2, 2, 3, 4, 4] == [plan.repeat for plan in plans]
    assert ([Discarded(0, 1), Discarded(0, 3)], True) == (result.discarded, result.is_enough)
    assert {2, 4} == {trial.repeat for trial in result.counted}


@pytest.mark.parametrize("tries", [2, 3])
def test_repeats_end_when_the_tries_do_and_say_so(tries: int) -> None:
    plans, result = ran(Experiment("t", TRANSPORTS, valid_repeats=2, tries=tries), invalid={1, 2, 3})

    assert list(range(1, tries + 1)) == [plan.repeat for plan in plans]
    assert not result.is_enough
    assert [f"only 0 of 2 repeats were valid, in {tries} tries"] == result.warnings


def test_one_seed_is_used_once() -> None:
    plans, _ = ran(Experiment("t", TRANSPORTS, seed=5, valid_repeats=2, tries=5), invalid={1})

    assert [5, 6, 6, 7, 7] == [plan.seed for plan in plans]


def test_repeat_with_a_trial_that_was_not_judged_is_not_valid() -> None:
    _, result = ran(Experiment("t", TRANSPORTS), invalid=set())
    unjudged = [msgspec.structs.replace(trial, verdict=None) for trial in result.trials]

    assert result.is_valid(0, 1)
    assert not msgspec.structs.replace(result, trials=unjudged).is_valid(0, 1)


SWEEP = {"title": "t", "transports": TRANSPORTS, "repeats": 2, "clients": {"count": [10, 20, 30]}}


def test_sweep_runs_the_first_repeat_of_every_setting_before_the_second_of_any() -> None:
    study = study_of(SWEEP, Path())
    result, plans = empty(study), []
    while (plan := planner_of(study).next(result)) is not None:
        plans.append(plan)
        note(result, plan)

    assert [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)] == list(
        dict.fromkeys((plan.repeat, plan.experiment.clients.count) for plan in plans)
    )
    assert 12 == len({(plan.repeat, plan.setting.number, plan.contestant.id) for plan in plans})
    assert (len(plans), len(plans)) == Forecast(study).left().trials


def test_setting_with_an_invalid_repeat_gets_another_one_and_the_others_do_not() -> None:
    study = study_of({**SWEEP, "repeats": 1, "valid_repeats": 1}, Path())
    result, plans = empty(study), []
    while (plan := planner_of(study).next(result)) is not None:
        plans.append(plan)
        note(result, plan, invalid={1} if plan.setting.number == 1 else set())

    assert [1, 1, 1, 1, 1, 2, 2] == [plan.repeat for plan in plans]
    assert [0, 0, 1, 2, 2, 1, 1] == [plan.setting.number for plan in plans]
    assert result.is_enough


@pytest.mark.long
@pytest.mark.parametrize("stop", range(13))
def test_run_that_was_interrupted_anywhere_continues_with_what_is_missing(stop: int) -> None:
    study = study_of(SWEEP, Path())
    whole, plans = empty(study), []
    while (plan := planner_of(study).next(whole)) is not None:
        plans.append(plan)
        note(whole, plan)
    result = empty(study)
    for plan in plans[:stop]:
        note(result, plan)
    again = study_of(result.experiment, Path())
    rest = []
    while (plan := planner_of(again).next(result)) is not None:
        rest.append(plan)
        note(result, plan)

    assert [plan.name for plan in plans[stop:]] == [plan.name for plan in rest]
