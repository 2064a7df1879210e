"""When updates are made: the schedule that the producer keeps and an experiment sets."""

import itertools
import random
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import NS_PER_SECOND

Rate = Annotated[float, Meta(ge=0.01, le=10_000, description="updates made a second, on average")]
Arrivals = Annotated[
    Literal["periodic", "poisson"], Meta(description="how updates arrive: evenly spaced, or with exponential gaps")
]
PayloadBytes = Annotated[int, Meta(ge=0, le=1_048_576, description="bytes of data in an update")]
Seed = Annotated[int, Meta(ge=0, le=2**52, description="where randomness starts from")]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the news is like: how often it comes and how much it weighs."""

    rate_per_second: Rate = 5.0
    arrivals: Arrivals = "poisson"
    payload_bytes: PayloadBytes = 100


class Schedule(Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A source with a seed and a start: it fixes the intended time of every update.

    `start_ns` is the Unix time in nanoseconds from which gaps are counted; None for now.
    """

    seed: Seed = 1
    start_ns: Annotated[int, Meta(ge=0)] | None = None


class Made(msgspec.Struct, frozen=True):
    """The updates of one epoch made in a window, in order: number, intended time of making, and how late, ns."""

    epoch: str
    seq: list[int]
    ts: list[int]
    late_ns: list[int]


class Truth(msgspec.Struct, frozen=True):
    """What the producer says it made in a window; `complete` is false when its record does not reach back so far."""

    count: int
    complete: bool
    epochs: list[Made]


def due_times(schedule: Schedule, start_ns: int) -> Iterator[int]:
    """Yield the intended times of making, Unix nanoseconds, without end.

    The first lies one gap after `start_ns`. Periodic times are computed from the start, so they do not drift.
    """
    if schedule.arrivals == "periodic":
        for index in itertools.count(1):
            yield start_ns + round(index * NS_PER_SECOND / schedule.rate_per_second)
    gap = random.Random(schedule.seed).expovariate
    elapsed_seconds = 0.0
    while True:
        elapsed_seconds += gap(schedule.rate_per_second)
        yield start_ns + round(elapsed_seconds * NS_PER_SECOND)
