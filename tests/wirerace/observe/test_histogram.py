import math

import msgspec
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from tests.costly import costly
from wirerace.errors import BadInput
from wirerace.observe.histogram import HIGHEST_NS, MOST_PENDING, SIGNIFICANT_DIGITS, Latencies, LatenciesRecord, merged

# Every power of ten from 1 µs to 1 h alike.
latencies = st.builds(
    lambda exponent, digits: min(round(10**exponent * digits), HIGHEST_NS), st.integers(3, 12), st.floats(1, 10)
)


def recorded(values: list[int]) -> Latencies:
    result = Latencies()
    for value in values:
        result.record(value)
    return result


@pytest.mark.long
@given(st.lists(st.lists(latencies, max_size=20), max_size=4))
def test_merged_histograms_equal_one_histogram(parts: list[list[int]]) -> None:
    together = merged(recorded(part).to_record() for part in parts)

    assert recorded([value for part in parts for value in part]).to_record() == together.to_record()


@pytest.mark.long
@costly()
@given(st.lists(latencies, min_size=1, max_size=60))
def test_cumulative_counts_are_those_of_the_sorted_list(values: list[int]) -> None:
    steps = recorded(values).cumulative_ns()

    assert len(values) == steps[-1][1]
    assert steps == sorted(steps)
    for value, count in steps:
        assert sum(one < value * 0.998 for one in values) <= count
        assert count <= sum(one <= value * 1.002 for one in values)


@pytest.mark.parametrize("text", ["", "x", "HISTFAAA", "é", "HISTFAAAACB42pNpmSzMwMDABMRsAAYIAAs=", "AAAA" * 1000])
def test_text_that_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="a histogram is damaged"):
        merged([LatenciesRecord(text, 1, 1, 1, 1)])


@pytest.mark.long
@given(latencies)
def test_a_latency_keeps_three_digits_from_a_microsecond_to_an_hour(latency_ns: int) -> None:
    one = recorded([latency_ns])

    assert pytest.approx(latency_ns, rel=1e-3) == one.percentile_ns(50)
    assert (latency_ns, latency_ns, latency_ns) == (one.mean_ns(), one.min_ns, one.max_ns)


@pytest.mark.long
@given(st.lists(latencies, min_size=1, max_size=60), st.sampled_from([1, 25, 50, 90, 99, 99.9, 100]))
def test_percentile_lies_within_a_rank_of_the_sorted_list(values: list[int], percent: float) -> None:
    ordered = sorted(values)
    rank = percent / 100 * len(values)  # the rank of the smallest value that this part does not exceed; 1 is the first
    low, high = max(math.floor(rank), 1), min(math.ceil(rank), len(values))
    value = recorded(values).percentile_ns(percent)

    assert value is not None
    assert 0.999 * ordered[low - 1] <= value <= 1.001 * ordered[high - 1]


@pytest.mark.long
@costly()
@given(st.lists(latencies, min_size=1, max_size=30))
def test_mean_extremes_and_mean_square_are_those_of_the_list(values: list[int]) -> None:
    of_all = recorded(values)

    assert (min(values), max(values)) == (of_all.min_ns, of_all.max_ns)
    assert pytest.approx(sum(values) / len(values)) == of_all.mean_ns()
    assert pytest.approx(sum(value**2 for value in values) / len(values), rel=2e-3) == of_all.square_mean_ns2()


@pytest.mark.long
@given(st.lists(st.one_of(latencies, st.integers(-5, 5000), st.integers(HIGHEST_NS - 3, 2 * HIGHEST_NS)), max_size=60))
def test_histogram_is_that_of_the_library_which_records_one_value_after_the_other(values: list[int]) -> None:
    of_library = HdrHistogram(1, HIGHEST_NS, SIGNIFICANT_DIGITS)
    for value in values:
        assert of_library.record_value(min(max(value, 0), HIGHEST_NS))
    latencies = recorded(values)
    record = latencies.to_record()
    own = latencies._histogram

    assert (of_library.encode().decode() if values else "") == record.histogram
    assert (of_library.total_count, of_library.min_value, of_library.max_value) == (
        own.total_count,
        own.min_value,
        own.max_value,
    )


@pytest.mark.long
@pytest.mark.parametrize("number", [1, MOST_PENDING - 1, MOST_PENDING, MOST_PENDING + 1, 3 * MOST_PENDING])
def test_values_that_are_not_in_the_histogram_yet_count(number: int) -> None:
    some = recorded(list(range(1, number + 1)))

    assert number == some.count
    assert (number * (number + 1) // 2, 1, number) == (some.sum_ns, some.min_ns, some.max_ns)
    assert number == recorded(list(range(1, number + 1))).cumulative_ns()[-1][1]
    assert pytest.approx(number, rel=1e-3) == recorded([number] * number).percentile_ns(50)


def test_nothing_recorded_has_no_mean_and_no_percentile() -> None:
    empty = Latencies()

    assert (None, None, None, None) == (empty.mean_ns(), empty.percentile_ns(50), empty.min_ns, empty.max_ns)
    assert empty.square_mean_ns2() is None


def test_values_out_of_bounds_are_counted_and_stay_visible() -> None:
    extremes = recorded([-5, 2 * HIGHEST_NS])

    assert (2, -5, 2 * HIGHEST_NS) == (extremes.count, extremes.min_ns, extremes.max_ns)
    assert 0 == extremes.percentile_ns(1)
    assert pytest.approx(HIGHEST_NS, rel=1e-3) == extremes.percentile_ns(100)


def test_zero_survives_merging() -> None:
    assert 3 == merged([recorded([0, 0]).to_record(), recorded([0]).to_record()]).count


def test_merging_nothing_gives_nothing() -> None:
    assert LatenciesRecord("", 0, 0, None, None) == merged([Latencies().to_record()]).to_record()


@given(st.lists(latencies, max_size=10))
def test_record_survives_json(values: list[int]) -> None:
    record = recorded(values).to_record()

    assert record == msgspec.json.decode(msgspec.json.encode(record), type=LatenciesRecord)
