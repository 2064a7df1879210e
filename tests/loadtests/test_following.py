"""A clock that follows another is right within the error that it reports, and never runs backwards."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import wall
from loadtests.following import STEP_NS, FollowingClock
from loadtests.wall import HostClocks, Shift
from wirerace.clock import NS_PER_SECOND
from wirerace.observe.clock_line import ClockLine, Probes
from wirerace.wire.probe import ClockProbe

START_NS = 1_790_000_000 * NS_PER_SECOND


class Hosts:
    """Two hosts: ours has a clock that a function of the true time, which is the other's, makes wrong."""

    def __init__(self, wrong: Callable[[int], int], seed: int = 1, most_ns: int = 100_000) -> None:
        self.true_ns = START_NS
        self._wrong = wrong
        self._random, self._most_ns = random.Random(seed), most_ns
        self.probes = Probes()
        self.clock = FollowingClock(self.now_ns)

    def now_ns(self) -> int:
        return self._wrong(self.true_ns)

    def probe(self) -> None:
        """Exchange four pairs, in which queues hold up some."""
        pairs: list[list[ClockProbe]] = []
        for _ in range(4):
            pair: list[ClockProbe] = []
            for _ in range(2):
                sent = self.now_ns()
                self._pass_on_the_way()
                received = self.true_ns
                self.true_ns += 4000
                answered = self.true_ns
                self._pass_on_the_way()
                pair.append(ClockProbe(sent, received, answered, self.now_ns()))
            pairs.append(pair)
            self.true_ns += 20_000_000
        self.probes.add(pairs)
        self.clock.take(self.probes)

    def _pass_on_the_way(self) -> None:
        self.true_ns += 20_000 + int(self._random.expovariate(1) * self._most_ns)

    def run(self, seconds: int) -> list[tuple[int, int]]:
        """Probe each second; return in between our own time, and by how much the corrected one was wrong."""
        found = []
        for _ in range(seconds):
            self.probe()
            for _ in range(9):
                self.true_ns += 100_000_000
                found.append((self.now_ns(), self.clock.now_ns() - self.true_ns))
        return found


def worst(instants: list[tuple[int, int]]) -> int:
    """Return by how much the time was wrong at most."""
    return max(abs(wrong_ns) for _, wrong_ns in instants)


@pytest.mark.long
@given(
    by_ms=st.integers(-3_600_000, 3_600_000),
    drift=st.floats(-2e-4, 2e-4),
    seed=st.integers(0, 2**32),
    seconds=st.integers(2, 70),
    most_ns=st.sampled_from([0, 5000, 100_000, 1_000_000]),
)
def test_corrected_clock_is_within_its_error(by_ms: int, drift: float, seed: int, seconds: int, most_ns: int) -> None:
    hosts = Hosts(Shift(by_ms * 1_000_000, drift, START_NS).of, seed, most_ns)
    hosts.run(4)
    hosts.clock.is_steady = True
    instants = hosts.run(seconds)
    hosts.run(1)
    found = hosts.clock.correction(hosts.probes, instants[0][0], instants[-1][0])

    assert found is not None
    assert worst(instants) <= found.error_ns + 2
    middle = (instants[0][0] + instants[-1][0]) // 2
    assert abs(hosts.clock._stretch_at(middle).ahead(middle) - found.ahead_ns) <= 1


def test_shift_of_30_ms_and_drift_of_20_us_a_second_are_found() -> None:
    hosts = Hosts(Shift(30_000_000, 20e-6, START_NS).of, most_ns=2000)
    hosts.run(4)
    hosts.clock.is_steady = True
    instants = hosts.run(10)
    hosts.run(1)
    found = hosts.clock.correction(hosts.probes, instants[0][0], instants[-1][0])

    assert found is not None
    assert found.error_ns < 60_000
    assert pytest.approx(-20e-6, abs=1e-6) == found.drift
    assert -31_000_000 < found.ahead_ns < -30_000_000


def test_clock_whose_speed_changes_is_followed_and_the_bend_is_in_the_error() -> None:
    """As NTP changes it: by 500 µs a second at most."""

    def bent(true_ns: int) -> int:
        return true_ns + max(0, true_ns - START_NS - 10 * NS_PER_SECOND) * 200 // 1_000_000

    hosts = Hosts(bent, most_ns=0)
    hosts.run(4)
    hosts.clock.is_steady = True
    instants = hosts.run(12)
    hosts.run(1)
    found = hosts.clock.correction(hosts.probes, instants[0][0], instants[-1][0])

    assert found is not None
    assert found.error_ns > 100_000
    assert worst(instants) <= found.error_ns


def test_clock_that_is_set_in_the_window_has_a_large_error() -> None:
    hosts = Hosts(lambda true_ns: true_ns + 50_000_000 * (true_ns > START_NS + 8 * NS_PER_SECOND), most_ns=0)
    hosts.run(4)
    hosts.clock.is_steady = True
    instants = hosts.run(8)
    hosts.run(1)
    found = hosts.clock.correction(hosts.probes, instants[0][0], instants[-1][0])

    assert found is not None
    assert found.error_ns > 10_000_000


def test_error_is_unknown_without_a_probe_before_and_one_after() -> None:
    hosts = Hosts(Shift().of)
    hosts.run(3)
    before_ns, after_ns = START_NS - NS_PER_SECOND, hosts.true_ns + 10 * NS_PER_SECOND

    assert hosts.clock.correction(hosts.probes, before_ns, hosts.true_ns - NS_PER_SECOND) is None
    assert hosts.clock.correction(hosts.probes, START_NS + NS_PER_SECOND, after_ns) is None
    assert FollowingClock(hosts.now_ns).correction(Probes(), START_NS, START_NS + 1) is None


def test_clock_comes_to_the_line_within_a_second_and_never_runs_backwards() -> None:
    now = [START_NS]
    clock = FollowingClock(lambda: now[0])
    clock.follow(ClockLine(START_NS, 50_000_500.0, 0.0))
    clock.follow(ClockLine(START_NS, 50_000_000.0, 0.0))
    assert clock.now_ns() == START_NS + 50_000_000

    clock.is_steady = True

    clock.follow(ClockLine(START_NS, 50_000_000.0 - STEP_NS, 0.0))
    seen = []
    for _ in range(11):
        seen.append(clock.now_ns())
        now[0] += NS_PER_SECOND // 10
    assert seen[0] == START_NS + 50_000_000
    assert seen == sorted(seen)
    assert seen[-1] == START_NS + NS_PER_SECOND + 50_000_000 - STEP_NS


def test_time_of_a_stamp_is_corrected_as_a_reading_is() -> None:
    clock, shift = FollowingClock(lambda: START_NS), Shift(30_000_000, 20e-6, START_NS)
    clock.follow(ClockLine(START_NS, -30_000_000.0, 0.0))
    try:
        wall.follow(clock, HostClocks(lambda: START_NS, int))
        assert wall.stamped is not None
        assert wall.now_ns() == wall.stamped(START_NS) == START_NS - 30_000_000

        wall.follow(clock, HostClocks(shift.now_ns, shift.of))
        assert wall.stamped is not None
        assert wall.stamped(START_NS + NS_PER_SECOND) == START_NS + NS_PER_SECOND + 20_000
    finally:
        wall.follow_none()
    assert wall.stamped is None


def test_host_time_is_what_the_clock_was_corrected_from() -> None:
    hosts = Hosts(Shift(-7_000_000_000, 1e-5, START_NS).of, most_ns=0)
    instants = hosts.run(5)
    ours, wrong = instants[-12]

    assert pytest.approx(ours, abs=60_000) == hosts.clock.host_time(ours + 7_000_000_000 + wrong)


def test_tests_shift_a_clock_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wall.host_clocks().stamp(5) == 5
    monkeypatch.setenv(wall.SHIFTED, f"0.03,20e-6,{START_NS}")

    assert wall.host_clocks().stamp(START_NS + NS_PER_SECOND) == START_NS + NS_PER_SECOND + 30_020_000
