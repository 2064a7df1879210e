"""Standing: who is alike, who is best, and nothing that the repeats do not show."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wirerace.report.made_up import result_of, trial
from wirerace.analysis.aggregate import LEAST_REPEATS, summarised
from wirerace.analysis.figures import BY_ID
from wirerace.analysis.standing import (
    Noise,
    Pair,
    Standing,
    grouped,
    noise_of,
    pair_of,
    ratio_of,
    repeats_of,
    standing_of,
)
from wirerace.record.result import Interval, Result

LATENCY = BY_ID["latency.mean"]
SMALL = Noise(1.5, 0.001)
NAMES = ("polling", "longpolling", "websocket", "sse", "stream")


def result_with(latencies: Mapping[str, Sequence[float]]) -> Result:
    trials = []
    for transport, values in latencies.items():
        for repeat, latency in enumerate(values, 1):
            bare = trial(transport, repeat)
            trials.append(replace(bare, latency_seconds=replace(bare.latency_seconds, mean=latency)))
    return result_of(*trials)


def standing(latencies: Mapping[str, Sequence[float]], points: int = 1) -> Standing:
    result = result_with(latencies)
    return standing_of(result, summarised(result, points), LATENCY, list(latencies), points)


def test_those_not_told_apart_stand_in_one_group_best_first() -> None:
    found = standing({"polling": [0.5], "longpolling": [0.0031], "websocket": [0.0012], "sse": [0.001]})

    assert [["sse", "websocket"], ["longpolling"], ["polling"]] == found.groups
    assert {"sse", "websocket"} == found.leaders


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ([0.001], [0.0019], False),
        ([0.010], [0.014], False),
        ([0.010], [0.015], True),
        ([0.001, 0.001], [0.01, 0.01], True),
        ([0.001, 0.001, 0.001], [0.00105, 0.00105, 0.00105], False),
        ([0.001, 0.0011, 0.0009], [0.002, 0.0022, 0.0018], True),
        ([0.001, 0.01, 0.02], [0.002, 0.009, 0.04], False),
        ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], True),
        ([0.0], [0.0], False),
        ([0.0], [1.0], True),
        ([], [], False),
    ],
)
def test_pair_differs_where_the_repeats_show_it(one: list[float], other: list[float], *, differ: bool) -> None:
    pairs = list(zip(one, other, strict=True))

    noise = SMALL if len(pairs) < LEAST_REPEATS else None
    assert differ == pair_of(pairs, 0.95, noise).differ
    assert differ == pair_of([(b, a) for a, b in pairs], 0.95, noise).differ


def test_pair_without_an_interval_shows_nothing_where_others_have_one() -> None:
    assert not pair_of([(0.001, 0.5), (0.001, 0.5)], 0.95, None).differ


def test_interrupted_run_is_told_by_the_repeats_that_all_have() -> None:
    latencies = {"polling": [0.5, 0.5, 0.5], "sse": [0.001, 0.001], "websocket": [0.1, 0.001, 0.003]}

    assert 2 == repeats_of(result_with(latencies))
    assert 0 == repeats_of(result_with({}))
    assert not standing(latencies).pairs["polling", "websocket"].differ, "there is an interval, and it shows nothing"
    assert standing(latencies).pairs["polling", "sse"].differ


@pytest.mark.parametrize(
    ("figure", "noise"),
    [
        ("latency.mean", Noise(2.0, 0.002)),
        ("age.mean", Noise(2.0, 0.002)),
        ("server.cpu_per_delivery", Noise(2.0)),
        ("bytes.ip_per_delivery", Noise(1.1)),
        ("requests.per_delivery", Noise(1.1, 0.01)),
    ],
)
def test_doubt_makes_times_less_sure_and_no_counts(figure: str, noise: Noise) -> None:
    assert noise == noise_of(BY_ID[figure], in_doubt=True)
    assert noise_of(BY_ID[figure], in_doubt=False).factor < 2


def test_pairs_of_a_sweep_have_wider_intervals() -> None:
    latencies = {"polling": [0.5, 0.51, 0.49], "sse": [0.002, 0.0021, 0.0019], "websocket": [0.004, 0.0041, 0.0039]}
    alone, of_many = (standing(latencies, points).ratio(["websocket"], ["sse"]) for points in (1, 20))

    assert alone is not None
    assert of_many is not None
    assert alone.low is not None
    assert of_many.low is not None
    assert of_many.low < alone.low


def test_contestant_without_a_value_in_some_repeat_does_not_stand() -> None:
    result = result_with({"polling": [0.5, 0.5], "sse": [0.1, 0.1]})
    bare = result.trials[-1]
    result.trials[-1] = replace(bare, latency_seconds=replace(bare.latency_seconds, mean=None))

    assert [["polling"]] == standing_of(result, summarised(result), LATENCY, ["polling", "sse"]).groups


def test_ratio_of_several_includes_all_their_intervals() -> None:
    pairs = [Pair(Interval(2.0, 1.5, 2.5), differ=True), Pair(Interval(8.0, 6.0, 11.0), differ=True)]

    assert Interval(4.0, 1.5, 11.0) == ratio_of(pairs)
    assert ratio_of([*pairs, Pair(None, differ=True)]) is None
    assert ratio_of([]) is None
    assert ratio_of([pairs[0], Pair(Interval(0.5, 0.4, 0.6), differ=True)]) is None, "one is more and one is less"


def test_ratio_without_intervals_has_no_ends() -> None:
    pairs = [Pair(Interval(2.0, None, None), differ=True), Pair(Interval(8.0, 6.0, 11.0), differ=True)]

    assert Interval(4.0, None, None) == ratio_of(pairs)


@pytest.mark.long
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_names_in_different_groups_are_never_alike(alike: list[tuple[int, int]]) -> None:
    names = [str(number) for number in range(10)]
    links = {frozenset(map(str, pair)) for pair in alike}
    groups = grouped(names, lambda one, other: frozenset((one, other)) in links)

    assert sorted(name for group in groups for name in group) == names
    for one, other in combinations(groups, 2):
        assert not any(frozenset((a, b)) in links for a in one for b in other)


@pytest.mark.long
@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.floats(1e-5, 10), min_size=3, max_size=3), min_size=2))
def test_groups_differ_only_where_the_summary_shows_it(latencies: dict[str, list[float]]) -> None:
    result = result_with(latencies)
    summary, ids = summarised(result), [contestant.id for contestant in result.present]
    found = standing_of(result, summary, LATENCY, ids)
    ratios = {compared.one: compared.ratio for compared in summary.compared if compared.figure == LATENCY.id}
    (of_first,) = [group for group in found.groups if ids[0] in group]
    for one in set(ids) - set(of_first):
        ratio = ratios[one]
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        assert not ratio.low <= 1 <= ratio.high


def test_what_one_side_never_has_is_told_apart_from_what_the_other_has_in_each_repeat() -> None:
    """A push sends no requests. Three repeats of a poller's are too few for a corrected interval, yet not alike."""
    assert pair_of([(0.16, 0.0), (0.2, 0.0), (0.15, 0.0)], 0.999, None).differ
    assert not pair_of([(0.16, 0.0), (0.0, 0.0), (0.15, 0.0)], 0.999, None).differ
    assert not pair_of([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)], 0.999, None).differ
