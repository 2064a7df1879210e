"""Arrivals: when updates come, in seconds from the start, in order and without end.

They come in blocks. Each block is computed from its number alone, so a producer that begins in the middle of a schedule
skips everything before. One that continues a schedule of last week starts at today's block at once.
"""

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from wirerace.streams import stream

BLOCK_UPDATES = 1000
"""Updates in a block (on average if arrivals are random): the most that are skipped one by one to reach an instant."""


class Block(NamedTuple):
    """Neighbouring arrivals: the block's number, the index in it of the first arrival here, and their seconds."""

    number: int
    first: int
    seconds: Iterator[float]


def periodic(rate_per_second: float, from_seconds: float) -> Iterator[Block]:
    """Yield arrivals with even gaps, the first one gap after the start; some may lie before `from_seconds`."""
    passed = max(0, int(from_seconds * rate_per_second) - 1)  # one less: the product is rounded
    for number in itertools.count(passed // BLOCK_UPDATES):
        indices = range(number * BLOCK_UPDATES + 1, (number + 1) * BLOCK_UPDATES + 1)
        yield Block(number, 0, (index / rate_per_second for index in indices))


def poisson(rate_per_second: float, seed: int, from_seconds: float) -> Iterator[Block]:
    """Yield arrivals with exponential gaps; some of them may lie before `from_seconds`.

    A block is a span of time with its own generator. Spans are independent of each other. An exponential gap that
    reaches into the next span may be drawn again there, because it has no memory. So all spans together are one Poisson
    process.
    """
    block_seconds = BLOCK_UPDATES / rate_per_second
    for number in itertools.count(_floor(from_seconds, block_seconds)):
        bounds = (number * block_seconds, (number + 1) * block_seconds)
        yield Block(number, 0, _with_exponential_gaps(stream(seed, "gaps", number), rate_per_second, *bounds))


def bursty(
    rate_per_second: float, on_seconds: float, off_seconds: float, seed: int, from_seconds: float
) -> Iterator[Block]:
    """Yield Poisson arrivals on a clock that stands still between bursts, at a mean rate over bursts and silences.

    The start falls anywhere into a cycle. Some of the arrivals may lie before `from_seconds`.
    """
    cycle_seconds = on_seconds + off_seconds
    phase_seconds = stream(seed, "phase").uniform(0, cycle_seconds)
    cycles, into_cycle_seconds = divmod(from_seconds + phase_seconds, cycle_seconds)
    busy_seconds = cycles * on_seconds + min(into_cycle_seconds, on_seconds)
    for number, first, seconds in poisson(rate_per_second * cycle_seconds / on_seconds, seed, busy_seconds):
        yield Block(number, first, _with_silences(seconds, on_seconds, cycle_seconds, phase_seconds))


def recorded(times: Sequence[float], gap_seconds: float, from_seconds: float) -> Iterator[Block]:
    """Yield recorded times again and again, with one gap between the last and the first; a block is one round.

    At most a few of them lie before `from_seconds`.
    """
    round_seconds = times[-1] + gap_seconds
    begin = _floor(from_seconds, round_seconds)
    first = max(0, bisect_left(times, from_seconds - begin * round_seconds) - 1)  # one less: the times are rounded
    for number in itertools.count(begin):
        yield Block(number, first, _shifted(times, first, number * round_seconds))
        first = 0


def _floor(seconds: float, block_seconds: float) -> int:
    number = int(seconds / block_seconds)
    return number - (number * block_seconds > seconds)


def _with_exponential_gaps(
    source: Random, rate_per_second: float, from_seconds: float, to_seconds: float
) -> Iterator[float]:
    gap = source.expovariate
    seconds = from_seconds + gap(rate_per_second)
    while seconds < to_seconds:
        yield seconds
        seconds += gap(rate_per_second)


def _with_silences(
    seconds: Iterator[float], on_seconds: float, cycle_seconds: float, phase_seconds: float
) -> Iterator[float]:
    for busy_seconds in seconds:
        cycles, into_burst_seconds = divmod(busy_seconds, on_seconds)
        elapsed_seconds = cycles * cycle_seconds + into_burst_seconds - phase_seconds
        if elapsed_seconds > 0:
            yield elapsed_seconds


def _shifted(times: Sequence[float], first: int, by_seconds: float) -> Iterator[float]:
    for index in range(first, len(times)):
        yield by_seconds + times[index]
