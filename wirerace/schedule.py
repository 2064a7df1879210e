"""When updates are made: the schedule that the producer keeps and an experiment sets."""

import itertools
import math
import random
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import NS_PER_SECOND
from wirerace.trace import MOST_PER_SECOND, Event

Rate = Annotated[float, Meta(ge=0.01, le=MOST_PER_SECOND, description="updates made a second, on average")]
Arrivals = Annotated[
    Literal["periodic", "poisson", "bursty", "trace"],
    Meta(description="how updates arrive: evenly, with exponential gaps, in bursts, as recorded"),
]
Bytes = Annotated[int, Meta(ge=0, le=1_048_576)]
Seed = Annotated[int, Meta(ge=0, le=2**52, description="where randomness starts from")]
Duration = Annotated[float, Meta(gt=0, le=86_400)]


class PayloadSizes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes of payloads: log-normal about `median`, cut at `min` and `max`, in bytes.

    The nearer of both bounds, as a ratio to the median, lies three standard deviations away: few sizes are cut.
    """

    min: Bytes
    median: Annotated[int, Meta(ge=1, le=1_048_576)]
    max: Bytes

    def __post_init__(self) -> None:
        if not self.min <= self.median <= self.max:
            raise ValueError(f"min, median, max must ascend, got {self.min}, {self.median}, {self.max}")

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm of a size."""
        return min(math.log(self.max / self.median), math.log(self.median / max(self.min, 1))) / 3

    def sample(self, source: random.Random) -> int:
        """Return the size of one payload."""
        size = round(source.lognormvariate(math.log(self.median), self.sigma))
        return min(max(size, self.min), self.max)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the news is like: how often it comes and how much it weighs.

    `on_seconds` and `off_seconds` are for bursts: updates come with exponential gaps while a burst lasts, at a rate
    that keeps the mean, and not at all between bursts. `trace_file` and `speed` are for traces; a trace that has ended
    begins again, one mean gap later. A payload that was recorded is used as it is.
    """

    rate_per_second: Rate = 5.0
    arrivals: Arrivals = "poisson"
    payload_bytes: Bytes | PayloadSizes = 100
    on_seconds: Duration = 1.0
    off_seconds: Duration = 4.0
    trace_file: str | None = None
    speed: Annotated[float, Meta(gt=0, le=1_000_000)] = 1.0

    @property
    def median_payload_bytes(self) -> int:
        """The size of a typical payload."""
        return self.payload_bytes if isinstance(self.payload_bytes, int) else self.payload_bytes.median


class Schedule(Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A source with a seed and a start: it fixes the intended time of every update.

    `start_ns` is the Unix time in nanoseconds from which gaps are counted; None for now. `trace` is what `trace_file`
    holds: the producer need not have the file.
    """

    seed: Seed = 1
    start_ns: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    trace: list[Event] = []

    def __post_init__(self) -> None:
        if (self.arrivals == "trace") is not bool(self.trace):
            raise ValueError('trace must hold events when arrivals is "trace", and nothing otherwise')


def due_times(schedule: Schedule, start_ns: int) -> Iterator[int]:
    """Yield the intended times of making, Unix nanoseconds, without end, in order.

    They are computed from the start, so they do not drift. The first lies one gap after `start_ns`, but in a trace at
    `start_ns`, where its first event is.
    """
    offsets = {"periodic": _periodic, "poisson": _poisson, "bursty": _bursty, "trace": _recorded}[schedule.arrivals]
    for seconds in offsets(schedule):
        yield start_ns + round(seconds * NS_PER_SECOND)


def payloads(schedule: Schedule) -> Iterator[str]:
    """Yield the payload of each update, without end: recorded ones, or random letters of the sizes asked for."""
    source = random.Random(schedule.seed)
    sizes = schedule.payload_bytes
    most = sizes if isinstance(sizes, int) else sizes.max
    letters = "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=2 * most))
    recorded = [event.payload for event in schedule.trace] or [None]
    for index, payload in enumerate(itertools.cycle(recorded)):
        if payload is None:
            size = sizes if isinstance(sizes, int) else sizes.sample(source)
            start = index % most if most else 0
            payload = letters[start : start + size]  # noqa: PLW2901 -- the same thing, made up
        yield payload


def _periodic(schedule: Schedule) -> Iterator[float]:
    for index in itertools.count(1):
        yield index / schedule.rate_per_second


def _poisson(schedule: Schedule) -> Iterator[float]:
    gap = random.Random(schedule.seed).expovariate
    elapsed_seconds = 0.0
    while True:
        elapsed_seconds += gap(schedule.rate_per_second)
        yield elapsed_seconds


def _bursty(schedule: Schedule) -> Iterator[float]:
    """Poisson arrivals on a clock that stands still between bursts; the start falls anywhere into a cycle."""
    on_seconds, cycle_seconds = schedule.on_seconds, schedule.on_seconds + schedule.off_seconds
    in_bursts = msgspec.structs.replace(schedule, rate_per_second=schedule.rate_per_second * cycle_seconds / on_seconds)
    start_seconds = random.Random(schedule.seed).uniform(0, cycle_seconds)
    for busy_seconds in _poisson(in_bursts):
        cycles, into_burst_seconds = divmod(busy_seconds, on_seconds)
        elapsed_seconds = cycles * cycle_seconds + into_burst_seconds - start_seconds
        if elapsed_seconds > 0:
            yield elapsed_seconds


def _recorded(schedule: Schedule) -> Iterator[float]:
    times = [event.at_seconds / schedule.speed for event in schedule.trace]
    if len(times) > 1 and times[-1] > 0:
        mean_gap_seconds = times[-1] / (len(times) - 1)
    else:  # one instant: as often as makes the rate
        mean_gap_seconds = len(times) / schedule.rate_per_second
    for round_number in itertools.count():
        begun_seconds = round_number * (times[-1] + mean_gap_seconds)
        yield from (begun_seconds + seconds for seconds in times)


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

    @property
    def made_at(self) -> dict[tuple[str, int], int]:
        """When each update was to be made, Unix nanoseconds, by its epoch and number."""
        return {(made.epoch, seq): ts for made in self.epochs for seq, ts in zip(made.seq, made.ts, strict=True)}
