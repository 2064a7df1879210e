"""Arrivals as in real life: bursts, traces, payloads of many sizes."""

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.workload.schedule import PayloadSizes, Schedule, due_times, payloads, updates_of
from wirerace.workload.trace import Event

START_NS = 1_790_000_000_000_000_000
EVENTS = [Event(0.0, "first"), Event(0.5, None), Event(2.0, "last")]


def offsets(schedule: Schedule, count: int) -> list[float]:
    return [(due - START_NS) / 1e9 for due in itertools.islice(due_times(schedule, START_NS), count)]


def bursty(seed: int = 1, rate_per_second: float = 20.0) -> Schedule:
    return Schedule(arrivals="bursty", rate_per_second=rate_per_second, on_seconds=0.5, off_seconds=1.5, seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_bursts_keep_the_mean_rate(seed: int) -> None:
    """20,000 arrivals: the deviation of a count is 0.7 %."""
    times = offsets(bursty(seed), 20_000)
    assert 20_000 / times[-1] == pytest.approx(20.0, rel=0.03)


def test_bursts_leave_silence_between_them() -> None:
    times = offsets(bursty(), 5_000)
    silences = [later - earlier for earlier, later in itertools.pairwise(times) if later - earlier > 1.0]
    assert len(silences) == pytest.approx(times[-1] / 2.0, abs=2)
    assert all(1.5 <= silence < 2.5 for silence in silences)


def test_bursts_continue_in_order_and_start_anywhere_in_a_cycle() -> None:
    firsts = []
    for seed in range(200):
        times = offsets(bursty(seed), 50)
        assert times == sorted(times)
        assert times[0] > 0
        firsts.append(times[0])
    assert 0.2 < statistics.mean(first < 0.1 for first in firsts) < 0.45


def test_trace_is_played_from_the_start_at_its_speed_and_again() -> None:
    schedule = Schedule(arrivals="trace", trace=EVENTS, speed=2.0)
    assert [0.0, 0.25, 1.0, 1.5, 1.75, 2.5, 3.0] == offsets(schedule, 7)


def test_trace_of_one_instant_repeats_at_the_rate() -> None:
    schedule = Schedule(arrivals="trace", trace=[Event(0.0, None)], rate_per_second=4.0)
    assert [0.0, 0.25, 0.5] == offsets(schedule, 3)


def test_trace_of_several_events_at_one_instant_keeps_the_rate() -> None:
    schedule = Schedule(arrivals="trace", trace=[Event(0.0, None)] * 2, rate_per_second=4.0)
    assert [0.0, 0.0, 0.5, 0.5] == offsets(schedule, 4)


def test_trace_of_one_event_that_begins_later_repeats_at_the_rate_after_it() -> None:
    schedule = Schedule(arrivals="trace", trace=[Event(5.0, None)], rate_per_second=4.0)
    assert [5.0, 10.25] == offsets(schedule, 2)


def test_recorded_payloads_are_used_as_they_are() -> None:
    schedule = Schedule(arrivals="trace", trace=EVENTS, payload_bytes=7)
    first, made_up, last, again = itertools.islice(payloads(schedule), 4)
    assert ("first", 7, "last", "first") == (first, len(made_up), last, again)


@pytest.mark.parametrize("size", [0, 1, 100, 70_000])
def test_payload_has_the_size_that_was_asked_for(size: int) -> None:
    assert {size} == {len(payload) for payload in itertools.islice(payloads(Schedule(payload_bytes=size)), 300)}


def test_payloads_differ_from_update_to_update_and_repeat_with_the_seed() -> None:
    first, second = (list(itertools.islice(payloads(Schedule(seed=3)), 50)) for _ in range(2))
    assert first == second
    assert len(set(first)) == 50


def test_sizes_are_log_normal_about_the_median_and_cut_at_the_bounds() -> None:
    schedule = Schedule(payload_bytes=PayloadSizes(min=50, median=200, max=2000))
    sizes = [len(payload) for payload in itertools.islice(payloads(schedule), 5_000)]
    assert 50 <= min(sizes) < 80
    assert 600 < max(sizes) <= 2000
    assert statistics.median(sizes) == pytest.approx(200, rel=0.05)
    below, above = (sum(size < 200 / 1.5 for size in sizes), sum(size > 200 * 1.5 for size in sizes))
    assert below == pytest.approx(above, rel=0.15)


@pytest.mark.parametrize(
    ("sizes", "ratio"),
    [
        (PayloadSizes(min=50, median=200, max=2000), 4),
        (PayloadSizes(min=10, median=200, max=600), 3),
        (PayloadSizes(min=0, median=8, max=1000), 8),
        (PayloadSizes(min=1, median=1, max=1000), 1),
    ],
)
def test_nearer_bound_lies_three_standard_deviations_from_the_median(sizes: PayloadSizes, ratio: float) -> None:
    assert math.log(ratio) / 3 == pytest.approx(sizes.sigma)


def test_equal_bounds_give_one_size() -> None:
    schedule = Schedule(payload_bytes=PayloadSizes(min=9, median=9, max=9))
    assert {9} == {len(payload) for payload in itertools.islice(payloads(schedule), 100)}


SIZES = PayloadSizes(min=1, median=20, max=90)
KINDS = [
    Schedule(arrivals="periodic", rate_per_second=700.0, payload_bytes=SIZES),
    Schedule(arrivals="poisson", rate_per_second=700.0, payload_bytes=SIZES),
    Schedule(arrivals="bursty", rate_per_second=700.0, on_seconds=0.3, off_seconds=0.5, payload_bytes=SIZES),
    Schedule(arrivals="trace", trace=EVENTS, speed=700.0, payload_bytes=SIZES),
]
kinds = pytest.mark.parametrize("schedule", KINDS, ids=lambda schedule: schedule.arrivals)


@pytest.mark.long
@kinds
@given(index=st.integers(0, 5000), before_ns=st.integers(0, 1))
def test_updates_from_an_instant_on_are_those_of_the_whole_schedule(
    schedule: Schedule, index: int, before_ns: int
) -> None:
    """Times and payloads: a producer that was killed continues as if it had never stopped."""
    whole = list(itertools.islice(updates_of(schedule, START_NS), index + 50))
    from_ns = whole[index].at_ns - before_ns
    expected = [update for update in whole if update.at_ns >= from_ns]
    assert expected == list(itertools.islice(updates_of(schedule, START_NS, from_ns), len(expected)))
    assert [due.at_ns for due in expected] == list(
        itertools.islice(due_times(schedule, START_NS, from_ns), len(expected))
    )


@kinds
def test_schedule_that_began_a_year_ago_is_at_work_at_once(schedule: Schedule) -> None:
    """Billions of earlier updates are skipped."""
    from_ns = START_NS + 365 * 86_400 * 10**9
    first, second = itertools.islice(updates_of(schedule, START_NS, from_ns), 2)
    assert from_ns <= first.at_ns <= second.at_ns < from_ns + 10**9


@pytest.mark.parametrize("on_seconds", [0.001, 1.0])
def test_short_bursts_that_are_a_day_apart_are_reached_at_once(on_seconds: float) -> None:
    """At 10,000 a second on average a burst has 864 million updates."""
    rare = Schedule(arrivals="bursty", rate_per_second=10_000.0, on_seconds=on_seconds, off_seconds=86_400.0)
    for from_ns in (0, START_NS + 10**9, START_NS + 400 * 86_400 * 10**9):
        due_ns = next(due_times(rare, START_NS, from_ns))
        assert 0 <= due_ns - max(from_ns, START_NS) <= (86_400 + on_seconds) * 10**9


@pytest.mark.long
def test_phase_of_bursts_has_nothing_to_do_with_their_gaps() -> None:
    """The correlation over 300 seeds is below three standard deviations of that of independent numbers."""
    phases, gaps = [], []
    for seed in range(300):
        bursts = Schedule(arrivals="bursty", rate_per_second=500.0, on_seconds=1.0, off_seconds=1.0, seed=seed)
        times = offsets(bursts, 2000)
        silence = next(index for index, gap in enumerate(map(float.__sub__, times[1:], times)) if gap >= 1.0)
        phases.append(times[silence + 1])
        gaps.append(offsets(Schedule(rate_per_second=1000.0, seed=seed), 1)[0])
    assert abs(statistics.correlation(phases, gaps)) < 3 / math.sqrt(300)


def test_sizes_have_nothing_to_do_with_gaps() -> None:
    """Large payloads neither follow long gaps nor avoid them."""
    schedule = Schedule(rate_per_second=10.0, payload_bytes=PayloadSizes(min=1, median=100, max=10_000))
    updates = list(itertools.islice(updates_of(schedule, START_NS), 3001))
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(updates)]
    sizes = [math.log(max(1, len(data))) for _, data, _ in updates[1:]]
    assert abs(statistics.correlation(gaps, sizes)) < 3 / math.sqrt(3000)


@pytest.mark.long
def test_blocks_of_poisson_arrivals_leave_no_trace() -> None:
    """Gaps across the bounds of blocks have the same mean as all others."""
    rate, count = 10.0, 200
    times = offsets(Schedule(rate_per_second=rate, seed=4), 1000 * (count + 1))
    bounds = [1000 / rate * number for number in range(1, count)]
    across = [
        next(later for later in times[index:] if later >= bound) - bound
        for bound in bounds
        for index in [max(0, int(bound * rate) - 300)]
    ]
    assert statistics.mean(across) == pytest.approx(1 / rate, abs=3 / rate / math.sqrt(count))
