"""What `python -m benchmarks.slope` says of samples: growth that records explain, and growth that nothing explains."""

from collections.abc import Callable

import pytest

from benchmarks.growth import TOLERANCE_KB, Growth, UsageSample, growth_of, kept_bytes
from benchmarks.slope import row_of

SECONDS = 600
KB_A_MINUTE = 1000 / 60


def growth(
    memory: Callable[[int], float], explained: Callable[[float, float], float] = lambda *_: 0.0, files: int = 0
) -> Growth:
    """Return the growth of a process with a memory over time; it opens `files` near the end."""
    samples = [
        UsageSample(second, int(50e6 + memory(second)), 10 + files * (second > 0.7 * SECONDS), 3)
        for second in range(SECONDS)
    ]
    return growth_of(samples, explained)


def test_steady_process_grows_nothing() -> None:
    found = growth(lambda _: 0.0)

    assert (0.0, False) == (found.slope_kb, found.grows)
    assert row_of("sse", "load", found).endswith("| grows nothing without bound |")


def test_leak_is_growth() -> None:
    found = growth(lambda second: 3 * TOLERANCE_KB * KB_A_MINUTE * second)

    assert found.grows
    assert pytest.approx(3 * TOLERANCE_KB) == found.slope_kb
    assert row_of("sse", "load", found).endswith("| grows |")


@pytest.mark.parametrize(("each", "grows"), [(300.0, False), (100.0, True)])
def test_record_explains_as_much_as_its_updates_take(each: float, *, grows: bool) -> None:
    found = growth(lambda second: 300.0 * 50 * second, kept_bytes(each, 50.0))

    assert pytest.approx(each * 50 * 60 / 1000) == found.explained_kb
    assert grows == found.grows


def test_step_is_no_slope() -> None:
    """A cache that is filled once lifts one half of the run."""
    assert not growth(lambda second: 2e6 * (second > 300)).grows


def test_beginning_is_left_out() -> None:
    assert not growth(lambda second: min(second, SECONDS / 3) * 1e5).grows


def test_files_that_stay_open_are_growth() -> None:
    found = growth(lambda _: 0.0, files=2)

    assert ((10, 12), True) == (found.files, found.grows)


def test_connections_that_come_back_are_no_growth() -> None:
    samples = [UsageSample(second, 50_000_000, 10 if 250 < second < 350 else 30, 3) for second in range(SECONDS)]

    assert ((30, 30), False) == ((found := growth_of(samples, lambda *_: 0.0)).files, found.grows)


def test_history_explains_nothing_more_when_it_is_full() -> None:
    explained = kept_bytes(200.0, 10.0, most_updates=1000)

    assert [200.0 * 1000, 200.0 * 500, 0.0] == [explained(0, 500), explained(50, 500), explained(100, 500)]
