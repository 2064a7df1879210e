import math
from typing import Any

import msgspec
import pytest

from tests.wirerace.clocked import CLOCKS
from tests.wirerace.faulted import AVAILABILITY, FAULT
from tests.wirerace.messaged import RELAYED
from tests.wirerace.served import BROKERED, PROXIED, PUBLISHED
from tests.wirerace.tabbed import TABS
from tests.wirerace.trials import contestants_in, plan_of, trial_of
from wirerace.analysis.aggregate import compared_in_pairs, interval, over_repeats, summarise, summarised
from wirerace.analysis.figures import FIGURES
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.durations import Handshakes
from wirerace.record.parts import Bytes
from wirerace.record.result import Declared, Discarded, Host, Interval, Point, Result
from wirerace.record.trial import LatencyParts, Returning, Trial, Verdict
from wirerace.workload.truth import Truth

FIGURE = {figure.id: figure for figure in FIGURES}


def trial(transport: str = "polling", contestant: str = "", **changes: Any) -> Trial:
    truth = Truth(0, complete=True, epochs=[])
    bare = trial_of(plan_of(transport, contestant=contestant), Window(0, 1), AccountRecord(), truth)
    return msgspec.structs.replace(bare, **changes)


def result_of(*trials: Trial) -> Result:
    host = Host(1, "Linux", "3.11.7", {})
    return Result(
        wirerace="0.1.0",
        experiment={},
        host=host,
        started_at="",
        contestants=contestants_in(*trials),
        points=[Point()],
        trials=list(trials),
    )


COUNTED = {"deliveries.per_second"}
"""Figures that every trial has."""


def figure_of(name: str, *trials: Trial) -> float | None:
    return over_repeats(result_of(*trials), "polling", FIGURE[name]).mean


def test_figure_is_the_mean_over_the_repeats_of_one_transport() -> None:
    others = trial("websocket", reach=0.0)

    assert 0.75 == figure_of("reach", trial(reach=0.5), others, trial(reach=1.0))


@pytest.mark.parametrize("name", ["lost", "duplicated", "reordered"])
def test_counts_add_up_over_repeats(name: str) -> None:
    two, three = ({name: count} for count in (2, 3))

    assert 5 == figure_of(name, msgspec.structs.replace(trial(), **two), msgspec.structs.replace(trial(), **three))


@pytest.mark.parametrize("name", [figure.id for figure in FIGURES if not figure.total and figure.id not in COUNTED])
def test_figure_is_unknown_as_soon_as_one_repeat_does_not_know_it(name: str) -> None:
    known = trial(
        reach=1.0,
        latency_seconds=msgspec.structs.replace(
            trial().latency_seconds, mean=1.0, p50=1.0, p90=1.0, p99=1.0, min=1.0, max=1.0
        ),
        latency_parts_seconds=LatencyParts(1.0, 1.0, 1.0, 1.0, broker=1.0),
        age_seconds=msgspec.structs.replace(trial().age_seconds, mean=1.0),
        server=msgspec.structs.replace(
            trial().server,
            cpu_seconds=1.0,
            cpu_us_per_delivery=1.0,
            bytes_per_client=1.0,
            bytes_per_client_after=1.0,
            slab_bytes_per_client=1.0,
            socket_bytes_per_client=1.0,
            idle_utilisation=0.1,
            upkeep_utilisation=0.05,
        ),
        bytes=Bytes(1, 1, 1, 0, 1, 1, 1, 1, 0, tls=1),
        return_seconds=Returning(1, 1.0, 1.0, 1.0),
        handshakes=Handshakes(2, 1, 1.0, 1.0),
        responses={"data": 1, "empty": 1, "error": 0},
        messages=RELAYED,
        arrived=1,
        requests=1,
        browsers=TABS,
        availability=AVAILABILITY,
        faults=[FAULT],
        reverse_proxy=PROXIED,
        publisher=PUBLISHED,
        broker=BROKERED,
        clocks=CLOCKS,
    )

    assert figure_of(name, known) is not None
    assert figure_of(name, known, trial()) is None


@pytest.mark.parametrize("name", FIGURE)
def test_figure_of_a_transport_that_did_not_run_is_unknown(name: str) -> None:
    assert figure_of(name, trial("websocket")) is None


def test_empty_fraction_leaves_out_errors() -> None:
    assert 0.75 == figure_of("responses.empty", trial(responses={"data": 1, "empty": 3, "error": 96}))


def test_requests_per_delivery_are_requests_over_what_arrived_in_the_same_time() -> None:
    assert 2.5 == figure_of("requests.per_delivery", trial(requests=5, arrived=2, delivered=1))


def test_bytes_per_delivery_are_both_directions() -> None:
    assert 150 == figure_of(
        "bytes.per_delivery", trial(bytes=Bytes(1, 100, 200, 0, 1, 1, 1, 1, 0), arrived=2, delivered=1)
    )


def test_figures_have_ids_and_labels_of_their_own() -> None:
    assert len(FIGURES) == len(FIGURE) == len({figure.label for figure in FIGURES})


def test_contestants_with_one_transport_are_compared_apart() -> None:
    plain, closed = trial(reach=0.25), trial(contestant="polling-closed", reach=0.75)
    result = result_of(plain, closed, trial("websocket"), plain)

    assert ["polling", "polling-closed", "websocket"] == [contestant.id for contestant in result.present]
    assert 0.25 == over_repeats(result, "polling", FIGURE["reach"]).mean
    assert 0.75 == over_repeats(result, "polling-closed", FIGURE["reach"]).mean


def with_age(transport: str, repeat: int, mean: float) -> Trial:
    age = msgspec.structs.replace(trial().age_seconds, mean=mean)
    return trial(transport, repeat=repeat, age_seconds=age)


def test_interval_of_few_values_is_students() -> None:
    """Three values: 4.303 standard errors on either side."""
    found = interval([9.0, 10.0, 11.0])

    assert pytest.approx((10.0, 10 - 4.303 / 3**0.5, 10 + 4.303 / 3**0.5), abs=1e-3) == (
        found.mean,
        found.low,
        found.high,
    )


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0]])
def test_fewer_than_three_repeats_have_no_interval(values: list[float]) -> None:
    assert (None, None) == (interval(values).low, interval(values).high)


def test_difference_is_taken_in_pairs_so_that_what_all_share_cancels() -> None:
    """Ages vary by seconds from repeat to repeat, and differ by half a second in each."""
    shared = [1.0, 5.0, 9.0]
    trials = [with_age("polling", repeat, age) for repeat, age in enumerate(shared, 1)]
    trials += [with_age("websocket", repeat, age - 0.5) for repeat, age in enumerate(shared, 1)]
    (compared,) = [found for found in summarised(result_of(*trials)).compared if found.figure == "age.mean"]

    assert ("websocket", "polling") == (compared.one, compared.other)
    assert pytest.approx((-0.5, -0.5, -0.5)) == (
        compared.difference.mean,
        compared.difference.low,
        compared.difference.high,
    )


def test_ratio_is_the_geometric_mean_of_pairs() -> None:
    trials = [with_age("polling", repeat, 1.0) for repeat in (1, 2)]
    trials += [with_age("websocket", 1, 0.5), with_age("websocket", 2, 2.0), with_age("websocket", 3, 7.0)]
    (compared,) = [found for found in summarised(result_of(*trials)).compared if found.figure == "age.mean"]

    assert compared.ratio is not None
    assert pytest.approx(1.0) == compared.ratio.mean, "repeat 3 has no partner"


@pytest.mark.parametrize("pair", [(1.0, 0.0), (0.0, 1.0), (1.0, -1.0), (-1.0, 1.0)])
def test_ratio_is_unknown_where_one_is_not_above_nothing(pair: tuple[float, float]) -> None:
    ratio, difference = compared_in_pairs([(2.0, 1.0), pair], 0.95)

    assert (None, (1.0 + pair[0] - pair[1]) / 2) == (ratio, difference.mean)


def test_ratio_and_difference_are_as_wide_as_their_confidence_asks_for() -> None:
    pairs = [(1.0, 1.0), (2.0, 1.5), (3.0, 1.2)]
    (ratio, difference), (wider_ratio, wider_difference) = (compared_in_pairs(pairs, one) for one in (0.95, 0.99))

    for narrow, wide in ((ratio, wider_ratio), (difference, wider_difference)):
        assert narrow is not None
        assert wide is not None
        assert narrow.high is not None
        assert wide.high is not None
        assert narrow.high < wide.high


def test_repeats_that_were_discarded_do_not_count() -> None:
    result = result_of(with_age("polling", 1, 1.0), with_age("polling", 2, 9.0), with_age("polling", 3, 3.0))
    result.discarded.append(Discarded(0, 2))

    assert (2, 2.0) == (summarised(result).repeats, summarised(result).figures["polling"]["age.mean"].mean)


def test_primary_comparisons_are_corrected_for_how_many_they_are_and_others_are_exploratory() -> None:
    """Two contestants beside the first, four primary figures: 5 % / 8 each."""
    trials = [
        msgspec.structs.replace(with_age(name, repeat, repeat + place), reach=0.5 + repeat / 10)
        for repeat in (1, 2, 3)
        for place, name in enumerate(("polling", "longpolling", "websocket"))
    ]
    summary = summarised(result_of(*trials))
    found = {compared.figure: compared for compared in summary.compared if compared.one == "websocket"}
    age, reach = found["age.mean"], found["reach"]

    assert 8 == summary.primary_comparisons
    assert 3 * 8 == summarised(result_of(*trials), points=3).primary_comparisons, "each setting has its own"
    assert 0.95 == summary.confidence
    assert age.primary
    assert pytest.approx(1 - 0.05 / 8) == age.confidence
    assert (False, 0.95) == (reach.primary, reach.confidence)
    assert {"latency.mean", "age.mean", "bytes.per_delivery", "server.cpu_per_delivery"} == {
        name for name, declared in summary.declared.items() if declared.primary
    }


def test_corrected_interval_is_as_much_wider_as_students_t() -> None:
    """Two degrees of freedom: t is 4.303 at 95 %, 9.925 at 99 % (tables)."""
    narrow, wide = (interval([1.0, 2.0, 3.0], confidence) for confidence in (0.95, 0.99))

    assert narrow.high is not None
    assert wide.high is not None
    assert pytest.approx(9.925 / 4.303, rel=1e-3) == (wide.high - 2) / (narrow.high - 2)


def test_summary_counts_the_trials_that_are_invalid() -> None:
    verdicts = (Verdict(valid=True), Verdict(valid=False), None)

    assert 2 == summarised(result_of(*(trial(verdict=verdict) for verdict in verdicts))).invalid_trials


def test_summary_declares_every_figure_that_it_has() -> None:
    summary = summarised(result_of(trial(reach=0.5)))

    assert summary.declared.keys() == summary.figures["polling"].keys()
    for name, declared in summary.declared.items():
        assert declared == Declared(*(getattr(FIGURE[name], field) for field in Declared.__struct_fields__))


def test_every_setting_of_a_sweep_has_the_summary_of_its_own_trials() -> None:
    """One contestant beside the first, four primary figures, two settings: eight share the risk of an error."""
    first, second = (
        [trial(name, point=point, reach=reach) for name in ("polling", "websocket")]
        for point, reach in enumerate((0.25, 0.75))
    )
    result = result_of(*first, *second)
    result.points = [Point(), Point()]
    summarise(result)
    summaries = [point.summary for point in result.points if point.summary is not None]

    assert [0.25, 0.75] == [summary.figures["websocket"]["reach"].mean for summary in summaries]
    assert [8, 8] == [summary.primary_comparisons for summary in summaries]


@pytest.mark.parametrize(
    "values", [[1e200] * 3, [1.0, 2.0, -1e300], [math.inf, 1.0, 2.0], [math.inf, -math.inf], [1e308]]
)
def test_numbers_that_no_float_can_square_have_no_interval_and_no_traceback(values: list[float]) -> None:
    assert Interval(None, None, None) == interval(values)


def test_ratio_that_no_float_can_hold_is_unknown() -> None:
    ratio, difference = compared_in_pairs([(1e140, 1e-140), (1e-140, 1e140), (1.0, 1.0)], 0.95)

    assert ratio is not None
    assert (None, False) == (ratio.high, difference.high is None)
    assert compared_in_pairs([(5e-324, 2.0)], 0.95)[0] is None
