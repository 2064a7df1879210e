"""How often two runs of one version are said to differ, and a slower one to be slower: by simulation, with seeds.

A repeat varies about its run, and a run about its version, because something differs between runs that no repeat shows.
"""

import math
import random

import pytest

from tests.wirerace.compared import comparison, measured
from tests.wirerace.report.made_up import result_of
from wirerace.record.result import Result

pytestmark = pytest.mark.long

PAIRS = 100
BETWEEN, WITHIN = 0.02, 0.04
"""Standard deviations of logarithms, between runs and between the repeats of one."""


def run_from(source: random.Random, *, factor: float = 1.0, seed: int = 0, repeats: int = 5) -> Result:
    """Return a run of two contestants. Repeats of one seed share what their schedule does."""
    trials = []
    for transport in ("polling", "websocket"):
        hour = source.gauss(0, BETWEEN)
        for repeat in range(1, repeats + 1):
            schedule = random.Random(f"{transport} {repeat} {seed}").gauss(0, 0.05)
            value = 100 * factor * math.exp(hour + schedule + source.gauss(0, WITHIN))
            trials.append(measured(value, transport, repeat, seed + repeat))
    return result_of(*trials)


def share_of(words: set[str], source: random.Random, *, factor: float = 1.0, other_seed: int = 0) -> float:
    """Return in which part of all pairs of runs any figure got one of some words."""
    found = 0
    for _ in range(PAIRS):
        changes = comparison(run_from(source), run_from(source, factor=factor, seed=other_seed)).changes
        found += bool(words & {change.word for change in changes})
    return found / PAIRS


@pytest.mark.parametrize("other_seed", [0, 100], ids=["paired", "not paired"])
def test_two_runs_of_one_version_differ_in_at_most_one_of_twenty_pairs(other_seed: int) -> None:
    assert share_of({"slower", "faster", "older", "dearer", "more"}, random.Random(1), other_seed=other_seed) <= 0.05


@pytest.mark.parametrize("other_seed", [0, 100], ids=["paired", "not paired"])
def test_server_that_is_two_thirds_slower_is_called_slower(other_seed: int) -> None:
    assert 0.95 <= share_of({"slower"}, random.Random(1), factor=1.67, other_seed=other_seed)


def test_without_a_smallest_difference_two_runs_of_one_version_would_differ_too_often() -> None:
    source, found = random.Random(1), 0
    for _ in range(PAIRS):
        changes = comparison(run_from(source, repeats=10), run_from(source, repeats=10), margin=0.0).changes
        found += any(change.shown in {"less", "more"} for change in changes)

    assert 0.08 < found / PAIRS
