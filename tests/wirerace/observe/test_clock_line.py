"""A line through probes finds another clock within its own error, whatever queues do to the probes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.clock import NS_PER_SECOND
from wirerace.observe.clock_line import PIECE_NS, Probes, fit, pieces
from wirerace.wire.probe import ClockProbe

START_NS = 1_790_000_000 * NS_PER_SECOND
LEAST_NS = 40_000  # each way
HELD_NS = 5000


def probe_at(at_ns: int, by_ns: int, drift: float, there_ns: int, back_ns: int) -> ClockProbe:
    """Return a probe that leaves at an instant of ours. The other clock is ahead, and drifts from the start on."""

    def other(ours_ns: int) -> int:
        return ours_ns + by_ns + round((ours_ns - START_NS) * drift)

    received, answered = at_ns + there_ns, at_ns + there_ns + HELD_NS
    return ClockProbe(at_ns, other(received), other(answered), answered + back_ns)


def probed(seconds: int, by_ns: int, drift: float, queue: "random.Random", *, most_ns: int = 2_000_000) -> Probes:
    """Return what is kept of four pairs a second, each of which may meet queues on either way."""
    probes = Probes()
    for second in range(seconds):
        pairs = []
        for number in range(4):
            at_ns = START_NS + second * NS_PER_SECOND + number * 20_000_000
            pair = [
                probe_at(
                    at_ns + later_ns,
                    by_ns,
                    drift,
                    LEAST_NS + int(queue.expovariate(1) * queue.uniform(0, most_ns)),
                    LEAST_NS + int(queue.expovariate(1) * queue.uniform(0, most_ns / 5)),
                )
                for later_ns in (0, 9000)
            ]
            pairs.append(pair)
        probes.add(pairs)
    return probes


@pytest.mark.long
@given(
    by_ns=st.integers(-(10**12), 10**12),
    drift=st.floats(-2e-4, 2e-4),
    seed=st.integers(0, 2**32),
    seconds=st.integers(1, 90),
    most_ns=st.sampled_from([0, 10_000, 2_000_000]),
)
def test_line_is_within_its_error_at_every_instant(
    by_ns: int, drift: float, seed: int, seconds: int, most_ns: int
) -> None:
    """One way has longer queues than the other: the error of a middle does not average out, and is still reported."""
    probes = probed(seconds, by_ns, drift, random.Random(seed), most_ns=most_ns)
    found = fit(probes.kept)

    assert found is not None
    for at_ns in range(probes.kept[0].at_ns, probes.kept[-1].at_ns + 1, NS_PER_SECOND):
        true_ns = by_ns + (at_ns - START_NS) * drift
        assert abs(found.line.ahead(at_ns) - true_ns) <= found.error_ns + 2


def test_quiet_network_gives_drift_and_half_a_round_trip() -> None:
    found = fit(probed(20, -30_000_000, 20e-6, random.Random(1), most_ns=0).kept)

    assert found is not None
    assert pytest.approx(20e-6, abs=1e-10) == found.line.drift
    assert pytest.approx(LEAST_NS, abs=50) == found.error_ns
    assert pytest.approx(2 * LEAST_NS, abs=10) == found.least_ns


def test_short_time_says_nothing_of_drift() -> None:
    found = fit(probed(2, 500, 1e-4, random.Random(1)).kept)

    assert found is not None
    assert found.line.drift == 0.0
    assert fit([]) is None


def test_short_round_trips_tell_drift_sooner() -> None:
    """Of 10 µs a round trip, at most 10 µs in a second can be a drift that is none."""
    probes = [probe_at(START_NS + second * NS_PER_SECOND, 0, 20e-6, 5000, 5000) for second in range(2)]
    found = fit(probes)

    assert found is not None
    assert pytest.approx(20e-6, abs=1e-9) == found.line.drift


def test_pair_that_stayed_close_is_kept_before_one_that_met_a_queue() -> None:
    """A probe may look quick because a queue delayed its stamp there and nothing back; its pair shows the queue."""
    probes, steady = Probes(), [probe_at(START_NS + later, 0, 0.0, 30_000, 30_000) for later in (0, 9000)]
    queued = [probe_at(START_NS + 50_000, 0, 0.0, 20_000, 20_000), probe_at(START_NS + 59_000, 0, 0.0, 90_000, 20_000)]
    alone = probe_at(START_NS + 60_000, 0, 0.0, 1000, 1000)  # of whose pair only one came back
    probes.add([queued, steady, [alone], []])

    assert probes.kept == [steady[0]]
    assert probes.answered == 5

    probes.add([[], []])
    assert len(probes.kept) == 1


def test_one_probe_of_a_round_is_kept_with_those_around_an_interval() -> None:
    probes = probed(10, 0, 0.0, random.Random(3))
    from_ns, to_ns = START_NS + 3 * NS_PER_SECOND + 500_000_000, START_NS + 5 * NS_PER_SECOND + 500_000_000

    assert len(probes.kept) == 10
    assert [one.at_ns // NS_PER_SECOND - START_NS // NS_PER_SECOND for one in probes.between(from_ns, to_ns)] == [
        3,
        4,
        5,
        6,
    ]
    assert len(probes.latest(4 * NS_PER_SECOND)) >= 4
    assert probes.surround(from_ns, to_ns)
    assert not probes.surround(START_NS - 1, to_ns)
    assert not probes.surround(from_ns, START_NS + 20 * NS_PER_SECOND)
    assert not Probes().surround(from_ns, to_ns)
    assert Probes().latest(1) == []


@pytest.mark.parametrize(("seconds", "count"), [(1, 1), (60, 1), (61, 2), (3600, 60)])
def test_long_window_has_a_line_for_each_minute(seconds: int, count: int) -> None:
    """No crystal is straight for an hour, and NTP changes its speed."""
    found = pieces(START_NS, START_NS + seconds * NS_PER_SECOND)

    assert len(found) == count
    assert (found[0][0], found[-1][1]) == (START_NS, START_NS + seconds * NS_PER_SECOND)
    assert all(to_ns - from_ns <= PIECE_NS for from_ns, to_ns in found)
