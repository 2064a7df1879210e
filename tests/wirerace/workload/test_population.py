"""When visitors come."""

from itertools import islice
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.workload.arrivals import poisson
from wirerace.workload.population import Population, Share, visits_of

SECOND = 10**9
START_NS = 1_790_000_000 * SECOND
ArrivalsKind = Literal["periodic", "poisson"]
kinds = st.sampled_from(["periodic", "poisson"])


def population_of(arrivals: ArrivalsKind, per_second: float = 50.0) -> Population:
    return Population(kind="visit", arrivals=arrivals, per_second=per_second)


@given(kinds, st.integers(0, 1000), st.integers(1, 8), st.integers(1, 3))
def test_processes_have_every_visitor_once(kind: ArrivalsKind, seed: int, processes: int, seconds: int) -> None:
    population, end_ns = population_of(kind), START_NS + seconds * SECOND
    shares = [
        list(visits_of(population, seed, START_NS, end_ns, Share(number, processes))) for number in range(processes)
    ]

    assert list(visits_of(population, seed, START_NS, end_ns)) == sorted(due_ns for share in shares for due_ns in share)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(kinds, st.integers(0, 1000), st.floats(0.1, 500))
def test_visitors_come_in_order_between_the_ends(kind: ArrivalsKind, seed: int, per_second: float) -> None:
    due = list(visits_of(population_of(kind, per_second), seed, START_NS, START_NS + SECOND))

    assert sorted(due) == due
    assert all(START_NS <= due_ns < START_NS + SECOND for due_ns in due)


@pytest.mark.parametrize("kind", ["periodic", "poisson"])
def test_as_many_come_as_the_rate_says(kind: ArrivalsKind) -> None:
    due = list(visits_of(population_of(kind, 200.0), 1, START_NS, START_NS + 50 * SECOND))

    assert pytest.approx(10_000, rel=0.05) == len(due)


def test_periodic_visitors_come_evenly() -> None:
    due = list(visits_of(population_of("periodic", 4.0), 1, START_NS, START_NS + SECOND))

    assert [START_NS + SECOND * quarter // 4 for quarter in (1, 2, 3)] == due


def test_same_seed_gives_the_same_visitors_and_another_one_gives_others() -> None:
    first, again, other = (
        list(visits_of(population_of("poisson"), seed, START_NS, START_NS + SECOND)) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_visitors_do_not_come_with_the_updates_of_the_same_seed_and_rate() -> None:
    """One stream of random numbers for both would make every visitor meet a new update."""
    due = list(visits_of(population_of("poisson"), 1, 0, 10 * SECOND))
    updates = [round(seconds * SECOND) for seconds in islice(next(poisson(50.0, 1, 0.0)).seconds, len(due))]

    assert set() == set(due) & set(updates)
