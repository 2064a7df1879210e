"""Which trials run: all repeats, or as many as it takes for enough valid ones."""

from collections.abc import Collection

import msgspec
import pytest

from tests.wirerace.trials import plan_of, trial_of
from wirerace.experiment.model import Experiment, Plan
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import Failure, Host, Result
from wirerace.record.trial import Verdict
from wirerace.runner.run import _plans
from wirerace.workload.schedule import Truth

TRANSPORTS = ["polling", "websocket"]


def ran(experiment: Experiment, invalid: set[int], failed: Collection[int] = ()) -> tuple[list[Plan], Result]:
    """Run nothing, but with these repeats found invalid, or not completed, in their first trial."""
    result = Result(wirerace="", experiment=msgspec.to_builtins(experiment), host=Host(1, "", "", {}), started_at="")
    plans = []
    for plan in _plans(experiment, result):
        plans.append(plan)
        if plan.repeat in failed:
            result.failures.append(Failure(plan.transport.name, plan.repeat, "it broke"))
            result.discarded += [plan.repeat] if experiment.valid_repeats else []
            continue
        bare = trial_of(plan_of("polling"), Window(0, 1), AccountRecord(), Truth(0, complete=True, epochs=[]))
        verdict = Verdict(valid=plan.repeat not in invalid)
        result.trials.append(msgspec.structs.replace(bare, repeat=plan.repeat, verdict=verdict))
        if experiment.valid_repeats and plan.repeat in invalid:
            result.discarded.append(plan.repeat)
    return plans, result


def test_every_repeat_runs_every_contestant_whatever_comes_of_it() -> None:
    plans, result = ran(Experiment("t", TRANSPORTS, repeats=3), invalid={2}, failed={3})

    assert [1, 1, 2, 2, 3, 3] == [plan.repeat for plan in plans]
    assert ([], True) == (result.discarded, result.is_enough)


def test_repeats_go_on_until_enough_are_valid_and_a_spoilt_one_is_not_run_to_its_end() -> None:
    plans, result = ran(Experiment("t", TRANSPORTS, valid_repeats=2, tries=5), invalid={1}, failed={3})

    assert [1, 2, 2, 3, 4, 4] == [plan.repeat for plan in plans]
    assert ([1, 3], True) == (result.discarded, result.is_enough)
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

    assert result.is_valid(1)
    assert not msgspec.structs.replace(result, trials=unjudged).is_valid(1)
