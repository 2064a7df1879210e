"""Channels of a schedule: each one is a schedule of its own at the same rate."""

import itertools
import statistics
from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.decoding import Misfit, convert
from wirerace.workload.schedule import Arrivals, Schedule, channel_names, due_times, updates_of

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
KINDS: tuple[Arrivals, ...] = ("periodic", "poisson", "bursty")


def times_by_channel(schedule: Schedule, seconds: float) -> dict[str, list[int]]:
    """Return the intended times of each channel, ns from the start."""
    found: dict[str, list[int]] = defaultdict(list)
    for due in updates_of(schedule, 0):
        if due.at_ns >= seconds * SECOND_NS:
            return found
        found[due.channel].append(due.at_ns)
    return found


def test_one_channel_is_the_default_one() -> None:
    assert ("",) == channel_names(1) == Schedule().channel_names
    assert ("1", "2", "3") == channel_names(3)
    assert {""} == {due.channel for due in itertools.islice(updates_of(Schedule(), START_NS), 100)}


@pytest.mark.parametrize("channels", [2, 3, 7])
def test_even_updates_are_even_in_each_channel_and_come_in_turn(channels: int) -> None:
    schedule = Schedule(arrivals="periodic", rate_per_second=4.0, channels=channels)
    found = times_by_channel(schedule, 600)
    assert list(schedule.channel_names) == list(found)
    for times in found.values():
        gaps = {after - before for before, after in itertools.pairwise(times)}
        assert all(abs(gap - SECOND_NS // 4) <= 1 for gap in gaps)
    firsts = [times[0] for times in found.values()]
    apart_ns = SECOND_NS / 4 / channels
    assert all(abs(after - before - apart_ns) <= 1 for before, after in itertools.pairwise(firsts))


@pytest.mark.long
def test_channels_of_a_poisson_process_are_independent_poisson_processes() -> None:
    """Counts in seconds have mean and variance of the rate in each channel, and do not go together."""
    seconds, rate = 4000, 3.0
    found = times_by_channel(Schedule(rate_per_second=rate, channels=4, seed=9), seconds)
    counts = []
    for name in ("1", "2", "3", "4"):
        per_second = [0] * seconds
        for at_ns in found[name]:
            per_second[at_ns // SECOND_NS] += 1
        counts.append(per_second)
        assert pytest.approx(rate, rel=0.05) == statistics.fmean(per_second)
        assert pytest.approx(rate, rel=0.1) == statistics.variance(per_second)
    for one, other in itertools.combinations(counts, 2):
        assert abs(statistics.correlation(one, other)) < 0.07


@pytest.mark.long
@given(st.sampled_from(KINDS), st.integers(1, 9), st.integers(0, 3000), st.integers(0, 5))
def test_updates_from_an_instant_on_are_those_of_the_whole_schedule(
    kind: Arrivals, channels: int, index: int, seed: int
) -> None:
    schedule = Schedule(arrivals=kind, rate_per_second=50.0, channels=channels, seed=seed)
    whole = list(itertools.islice(updates_of(schedule, START_NS), index + 30))
    from_ns = whole[index].at_ns
    expected = [due for due in whole if due.at_ns >= from_ns]
    assert expected == list(itertools.islice(updates_of(schedule, START_NS, from_ns), len(expected)))
    assert [due.at_ns for due in whole] == list(itertools.islice(due_times(schedule, START_NS), len(whole)))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"channels": 0}, ["channels"]),
        ({"channels": 10_001}, ["channels"]),
        ({"channels": 10_000, "rate_per_second": 100.0}, ["rate_per_second × channels", "100 × 10000"]),
        ({"channels": 33, "payload_bytes": 1_048_576}, ["payload_bytes × channels", "33554432", "1048576 × 33"]),
        ({"channels": 2, "arrivals": "trace", "trace": [[0.0, "x"]]}, ["channels must be 1", "trace", "got 2"]),
    ],
)
def test_schedule_that_cannot_be_kept_is_refused(keys: dict[str, object], words: list[str]) -> None:
    with pytest.raises(Misfit) as refused:
        convert(msgspec.to_builtins(keys), Schedule)
    assert all(word in str(refused.value) for word in words)
