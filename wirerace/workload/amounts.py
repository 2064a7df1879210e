"""Amounts: how many updates a schedule makes at most in a time, to be compared with how many are kept."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from wirerace.workload.schedule import Schedule, gap_of_trace

DEVIATIONS = 6.0
"""A Poisson count is hardly ever that many standard deviations above its mean; small ones have a longer tail."""
ENVELOPE_BYTES = 100
"""What an update takes on the wire beside its payload, with a frame or an event around it."""


def most_from_start(schedule: Schedule, seconds: float) -> int:
    """Return the most updates that all channels together get in the first `seconds` of a schedule."""
    if schedule.arrivals == "trace":
        times, cycle_seconds = _cycle_of(schedule)
        cycles, rest_seconds = divmod(seconds, cycle_seconds)
        return int(cycles) * len(times) + bisect_left(times, rest_seconds)
    return most_within(schedule, seconds)


def most_within(schedule: Schedule, seconds: float) -> int:
    """Return the most updates that all channels together get in any interval of a length."""
    if schedule.arrivals == "trace":
        times, cycle_seconds = _cycle_of(schedule)
        cycles, rest_seconds = divmod(seconds, cycle_seconds)
        return int(cycles) * len(times) + _densest(times, rest_seconds, cycle_seconds)
    mean = schedule.rate_per_second * schedule.channels * seconds
    if schedule.arrivals == "periodic":
        return math.ceil(mean) + 1
    if schedule.arrivals == "bursty":
        cycle_seconds = schedule.on_seconds + schedule.off_seconds
        bursts, rest_seconds = divmod(seconds, cycle_seconds)
        busy_seconds = bursts * schedule.on_seconds + min(rest_seconds, schedule.on_seconds)
        mean *= busy_seconds / seconds * cycle_seconds / schedule.on_seconds if seconds else 0.0
    return most_of_poisson(mean)


def most_of_poisson(mean: float) -> int:
    """Return the most that a count with this mean will be."""
    return math.ceil(mean + DEVIATIONS * (1 + math.sqrt(mean))) if mean else 0


def mean_update_bytes(schedule: Schedule) -> float:
    """Return the mean size of an update on the wire. Recorded payloads count as they are."""
    sizes = schedule.payload_bytes
    drawn = float(sizes) if isinstance(sizes, int) else sizes.median * math.exp(sizes.sigma**2 / 2)
    if not schedule.trace:
        return ENVELOPE_BYTES + drawn
    found = (drawn if event.payload is None else len(event.payload) for event in schedule.trace)
    return ENVELOPE_BYTES + sum(found) / len(schedule.trace)


def _cycle_of(schedule: Schedule) -> tuple[list[float], float]:
    """Return the times of a trace as they are played, and after how long it begins again."""
    times = [event.at_seconds / schedule.speed for event in schedule.trace]
    return times, times[-1] + gap_of_trace(times, schedule.rate_per_second)


def _densest(times: Sequence[float], seconds: float, cycle_seconds: float) -> int:
    """Return the most events in any interval that is shorter than a cycle."""
    again = [*times, *(time + cycle_seconds for time in times)]
    end = most = 0
    for begin in range(len(times)):
        while end < len(again) and again[end] <= again[begin] + seconds:
            end += 1
        most = max(most, end - begin)
    return most
