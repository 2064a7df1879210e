"""How often intervals are right, by simulation: a contestant against itself, figures that vary as real ones do."""

import random
from collections.abc import Callable

import pytest

from wirerace.analysis.aggregate import compared_in_pairs, confidence_of, interval
from wirerace.analysis.figures import PRIMARY
from wirerace.record.result import Interval

pytestmark = pytest.mark.long

Draw = Callable[[random.Random], float]
EXPERIMENTS = 1_500


def normal(source: random.Random) -> float:
    return source.gauss(100, 10)


def uniform(source: random.Random) -> float:
    """The mean latency of few pollers, which depends on their phases."""
    return source.uniform(0.4, 0.6)


def exponential_mean(source: random.Random) -> float:
    """The mean age over a window of 50 Poisson updates."""
    return source.gammavariate(50, 0.2 / 50)


def skewed(source: random.Random) -> float:
    """CPU time on a machine that is sometimes busy."""
    return source.lognormvariate(0, 0.4)


def disturbed(source: random.Random) -> float:
    """One trial of ten takes three times as long."""
    return source.gauss(100, 10) * (3 if source.random() < 0.1 else 1)


def excludes(found: Interval | None, nothing: float) -> bool:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return not found.low <= nothing <= found.high


@pytest.mark.parametrize("repeats", [3, 5, 10])
@pytest.mark.parametrize("draw", [normal, uniform, exponential_mean, skewed, disturbed])
def test_contestant_against_itself_differs_in_no_more_than_5_percent_of_comparisons(draw: Draw, repeats: int) -> None:
    """1,500 experiments: the observed share has a standard deviation of 0.56 %."""
    source, ratios, differences = random.Random(1), 0, 0
    for _ in range(EXPERIMENTS):
        pairs = [(draw(source), draw(source)) for _ in range(repeats)]
        ratio, difference = compared_in_pairs(pairs, 0.95)
        ratios += excludes(ratio, 1.0)
        differences += excludes(difference, 0.0)

    assert 0.002 < ratios / EXPERIMENTS < 0.067
    assert 0.002 < differences / EXPERIMENTS < 0.067


@pytest.mark.parametrize(
    ("draw", "mean", "least"),
    [(normal, 100.0, 0.93), (uniform, 0.5, 0.92), (exponential_mean, 0.2, 0.93), (skewed, 1.0833, 0.89)],
)
def test_interval_of_five_repeats_covers_the_mean_nearly_as_often_as_it_says(
    draw: Draw, mean: float, least: float
) -> None:
    """The mean of figures that are skewed is covered less often than 95 %: docs/measuring.md says so."""
    source = random.Random(1)
    covered = sum(not excludes(interval([draw(source) for _ in range(5)]), mean) for _ in range(EXPERIMENTS))

    assert least < covered / EXPERIMENTS < 0.967


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_all_primary_comparisons_together_are_wrong_in_no_more_than_5_percent_of_experiments(
    draw: Draw, shared: float
) -> None:
    """Three identical contestants, five repeats; the effect of a repeat on all figures is shared or not.

    An experiment is wrong if any interval of any primary figure excludes no difference, as ratio or as difference.
    """
    source, wrong, others = random.Random(1), 0, 2
    experiments = EXPERIMENTS // 2
    for _ in range(experiments):
        pairs: dict[tuple[int, str], list[tuple[float, float]]] = {}
        for _ in range(5):
            common = [draw(source) for _ in range(others + 1)]
            for figure in PRIMARY:
                first, *rest = (draw(source) ** (1 - shared) * one**shared for one in common)
                for other, value in enumerate(rest):
                    pairs.setdefault((other, figure.id), []).append((value, first))
        wrong += any(
            excludes(ratio, 1.0) or excludes(difference, 0.0)
            for ratio, difference in (
                compared_in_pairs(found, confidence_of(PRIMARY[0], len(PRIMARY) * others)) for found in pairs.values()
            )
        )

    assert wrong / experiments < 0.07


def test_without_correction_some_comparison_would_be_wrong_in_a_quarter_of_experiments() -> None:
    source, wrong = random.Random(1), 0
    for _ in range(EXPERIMENTS // 3):
        found = [
            compared_in_pairs([(normal(source), normal(source)) for _ in range(5)], 0.95)[0]
            for _ in range(2 * len(PRIMARY))
        ]
        wrong += any(excludes(ratio, 1.0) for ratio in found)

    assert 0.25 < wrong / (EXPERIMENTS // 3)
