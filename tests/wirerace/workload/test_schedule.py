import itertools
import math
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.workload.schedule import Schedule, due_times

START_NS = 1_790_000_000_000_000_000
SAMPLE = 20_000
rates = st.floats(0.01, 10_000)


def poisson(seed: int = 1, rate_per_second: float = 50.0, start_ns: int = START_NS, count: int = 100) -> list[int]:
    schedule = Schedule(arrivals="poisson", rate_per_second=rate_per_second, seed=seed)
    return list(itertools.islice(due_times(schedule, start_ns), count))


def poisson_gaps_seconds(seed: int, rate_per_second: float) -> list[float]:
    times = [START_NS, *poisson(seed, rate_per_second, count=SAMPLE)]
    return [(after - before) / 1e9 for before, after in itertools.pairwise(times)]


@given(rates, st.integers(1, 2000))
def test_periodic_times_are_multiples_of_the_period_to_the_nanosecond(rate_per_second: float, index: int) -> None:
    times = due_times(Schedule(arrivals="periodic", rate_per_second=rate_per_second), START_NS)
    due_ns = next(itertools.islice(times, index - 1, None))

    assert abs(START_NS + index * 10**9 / Fraction(rate_per_second) - due_ns) <= 1


@pytest.mark.long
def test_periodic_times_do_not_drift() -> None:
    third_of_a_second = due_times(Schedule(arrivals="periodic", rate_per_second=3.0), START_NS)

    assert START_NS + 100_000 * 10**9 == next(itertools.islice(third_of_a_second, 299_999, None))


def test_periodic_times_heed_no_seed() -> None:
    schedules = [Schedule(arrivals="periodic", rate_per_second=7.0, seed=seed) for seed in (1, 2)]
    first, second = (list(itertools.islice(due_times(schedule, START_NS), 50)) for schedule in schedules)

    assert first == second


def test_poisson_times_repeat_with_the_seed() -> None:
    assert poisson(seed=3) == poisson(seed=3)


def test_poisson_times_differ_from_seed_to_seed() -> None:
    assert poisson(seed=3) != poisson(seed=4)


@given(st.integers(0, 2**53), rates)
def test_poisson_times_never_go_back_and_follow_the_start(seed: int, rate_per_second: float) -> None:
    times = [START_NS, *poisson(seed, rate_per_second)]

    assert sorted(times) == times


@given(st.integers(-(10**15), 10**15))
def test_poisson_gaps_do_not_depend_on_the_start(shift_ns: int) -> None:
    assert [due_ns + shift_ns for due_ns in poisson()] == poisson(start_ns=START_NS + shift_ns)


@pytest.mark.parametrize("rate_per_second", [0.05, 5.0, 1000.0])
def test_mean_poisson_gap_is_one_over_the_rate(rate_per_second: float) -> None:
    gaps = poisson_gaps_seconds(11, rate_per_second)
    deviation = 1 / rate_per_second / math.sqrt(SAMPLE)

    assert pytest.approx(1 / rate_per_second, abs=3 * deviation) == sum(gaps) / SAMPLE


def test_poisson_gaps_are_exponential() -> None:
    """The Kolmogorov-Smirnov distance stays below its 1 % quantile."""
    gaps = sorted(poisson_gaps_seconds(12, 5.0))
    distances = (abs(1 - math.exp(-5.0 * gap) - index / SAMPLE) for index, gap in enumerate(gaps))

    assert max(distances) < 1.63 / math.sqrt(SAMPLE)


def test_neighbouring_poisson_gaps_are_independent() -> None:
    gaps = [5.0 * gap - 1 for gap in poisson_gaps_seconds(13, 5.0)]  # mean 0, variance 1
    correlation = sum(before * after for before, after in itertools.pairwise(gaps)) / SAMPLE

    assert abs(correlation) < 3 / math.sqrt(SAMPLE)


def test_schedule_that_says_nothing_is_that_of_the_contract() -> None:
    """docs/contract.md, the column of defaults."""
    said = {
        "arrivals": "poisson",
        "rate_per_second": 5.0,
        "channels": 1,
        "payload_bytes": 100,
        "on_seconds": 1.0,
        "off_seconds": 4.0,
        "trace": [],
        "speed": 1.0,
        "trace_file": None,
        "seed": 1,
        "start_ns": None,
    }

    assert said == msgspec.to_builtins(Schedule())


@pytest.mark.parametrize(
    ("key", "least", "most", "step"),
    [
        ("rate_per_second", 0.01, 10_000, 0.001),
        ("payload_bytes", 0, 1_048_576, 1),
        ("on_seconds", 0.001, 86_400, 0.0005),
        ("off_seconds", 0.001, 86_400, 0.0005),
        ("seed", 0, 2**52, 1),
        ("start_ns", 0, 2**62, 1),
    ],
)
def test_number_is_taken_up_to_its_bounds_and_not_beyond(key: str, least: float, most: float, step: float) -> None:
    for value in (least, most):
        assert value == getattr(msgspec.convert({key: value}, Schedule), key)
    for value in (least - step, most + step):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({key: value}, Schedule)


def test_schedule_survives_json() -> None:
    schedule = Schedule(rate_per_second=2.5, arrivals="periodic", payload_bytes=7, seed=9, start_ns=START_NS)

    assert schedule == msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule)


@pytest.mark.parametrize(
    ("encoded", "named"),
    [
        (b'{"rate_per_second": 0}', "rate_per_second"),
        (b'{"rate_per_second": 10001}', "rate_per_second"),
        (b'{"arrivals": "sometimes"}', "arrivals"),
        (b'{"payload_bytes": -1}', "payload_bytes"),
        (b'{"payload_bytes": 1048577}', "payload_bytes"),
        (b'{"seed": -1}', "seed"),
        (b'{"start_ns": -1}', "start_ns"),
        (b'{"hurry": 3}', "hurry"),
        (b'{"arrivals": "trace"}', "trace must hold events"),
        (b'{"trace": [[0, null]]}', "trace must hold events"),
        (b'{"payload_bytes": {"min": 5, "median": 3, "max": 9}}', "min, median, max must ascend, got 5, 3, 9"),
    ],
)
def test_schedule_refuses_what_cannot_be_kept(encoded: bytes, named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.json.decode(encoded, type=Schedule)
