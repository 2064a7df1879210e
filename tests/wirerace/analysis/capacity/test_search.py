"""The search for a capacity that is known: without noise it is found, and with noise the search ends all the same."""

import math
import random
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wirerace.analysis.capacity.contestant import Contestant, Tried, searched
from wirerace.analysis.capacity.search import Says, bracket_of, interval_of, needed, next_value, next_value_after
from wirerace.experiment.capacity import WHOLE, CapacityOptions, Knob, rounded

RATE: Knob = "producer.rate_per_second"


@st.composite
def given_searches(draw: st.DrawFn) -> tuple[float, CapacityOptions]:
    """Return where a search begins, and its options; the highest value need not be one that can be set."""
    knob: Knob = draw(st.sampled_from(get_args(Knob)))
    start = draw(st.integers(1, 2000) if knob == WHOLE else st.floats(0.1, 2000))
    most = min(100_000.0, start * draw(st.floats(1, 300)))
    return start, CapacityOptions(
        knob=knob,
        most=most,
        precision=draw(st.floats(0.02, 1)),
        repeats=draw(st.sampled_from([1, 3, 5])),
        tries=draw(st.integers(1, 4)),
    )


capacities = st.floats(0.05, 200_000)
noisy = st.builds(Contestant, capacities, band=st.floats(0.01, 0.8), void=st.floats(0, 0.5))
seeds = st.integers(0, 2**32)


def most_trials(start: float, options: CapacityOptions) -> float:
    """Return a bound for the trials: every value that can be tried, with all its repeats and all that do not count."""
    doublings = 2 + math.log2(options.most / start)
    return doublings * (1 + 2 / options.precision) * (options.repeats + options.tries)


@given(given_searches(), capacities)
def test_capacity_without_noise_lies_between_ends_that_are_confirmed(
    search: tuple[float, CapacityOptions], capacity: float
) -> None:
    start, options = search
    marks = searched(Contestant(capacity), start, options)
    carried, missed = bracket_of(marks, options)

    assert (carried, missed) == interval_of(marks, options)
    assert carried is None or (carried <= capacity and marks[carried].count("met") >= needed(options))
    assert missed is None or (missed > capacity and marks[missed].count("missed") >= needed(options))
    if carried is not None and missed is not None:
        middle = rounded(options.knob, (carried + missed) / 2)
        assert missed - carried <= options.precision * carried or not carried < middle < missed


@given(given_searches(), noisy, seeds)
def test_search_with_noise_ends_and_keeps_to_its_bounds(
    search: tuple[float, CapacityOptions], contestant: Contestant, seed: int
) -> None:
    start, options = search
    marks = searched(contestant, start, options, seed)
    (carried, missed), (low, high) = bracket_of(marks, options), interval_of(marks, options)

    assert sum(map(len, marks.values())) <= most_trials(start, options)
    assert max(marks) <= options.most
    assert missed is None or carried is None or carried < missed
    assert carried is None or carried in marks
    assert low is None or (carried is not None and low <= carried)
    assert high is None or (missed is not None and high >= missed)
    for value, says in marks.items():
        assert value == start or value == rounded(options.knob, value)
        assert low is None or value > low or "missed" not in says
        assert high is None or value < high or "met" not in says


@given(given_searches(), noisy, seeds)
def test_carried_value_is_met_by_a_majority_of_all_repeats(
    search: tuple[float, CapacityOptions], contestant: Contestant, seed: int
) -> None:
    start, options = search
    marks = searched(contestant, start, options, seed)
    carried, missed = bracket_of(marks, options)

    assert carried is None or marks[carried].count("met") >= needed(options)
    assert missed is None or (
        marks[missed].count("missed") >= needed(options) or marks[missed].count("void") >= options.tries
    )


@given(given_searches(), noisy, seeds)
def test_search_that_goes_on_from_its_marks_asks_for_the_same(
    search: tuple[float, CapacityOptions], contestant: Contestant, seed: int
) -> None:
    """Nothing but the marks decides, and not the order in which values were tried."""
    start, options = search
    marks = searched(contestant, start, options, seed)
    marks[max(marks)].pop()
    again = dict(sorted(marks.items()))

    assert next_value(marks, start, options) == next_value(again, start, options)


@pytest.mark.parametrize("void", [0.0, 0.3])
@pytest.mark.parametrize("knob", get_args(Knob))
def test_most_is_confirmed_and_not_exceeded(knob: Knob, void: float) -> None:
    options = CapacityOptions(knob=knob, most=300, tries=99)
    marks = searched(Contestant(1e9, void=void), 100, options)

    assert [100, 200, 300] == list(marks)
    assert (300, None) == bracket_of(marks, options) == interval_of(marks, options)
    assert [1, 1, 2] == [says.count("met") for says in marks.values()]


@pytest.mark.parametrize(("knob", "most", "highest"), [
    (WHOLE, 12.5, 12), (WHOLE, 12.6, 12), (RATE, 1234.5, 1230), (RATE, 1236.0, 1230), (RATE, 99_999.0, 99_900),
    (RATE, 0.3, 0.3), (RATE, 2.3, 2.3),
])  # fmt: skip
def test_most_that_cannot_be_set_is_rounded_down(knob: Knob, most: float, highest: float) -> None:
    marks = searched(Contestant(1e9), min(most, 10), CapacityOptions(knob=knob, most=most))

    assert highest == max(marks)


def test_start_that_is_missed_ends_the_search_without_a_carried_value() -> None:
    options = CapacityOptions()
    marks = searched(Contestant(50), 100, options)

    assert {100: ["missed", "missed"]} == marks
    assert (None, 100) == bracket_of(marks, options) == interval_of(marks, options)


def test_numbers_of_clients_are_whole_and_rates_have_three_digits() -> None:
    clients = searched(Contestant(1234), 7, CapacityOptions(precision=0.01))
    rates = searched(Contestant(1234), 0.7, CapacityOptions(knob=RATE, precision=0.01))

    assert {int} == set(map(type, clients))
    assert all(float(f"{value:.3g}") == value for value in rates)
    assert any(value != round(value) for value in rates)


def test_neighbours_are_not_halved_further() -> None:
    options = CapacityOptions(precision=0.01)

    assert (5, 6) == bracket_of(searched(Contestant(5.5), 1, options), options)


@pytest.mark.parametrize("tries", [1, 3])
def test_trials_that_do_not_count_are_repeated_and_given_up_after_the_tries(tries: int) -> None:
    options = CapacityOptions(tries=tries)
    marks = searched(Contestant(1000, void=1.0), 100, options)

    assert {100: ["void"] * tries} == marks
    assert (None, 100) == bracket_of(marks, options)


def test_value_that_cannot_be_confirmed_is_given_up() -> None:
    """A trial on the way up met the objectives, but then the load gives out again and again."""
    options = CapacityOptions(most=200, tries=3)
    marks: dict[float, list[Says]] = {100: ["met", "met"], 200: ["met", "void", "void"]}

    assert next_value(marks, 100, options) == 200
    marks[200].append("void")
    assert (100, 200) == bracket_of(marks, options)
    assert next_value(marks, 100, options) == 150


def test_disagreeing_repeats_widen_the_interval_and_not_the_bracket() -> None:
    options = CapacityOptions()
    marks: dict[float, list[Says]] = {
        100: ["met"], 150: ["met", "missed", "met"], 175: ["missed", "met", "missed"], 200: ["missed", "missed"],
    }  # fmt: skip

    assert (150, 175) == bracket_of(marks, options)
    assert (100, 200) == interval_of(marks, options)


def test_tie_is_decided_by_another_repeat() -> None:
    marks: dict[float, list[Says]] = {100: ["met"], 200: ["met", "missed"]}

    assert 200 == next_value(marks, 100, CapacityOptions(most=200))


CLIMBED: dict[float, list[Says]] = {
    100: ["met"], 200: ["met", "met"], 225: ["missed", "missed"], 250: ["missed"] * 2, 400: ["missed"] * 2,
}  # fmt: skip


@given(st.sampled_from([0.0, 50.0, 100.0, 150.0, 200.0, 300.0]), st.floats(0, 0.6), seeds)
@example(150.0, 0.0, 0)
def test_after_an_overload_values_go_down_until_one_is_carried(recovers_at: float, void: float, seed: int) -> None:
    """Only values that a fresh server carries are tried, from the highest one on."""
    options, chance = CapacityOptions(), random.Random(seed)
    marks: Tried = {}
    after = Contestant(recovers_at or 1e-9, void=void)
    while (value := next_value_after(marks, CLIMBED, options)) is not None:
        marks.setdefault(value, []).append(after.says(value, chance))
        assert sum(map(len, marks.values())) <= 2 * (options.repeats + options.tries)

    assert list(marks) == sorted(marks, reverse=True)
    assert [200, 100][: len(marks)] == list(marks)
    carried = bracket_of(marks, options).carried
    assert carried is None or (carried == min(marks) and carried <= recovers_at)
    assert void > 0 or carried == max((value for value in (100, 200) if value <= recovers_at), default=None)


def test_nothing_is_tried_after_an_overload_where_nothing_is_carried() -> None:
    assert next_value_after({}, {100: ["missed", "missed"]}, CapacityOptions()) is None


def overlap(one: Any, other: Any) -> bool:
    lows, highs = zip(one, other, strict=True)
    return max(low or 0.0 for low in lows) <= min(high or math.inf for high in highs)


@pytest.mark.long
@pytest.mark.parametrize(("band", "least"), [(0.05, 0.99), (0.1, 0.98), (0.2, 0.9), (0.4, 0.8)])
def test_intervals_of_two_searches_overlap_in_most_cases(band: float, least: float) -> None:
    """The trials of both are of the same contestant, with different noise."""
    options, pairs = CapacityOptions(most=12_800), 200
    found = 0
    for seed in range(pairs):
        contestant = Contestant(100 * 100 ** (seed / pairs), band)
        one, other = (interval_of(searched(contestant, 100, options, 2 * seed + i), options) for i in (0, 1))
        found += overlap(one, other)

    assert found >= least * pairs
