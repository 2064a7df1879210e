"""When clients send: at times that depend on the seed and on the client alone."""

from itertools import pairwise
from statistics import fmean, stdev

import pytest

from wirerace.clock import NS_PER_SECOND
from wirerace.workload.upstream import Upstream, times_of

UPSTREAM = Upstream(rate_per_second=50.0)
START_NS, END_NS = 10**18, 10**18 + 200 * NS_PER_SECOND


def times(seed: int = 1, client: tuple[int, int] = (0, 1), end_ns: int = END_NS) -> list[int]:
    return list(times_of(UPSTREAM, seed, client, START_NS, end_ns))


def test_clients_do_not_send_unless_they_are_told_to() -> None:
    assert not Upstream().is_on
    assert UPSTREAM.is_on


@pytest.mark.long
def test_times_are_the_same_for_the_same_seed_and_client_and_different_for_others() -> None:
    assert times() == times()
    assert len({tuple(times(seed, client)) for seed in (1, 2) for client in ((0, 1), (0, 2), (1, 1))}) == 6


def test_times_ascend_from_the_start_and_end_before_the_end() -> None:
    found = times()

    assert all(earlier <= later for earlier, later in pairwise(found))
    assert START_NS <= found[0]
    assert found[-1] < END_NS
    assert [at_ns for at_ns in found if at_ns < START_NS + NS_PER_SECOND] == times(end_ns=START_NS + NS_PER_SECOND)


def test_gaps_are_exponential() -> None:
    """10,000 of them: the mean is known to 1 %, and the deviation of an exponential is its mean."""
    gaps = [(later - earlier) / NS_PER_SECOND for earlier, later in pairwise(times())]

    assert pytest.approx(1 / 50, rel=0.05) == fmean(gaps)
    assert pytest.approx(fmean(gaps), rel=0.05) == stdev(gaps)
