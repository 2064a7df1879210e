"""The planner of a search for capacity: contestants take turns, and an interrupted search goes on as it would have."""

from collections import Counter
from copy import deepcopy
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wirerace.searched import Outcome, Outcomes, begun, continued, each, searched, study_with, up_to
from wirerace.experiment.plans import Plan
from wirerace.experiment.reading import study_of
from wirerace.record.result import Result
from wirerace.runner.planner import planner_of
from wirerace.runner.run import add_point

pytestmark = pytest.mark.long

UNLIKE = each(polling=up_to(130), websocket=up_to(1200, again=700))
NOISE: list[Outcome] = ["met", "server", "none", "load", "failed", "failed: server"]


def noisy(plan: Plan) -> Outcome:
    """Return an outcome that depends on nothing but the plan."""
    (value,) = plan.setting.values.values()
    if value < 300:
        return "met"
    return NOISE[crc32(f"{plan.name} {plan.setting.title}".encode()) % len(NOISE)] if value < 900 else "server"


def place(plan: Plan) -> tuple[str, str, int, int, str]:
    return plan.name, plan.contestant.id, plan.repeat, plan.seed, plan.setting.title


def test_contestant_with_the_fewest_trials_is_next_until_its_search_has_ended() -> None:
    plans, result = searched(study_with(), UNLIKE)
    counts: Counter[str] = Counter()
    trials = {one.contestant: one.trials for one in result.capacities}
    for plan in plans:
        unfinished = {one: counts[one] for one, all_of_it in trials.items() if counts[one] < all_of_it}
        assert counts[plan.contestant.id] == min(unfinished.values())
        counts[plan.contestant.id] += 1

    assert ["polling", "websocket", "polling", "websocket"] == [plan.contestant.id for plan in plans[:4]]
    assert trials == counts
    assert len(set(trials.values())) == 2
    assert planner_of(study_with()).next(result) is None


def test_each_value_has_one_point_and_a_value_after_an_overload_one_of_its_own() -> None:
    plans, result = searched(study_with(), UNLIKE)
    places = [(point.setting["clients.count"], point.after.get("clients.count")) for point in result.points]

    assert (100, None) == places[0]
    assert len(places) == len(set(places))
    assert any(after for _, after in places)
    for plan in plans:
        after = plan.setting.after
        wanted = (plan.experiment.clients.count, after and after.experiment.clients.count)
        assert wanted == places[plan.setting.number]
        assert after is None or places[after.number] == (after.experiment.clients.count, None)


def test_repeats_of_a_contestant_at_a_point_are_numbered_with_a_seed_each() -> None:
    plans, _ = searched(study_with(seed=7), UNLIKE)
    repeats: dict[tuple[str, int], list[int]] = {}
    for plan in plans:
        repeats.setdefault((plan.contestant.id, plan.setting.number), []).append(plan.repeat)
        assert plan.seed == 6 + plan.repeat

    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in repeats.values())
    assert max(map(len, repeats.values())) > 1


@pytest.mark.parametrize("outcomes", [UNLIKE, noisy], ids=["unlike", "noisy"])
def test_names_of_plans_are_unique(outcomes: Outcomes) -> None:
    plans, _ = searched(study_with(), outcomes)

    assert len(plans) == len({plan.name for plan in plans})


@pytest.mark.long
@pytest.mark.parametrize("outcomes", [UNLIKE, noisy], ids=["unlike", "noisy"])
def test_search_that_was_interrupted_at_any_trial_goes_on_as_without(outcomes: Outcomes) -> None:
    """The point of the trial that was interrupted may be in the result already, or not."""
    whole, result = searched(study_with(), outcomes)
    for stop in range(len(whole)):
        begun_plans, interrupted = searched(study_with(), outcomes, stop)
        assert begun_plans == whole[:stop]
        with_point = deepcopy(interrupted)
        add_point(with_point, whole[stop].setting)
        for left in (interrupted, with_point):
            again = study_of(left.experiment, Path())
            rest = list(continued(again, left, outcomes))
            assert list(map(place, whole[stop:])) == list(map(place, rest))
            assert result.points == left.points
            assert result.capacities == left.capacities


@pytest.mark.long
@given(st.lists(st.sampled_from(NOISE), min_size=1, max_size=30), st.sampled_from(["met", "server", "load", "failed"]))
def test_search_ends_however_its_trials_end(says: list[Outcome], otherwise: Outcome) -> None:
    left = iter(says)
    plans, result = searched(study_with(), lambda _: next(left, otherwise), 500)

    assert len(plans) < 500
    assert all(record.ended for record in result.capacities)
    assert len(plans) == sum(record.trials for record in result.capacities)


def test_failure_counts_as_a_trial() -> None:
    plans, result = searched(study_with(transports=["polling"]), up_to(100, "failed"), 3)

    assert [100, 200, 200] == [plan.experiment.clients.count for plan in plans]
    assert [1, 2] == [failure.repeat for failure in result.failures]


def test_point_is_added_once() -> None:
    study = study_with()
    result: Result = begun(study)
    plan = next(continued(study, result, up_to(700)))
    add_point(result, plan.setting)

    assert 1 == len(result.points)
