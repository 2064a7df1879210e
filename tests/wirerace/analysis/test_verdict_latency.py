"""The verdict on latencies that are negative or that rise or fall over the window."""

import msgspec
import pytest

from tests.wirerace.analysis.good import MADE, MS, STEADY, changed, judged, raw_of, with_account
from wirerace.observe.histogram import Latencies
from wirerace.workload.schedule import EpochMade, Truth


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


def test_window_of_too_few_updates_is_not_checked_for_a_trend() -> None:
    half = {"e": {seq: spread for seq, spread in STEADY.account.updates["e"].items() if seq > 50}}

    assert ["a trend of the latency in the window: some of its tenths have no update"] == judged(
        raw=with_account(updates=half)
    ).unchecked


def test_record_whose_latencies_are_too_small_is_a_reason() -> None:
    """100 ms too small: nothing arrives before it is made."""
    raw = raw_of([5 - 100 + index % 7 for index in range(100)])

    assert ["an update was received 95 ms before it was made: nothing arrives before it is made"] == [
        reason.partition(",")[0] for reason in judged(raw=raw).reasons
    ]


def test_least_latency_that_is_negative_is_a_reason_although_no_update_shows_it() -> None:
    latencies = Latencies()
    latencies.record(-MS)

    assert not judged(raw=with_account(latencies=latencies.to_record())).valid


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
