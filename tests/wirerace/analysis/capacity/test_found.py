"""What a search has found: the capacity of each contestant, what gave out, and whether it recovers."""

from collections.abc import Iterator

import pytest

from tests.wirerace.report.made_up import result_of, trial
from tests.wirerace.searched import MET, MISSED, Outcome, Outcomes, begun, each, searched, study_with, up_to
from wirerace.analysis.capacity.found import Step, capacities_of, next_step, options_of, tried_by
from wirerace.experiment.plans import Plan
from wirerace.record.capacity import CapacityRecord
from wirerace.record.result import Result

ALONE = {"transports": ["polling"]}


def found(outcomes: Outcomes, most: int | None = None, **tables: object) -> CapacityRecord:
    """Return the capacity of one contestant."""
    _, result = searched(study_with(**{**ALONE, **tables}), outcomes, most)
    (record,) = capacities_of(result)
    return record


def in_turn(*, at: float, says: list[Outcome], otherwise: Outcomes) -> Outcomes:
    """Return outcomes that are given at one value, and those of a contestant at all others."""
    left: Iterator[Outcome] = iter(says)

    def outcome(plan: Plan) -> Outcome:
        is_there = plan.setting.values["clients.count"] == at and plan.setting.after is None
        return next(left) if is_there else otherwise(plan)

    return outcome


def test_server_that_gives_out_has_an_interval_with_the_figure_at_both_ends() -> None:
    record = found(up_to(700))

    assert (700, 750, 700, 750) == (record.low, record.high, record.carried, record.missed)
    assert ("server", "the server was too busy") == (record.gave_out, record.why)
    assert ("latency.p99", MET, MISSED, "seconds") == (
        record.figure, record.value_carried, record.value_missed, record.unit,
    )  # fmt: skip
    assert ("clients.count", 0.2, True, 0) == (record.knob, record.cpus, record.ended, record.void)


def test_repeats_that_disagree_widen_the_interval_of_all_that_is_known() -> None:
    says: list[Outcome] = ["server", "met", "server"]
    record = found(in_turn(at=750, says=says, otherwise=up_to(749)))

    assert (700, 750) == (record.carried, record.missed)
    assert (700, 800) == (record.low, record.high)

    record = found(in_turn(at=700, says=["met", "server", "met"], otherwise=up_to(749)))
    assert (700, 750) == (record.carried, record.missed)
    assert (600, 750) == (record.low, record.high)
    assert (2 * MET + MISSED) / 3 == pytest.approx(record.value_carried)


@pytest.mark.parametrize(
    ("beyond", "gave_out", "void"),
    [
        ("none", "none", False),
        ("load", "load", True),
        ("machine", "machine", True),
        ("producer", "producer", True),
        ("failed", "trial", True),
        ("failed: load", "load", True),
        ("failed: server", "server", False),
    ],
)
def test_what_gave_out_is_what_the_trials_beyond_say(beyond: Outcome, gave_out: str, *, void: bool) -> None:
    record = found(up_to(700, beyond))

    assert (700, gave_out) == (record.carried, record.gave_out)
    assert record.why
    assert void == (record.void > 0)
    assert (gave_out == "server") == record.tried_again


def test_most_trials_that_decided_say_what_gave_out() -> None:
    says: list[Outcome] = ["none", "load", "server", "server"]
    record = found(in_turn(at=200, says=says, otherwise=up_to(100)), capacity={"objectives": ["latency.p99 < 0.5"],
                                                                               "repeats": 5, "most": 200})  # fmt: skip
    assert ("server", "the server was too busy") == (record.gave_out, record.why)


def test_one_trial_that_counts_does_not_outvote_those_that_do_not() -> None:
    """The server was at its limit once, and three times the load was: the value is given up because of the load."""
    says: list[Outcome] = ["server", "load", "load", "load"]
    record = found(in_turn(at=200, says=says, otherwise=up_to(100)), capacity={"objectives": ["latency.p99 < 0.5"],
                                                                               "precision": 1.0})  # fmt: skip
    assert ("load", "the load was too busy", 3) == (record.gave_out, record.why, record.void)


def test_nothing_gives_out_up_to_most() -> None:
    record = found(up_to(1e9))

    assert (1600, None, "most", "") == (record.low, record.high, record.gave_out, record.why)
    assert (MET, None) == (record.value_carried, record.value_missed)
    assert record.ended
    assert not record.tried_again


def test_start_that_is_missed_leaves_no_lower_end() -> None:
    record = found(up_to(50))

    assert (None, 100, None, 100) == (record.low, record.high, record.carried, record.missed)
    assert (None, MISSED, "server") == (record.value_carried, record.value_missed, record.gave_out)
    assert (None, False, True) == (record.again, record.tried_again, record.ended)


@pytest.mark.parametrize(("recovers_at", "again"), [(700, 700), (650, 600), (100, 100), (1, None)])
def test_servers_that_were_overloaded_carry_what_they_recover_to(recovers_at: float, again: float | None) -> None:
    record = found(up_to(700, again=recovers_at))

    assert (700, 750) == (record.low, record.high), "trials after an overload say nothing of a fresh server"
    assert (True, again, True) == (record.tried_again, record.again, record.ended)


@pytest.mark.long
def test_search_that_was_interrupted_has_not_ended_and_says_what_it_has() -> None:
    records = [found(up_to(700), most) for most in range(1, 20)]
    ends = [record.ended for record in records]

    assert ends == sorted(ends)
    assert (False, True) == (ends[0], ends[-1])
    assert (100, None, "most") == (records[0].carried, records[0].missed, records[0].gave_out)
    assert list(range(1, records[-1].trials)) == [record.trials for record in records if not record.ended]


def test_search_without_a_trial_has_records_that_have_not_ended() -> None:
    result = begun(study_with())

    assert [("polling", None, None, 0, False), ("websocket", None, None, 0, False)] == [
        (one.contestant, one.low, one.high, one.trials, one.ended) for one in capacities_of(result)
    ]


def test_search_of_nothing_but_failures_has_ended_with_nothing() -> None:
    record = found(lambda _: "failed")

    assert (None, "trial", "it broke") == (record.low, record.gave_out, record.why)
    assert (3, 3, True) == (record.trials, record.void, record.ended)
    assert (None, None) == (record.value_carried, record.value_missed)


@pytest.mark.long
def test_contestants_are_in_the_order_of_the_file_each_with_its_own_capacity() -> None:
    _, result = searched(study_with(), each(polling=up_to(300), websocket=up_to(1200)))

    assert [("polling", 300), ("websocket", 1200)] == [(one.contestant, one.low) for one in capacities_of(result)]


def test_rates_are_found_as_clients_are() -> None:
    capacity = {"objectives": ["latency.p99 < 0.5"], "knob": "producer.rate_per_second", "most": 100}
    record = found(up_to(33.3), capacity=capacity, producer={"rate_per_second": 5.0})

    assert ("producer.rate_per_second", 32.5, 35.0) == (record.knob, record.low, record.high)


def test_marks_of_trials_after_an_overload_are_kept_apart() -> None:
    _, result = searched(study_with(**ALONE), up_to(700))
    tried = tried_by(result, "polling")

    assert {750} == set(tried.after)
    assert [700] == list(tried.after[750])
    assert len(result.trials) == tried.trials
    assert next_step(tried, 100, options_of(result)) is None


def test_first_step_is_the_value_of_the_file() -> None:
    result: Result = begun(study_with(clients={"count": 30}))

    assert Step(30) == next_step(tried_by(result, "polling"), 30, options_of(result))


def test_comparison_has_no_capacities() -> None:
    assert [] == capacities_of(result_of(trial()))
