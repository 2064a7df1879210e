"""Age in the ledger: its integral, its peaks, and the time above a bound, from their definitions."""

import pytest
from hypothesis import given

from tests.wirerace.stories import SECONDS_SQUARED, Story, account_of, age_integral, older, peaks, stories
from wirerace.wire.update import Cursor, Update


@pytest.mark.long
@given(stories())
def test_age_is_integrated_over_the_window_exactly(story: Story) -> None:
    totals = account_of(story).totals
    duration_ns, area = age_integral(story)

    assert duration_ns == totals.age_ns
    assert pytest.approx(area, abs=1e-6) == totals.age_area * SECONDS_SQUARED


@pytest.mark.long
@given(stories())
def test_time_above_an_age_is_counted_as_the_age_curve_says(story: Story) -> None:
    with pytest.MonkeyPatch.context() as patch:
        bounds = patched_bounds(patch, 3, 10, 40)
        record = account_of(story).to_record()
    duration_ns, _ = age_integral(story)

    assert ({fresh_ns: older(story, fresh_ns) for fresh_ns in bounds} if duration_ns else {}) == record.older_ns


def patched_bounds(patch: pytest.MonkeyPatch, *fresh_ns: int) -> tuple[int, ...]:
    """Set the ages up to which an update is fresh to some that stories have."""
    for module in ("ledger", "accounting"):
        patch.setattr(f"wirerace.observe.{module}.FRESH_NS", fresh_ns)
    return fresh_ns


def test_time_above_an_age_is_cut_at_the_ends_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made at 80, received at 90: above 5 all the time, above 30 from 110 on, never above 150."""
    patched_bounds(monkeypatch, 5, 30, 150)
    told = Story(0, Cursor("e0", 0), [(Update("e0", 1, 80, ""), 90)], 300)

    assert {5: 100, 30: 90, 150: 0} == account_of(told).to_record().older_ns


def test_nothing_is_said_of_freshness_without_any_age() -> None:
    assert {} == account_of(Story(0, Cursor("e0", 0), [], 300)).to_record().older_ns


@pytest.mark.long
@given(stories())
def test_peaks_are_the_local_maxima_of_the_age_curve(story: Story) -> None:
    totals, expected = account_of(story).totals, peaks(story)

    assert (sum(expected), len(expected)) == (totals.peak_ns, totals.peaks)


def test_mean_age_of_a_periodic_push_is_half_a_period_and_the_delay() -> None:
    received = [(Update("e0", seq, 10 * seq, ""), 10 * seq + 3) for seq in range(1, 30)]
    totals = account_of(Story(0, Cursor("e0", 0), received, 300)).totals

    assert pytest.approx(10 / 2 + 3) == totals.age_area * SECONDS_SQUARED / totals.age_ns
    assert (100, 10, 130) == (totals.age_ns, totals.peaks, totals.peak_ns)


def test_peak_age_of_a_poll_that_brings_five_updates_is_one_interval() -> None:
    """Updates every 2 ns, an answer every 10 ns: the age rises from 0 to 10 and falls once."""
    received = [(Update("e0", seq, 2 * seq, ""), -(-2 * seq // 10) * 10) for seq in range(1, 150)]
    totals = account_of(Story(0, Cursor("e0", 0), received, 300)).totals

    assert (10, 100) == (totals.peaks, totals.peak_ns)


def test_first_answer_has_no_peak_however_many_updates_it_brings() -> None:
    received = [(Update("e0", seq, 100 + seq, ""), 150) for seq in range(1, 4)]
    totals = account_of(Story(0, Cursor("e0", 0), received, 300)).totals

    assert (0, 0) == (totals.peaks, totals.peak_ns)


def test_newest_update_that_comes_again_makes_no_peak() -> None:
    received = [(Update("e0", 1, 100, ""), arrival_ns) for arrival_ns in (110, 120, 130)]
    totals = account_of(Story(0, Cursor("e0", 0), received, 300)).totals

    assert (0, 90) == (totals.peaks, totals.age_ns)


def test_time_is_counted_once_when_an_arrival_is_stamped_before_the_one_before_it() -> None:
    """A kernel stamp may follow a later stamp of user space."""
    stamped = [(Update("e0", 1, 10, ""), 20), (Update("e0", 2, 30, ""), 120), (Update("e0", 3, 40, ""), 110)]
    totals = account_of(Story(0, Cursor("e0", 0), stamped, 300)).totals

    assert 100 == totals.age_ns
