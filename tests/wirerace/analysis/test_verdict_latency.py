"""The verdict on latencies that are negative or that rise or fall over the window."""

import math

import msgspec
import pytest

from tests.wirerace.analysis.good import MADE, MS, STEADY, changed, judged, raw_of, with_account, with_fault
from wirerace.observe.histogram import Latencies
from wirerace.observe.spread import SpreadColumns
from wirerace.workload.truth import EpochMade, Truth


def test_clock_may_be_set_by_less_than_a_tenth_of_the_median() -> None:
    assert [] == judged(changed("machine.clock_stepped_seconds", 0.0007)).findings


@pytest.mark.parametrize(
    ("slope", "doubt"),
    [
        (0.1, "latency rises over the window, from 7.45 ms to 14.4 ms: it has not settled"),
        (-0.05, "latency falls over the window, from 5.28 ms to 1.77 ms: it has not settled"),
    ],
)
def test_latency_that_has_not_settled_is_a_doubt(slope: float, doubt: str) -> None:
    assert [doubt] == judged(raw=raw_of([5 + index % 3 + slope * index for index in range(100)])).doubts


def test_fault_gives_latency_a_slope_that_is_no_doubt() -> None:
    raw = raw_of([5 + index % 3 + 0.1 * index for index in range(100)])
    found = judged(raw=raw, experiment=with_fault("cut", "clients"))

    assert [] == found.doubts
    assert any(text.startswith("whether latency has settled") for text in found.unchecked)


@pytest.mark.parametrize(("t", "doubts"), [(3.33, 0), (3.38, 1)])
def test_trend_is_more_than_luck_when_its_t_test_has_99_percent(t: float, doubts: int) -> None:
    """Ten tenths leave eight degrees of freedom: 3.355 (table). What is added to the line has no trend of its own."""
    beside = (1, -1, 1, -1, 0, 0, -1, 1, -1, 1)
    scale = math.sqrt(8 * sum((index - 4.5) ** 2 for index in range(10)) / sum(one**2 for one in beside)) / t
    tenths = [20 + index + scale * beside[index] for index in range(10)]

    assert doubts == len(judged(raw=raw_of([tenths[index // 10] for index in range(100)])).doubts)


def test_latency_that_rises_by_the_same_from_tenth_to_tenth_has_not_settled() -> None:
    """Not even a float is off the line: 1/128 s more each time."""
    (doubt,) = judged(raw=raw_of([7.8125 * (1 + index // 10) for index in range(100)])).doubts

    assert doubt.startswith("latency rises over the window")


def test_window_of_too_few_updates_is_not_checked_for_a_trend() -> None:
    half = {"e": SpreadColumns.of({seq: one for seq, one in STEADY.account.updates["e"].by_seq.items() if seq > 50})}

    assert ["a trend of the latency in the window: some of its tenths have no update"] == judged(
        raw=with_account(updates=half)
    ).unchecked


@pytest.mark.parametrize(("stepped_seconds", "valid"), [(40e-6, True), (60e-6, False)])
def test_clock_may_be_set_by_what_its_reading_leaves_open_where_no_median_is_known(
    stepped_seconds: float, *, valid: bool
) -> None:
    trial = changed("machine.clock_stepped_seconds", stepped_seconds)
    unknown = msgspec.structs.replace(trial.latency_seconds, p50=None)

    assert valid is judged(msgspec.structs.replace(trial, latency_seconds=unknown)).valid


def test_record_whose_latencies_are_too_small_is_a_reason() -> None:
    """100 ms too small: nothing arrives before it is made."""
    raw = raw_of([5 - 100 + index % 7 for index in range(100)])

    assert ["an update was received 95 ms before it was made: nothing arrives before it is made"] == [
        reason.partition(",")[0] for reason in judged(raw=raw).reasons
    ]


@pytest.mark.parametrize(("latency_ns", "valid"), [(-MS, False), (-60_000, False), (-40_000, True)])
def test_least_latency_below_the_error_of_a_clock_is_a_reason_although_no_update_shows_it(
    latency_ns: int, *, valid: bool
) -> None:
    latencies = Latencies()
    latencies.record(latency_ns)

    assert valid is judged(raw=with_account(latencies=latencies.to_record())).valid


def test_update_received_after_it_was_due_and_before_it_was_made_is_a_reason() -> None:
    """It was made 20 ms late, and received 5 ms after it was due."""
    late = EpochMade("e", list(range(1, 101)), MADE, [20 * MS] + [0] * 99)
    raw = msgspec.structs.replace(STEADY, truth=Truth(100, complete=True, epochs=[late]))

    assert ["an update was received 15 ms before it was made"] == [
        reason.partition(":")[0] for reason in judged(raw=raw).reasons
    ]


def test_latency_is_as_negative_as_the_clock_was_set_and_no_more() -> None:
    raw = raw_of([-0.5, *[5 + index % 7 for index in range(99)]])

    assert judged(changed("machine.clock_stepped_seconds", -0.0007), raw).valid
    assert not judged(raw=raw).valid
