"""Two results compared: ratios, intervals, and the word for what they show."""

import msgspec
import pytest

from tests.wirerace.compared import INVALID, SOME, comparison, measured, run_of, times
from tests.wirerace.report.made_up import result_of
from wirerace.analysis.between import Change, shown_by, welch_ratio
from wirerace.errors import BadInput
from wirerace.record.result import Failure, Interval, Point, Result


def words_of(a: Result, b: Result, **options: object) -> dict[str, str]:
    return {change.figure: change.word for change in comparison(a, b, **options).changes}


def first(a: Result, b: Result, **options: object) -> Change:
    return comparison(a, b, **options).changes[0]


def test_slower_run_is_called_slower_older_dearer_and_more() -> None:
    assert {
        "latency.mean": "slower",
        "age.mean": "older",
        "bytes.per_delivery": "more",
        "server.cpu_per_delivery": "dearer",
    } == words_of(run_of(), run_of(times(1.3)))


def test_faster_run_is_called_faster_younger_cheaper_and_fewer() -> None:
    assert {
        "latency.mean": "faster",
        "age.mean": "younger",
        "bytes.per_delivery": "fewer",
        "server.cpu_per_delivery": "cheaper",
    } == words_of(run_of(), run_of(times(0.7)))


def test_bytes_and_counts_have_a_smaller_one_because_they_hardly_depend_on_the_machine() -> None:
    assert ["no difference", "more"] == [
        change.shown
        for change in comparison(run_of(), run_of(times(1.03))).changes
        if change.figure in {"latency.mean", "bytes.per_delivery"}
    ]


def test_difference_below_the_smallest_one_that_counts_is_not_shown_even_if_its_interval_is_narrow() -> None:
    change = first(run_of(), run_of(times(1.03)))

    assert ("no difference", "no difference shown") == (change.shown, change.word)
    assert change.ratio is not None
    assert 1 < (change.ratio.low or 0), "the repeats alone would tell them apart"


def test_smallest_difference_can_be_chosen() -> None:
    assert "more" == first(run_of(), run_of(times(1.03)), margin=0.01).shown
    assert "no difference" == first(run_of(), run_of(times(1.3)), margin=0.5).shown


def test_ratio_is_that_of_b_to_a_and_its_inverse_the_other_way_round() -> None:
    there, back = first(run_of(), run_of(times(2))).ratio, first(run_of(times(2)), run_of()).ratio
    assert there is not None
    assert back is not None

    assert pytest.approx(2.0, rel=0.01) == there.mean
    assert pytest.approx(1.0) == (there.mean or 0) * (back.mean or 0)
    assert pytest.approx(1.0) == (there.low or 0) * (back.high or 0)


def test_repeats_of_one_seed_are_pairs_so_what_a_schedule_does_cancels() -> None:
    schedules = (50.0, 200.0, 80.0, 120.0, 100.0)
    change = first(run_of(schedules), run_of([1.3 * value for value in schedules]))

    assert (True, "more") == (change.paired, change.shown)


def test_pairs_are_of_the_seed_and_not_of_the_repeat() -> None:
    a = result_of(*(measured(value, repeat=number, seed=number) for number, value in enumerate((50, 200, 80, 120), 1)))
    b = result_of(
        *(measured(value, repeat=number, seed=5 - number) for number, value in enumerate((120, 80, 200, 50), 1))
    )
    change = first(a, b)

    assert change.ratio is not None
    assert pytest.approx((1.0, 1.0, 1.0)) == (change.ratio.mean, change.ratio.low, change.ratio.high)


@pytest.mark.parametrize("key", ["producer", "window"])
def test_runs_of_other_schedules_are_not_paired(key: str) -> None:
    a, b = run_of(), run_of(times(1.0))
    b.experiment = b.experiment | {key: b.experiment[key] | {"more": 1}}

    assert not first(a, b).paired


def test_runs_of_other_seeds_are_not_paired_and_that_is_said() -> None:
    b = result_of(*(measured(value, repeat=number, seed=number + 50) for number, value in enumerate(SOME, 1)))
    found = comparison(run_of(), b)

    assert not any(change.paired for change in found.changes)
    assert any("share no schedules" in line for line in found.differences)


def test_interval_of_runs_that_are_not_paired_is_welchs() -> None:
    """By hand: only A varies, so the interval is that of A alone, with its three degrees of freedom."""
    a, b = (1.0, 2.0, 4.0, 8.0), (2.0, 2.0, 2.0, 2.0)
    found = welch_ratio(a, b, 0.95)

    assert pytest.approx(0.7071, rel=1e-3) == found.mean, "2 over the geometric mean of 1, 2, 4, 8"
    assert found.low is not None
    assert found.high is not None
    half = 3.1824 * 0.4474  # t of 3 degrees of freedom × standard error of the logarithms, ln 2 × √(5/3) / 2
    assert pytest.approx((0.7071 * 2.71828**-half, 0.7071 * 2.71828**half), rel=1e-3) == (found.low, found.high)


@pytest.mark.parametrize(
    ("b", "why"),
    [
        (run_of(SOME[:2]), "B has too few repeats that count: 2, and it takes 3"),
        (
            result_of(*(measured(1, repeat=n, verdict=INVALID if n == 2 else None) for n in (1, 2, 3))),
            "3 of 3 trials of B",
        ),
        (run_of(SOME, verdict=INVALID), "5 of 5 trials of B are invalid"),
        (run_of((1.0, 0.0, 1.0)), "a value of B is not above 0"),
        (
            msgspec.structs.replace(run_of(times(1)), failures=[Failure("websocket", 6, "the server did not start")]),
            "a trial of B could not be completed",
        ),
    ],
    ids=["two repeats", "not judged", "invalid", "zero", "not completed"],
)
def test_what_cannot_be_used_is_undecided_and_says_why(b: Result, why: str) -> None:
    change = first(run_of(), b)

    assert ("undecided", "undecided") == (change.shown, change.word)
    assert change.why.startswith(why)


def test_one_invalid_trial_is_enough_to_decide_nothing_unless_it_is_allowed() -> None:
    trials = [measured(value, repeat=n, verdict=INVALID if n == 5 else None) for n, value in enumerate(times(2), 1)]
    b = result_of(*(msgspec.structs.replace(one, verdict=one.verdict or run_of().trials[0].verdict) for one in trials))

    assert "1 of 5 trials of B is invalid" == first(run_of(), b).why
    assert "more" == first(run_of(), b, allow_invalid=True).shown


def test_figure_that_one_run_does_not_have_is_undecided() -> None:
    b = run_of(times(1))
    b.trials = [
        msgspec.structs.replace(one, server=msgspec.structs.replace(one.server, cpu_us_per_delivery=None))
        for one in b.trials
    ]
    changes = {change.figure: change for change in comparison(run_of(), b).changes}

    assert "5 of 5 trials of B have no such figure" == changes["server.cpu_per_delivery"].why
    assert "no difference" == changes["latency.mean"].shown


def test_interval_in_which_a_ratio_of_two_might_hide_is_undecided() -> None:
    change = first(run_of((100, 200, 50, 150)), run_of((200, 60, 100, 40)))

    assert "undecided" == change.shown
    assert "run more of them" in change.why


@pytest.mark.parametrize(
    ("others", "word"), [((0.1, 0.4), "slower"), ((0.1, 1.2), "undecided"), ((1.2, 0.1), "undecided")]
)
def test_time_is_undecided_if_other_programs_used_much_more_of_the_machine_in_one_run(
    others: tuple[float, float], word: str
) -> None:
    a, b = run_of(), run_of(times(1.5))
    for result, cores in zip((a, b), others, strict=True):
        machine = msgspec.structs.replace(result.trials[0].machine, cores=2, others_cores=cores)
        result.trials = [msgspec.structs.replace(one, machine=machine) for one in result.trials]

    assert word == first(a, b).word
    assert "more" == words_of(a, b)["bytes.per_delivery"], "bytes do not depend on other programs"
    assert "slower" == first(a, b, allow_invalid=True).word


def test_contestants_are_matched_by_id_and_the_rest_is_said() -> None:
    a = result_of(*run_of().trials, *run_of(transport="polling").trials)
    b = result_of(*run_of(times(1)).trials, *run_of(times(1), transport="sse").trials)
    found = comparison(a, b)

    assert {"websocket"} == {change.contestant for change in found.changes}
    assert ["polling is only in A", "sse is only in B"] == found.unmatched


def test_settings_are_matched_by_their_keys_and_values_and_not_by_their_order() -> None:
    def swept(counts: tuple[int, int], factors: tuple[float, float]) -> Result:
        trials = [
            msgspec.structs.replace(one, point=point)
            for point, factor in enumerate(factors)
            for one in run_of(times(factor)).trials
        ]
        result = result_of(*trials)
        result.points = [Point({"clients.count": count}) for count in counts]
        return result

    found = comparison(swept((100, 300), (1, 1)), swept((300, 100), (1.0001, 2)))

    assert [({"clients.count": 100}, "more"), ({"clients.count": 300}, "no difference")] == [
        (change.setting, change.shown) for change in found.changes if change.figure == "latency.mean"
    ]


def test_all_primary_figures_share_the_risk_of_an_error() -> None:
    assert {1 - 0.05 / 4} == {change.confidence for change in comparison(run_of(), run_of(times(1))).changes}


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (Interval(1.2, 1.06, 1.3), "more"),
        (Interval(1.2, 1.04, 1.3), "no difference"),
        (Interval(0.9, 0.85, 0.94), "less"),
        (Interval(0.9, 0.85, 0.96), "no difference"),
        (Interval(1.2, None, None), "undecided"),
        (None, "undecided"),
    ],
)
def test_difference_is_one_if_its_whole_interval_lies_beyond_the_margin(ratio: Interval | None, shown: str) -> None:
    assert shown == shown_by(ratio, 0.05)


def test_runs_without_anything_in_common_are_refused() -> None:
    with pytest.raises(
        BadInput, match=r"no contestant at the same setting in common: A has websocket .* B has polling"
    ):
        comparison(run_of(), run_of(transport="polling"))


def test_run_without_a_trial_is_refused_by_its_place() -> None:
    with pytest.raises(BadInput, match=r"^after: B has no trial that was finished"):
        comparison(run_of(), result_of())


def test_run_is_not_compared_with_itself() -> None:
    with pytest.raises(BadInput, match=r"^after: A and B are one run: give two"):
        comparison(run_of(), run_of())


def test_numbers_whose_ratio_no_float_can_hold_are_undecided() -> None:
    assert "undecided" == first(run_of((1e300,) * 3), run_of((1e-300,) * 3)).shown
