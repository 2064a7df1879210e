"""When updates are made: the schedule that the producer keeps and an experiment sets."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from wirerace.clock import NS_PER_SECOND
from wirerace.streams import letters_of, stream
from wirerace.workload.arrivals import BLOCK_UPDATES, Block, bursty, periodic, poisson, recorded
from wirerace.workload.trace import MOST_PER_SECOND, Event

MOST_CHANNELS = 10_000
MOST_PRIMING_BYTES = 32 * 1024 * 1024
"""The limit for the payloads that are made at once, one in each channel: half of what a producer keeps by default."""

Rate = Annotated[
    float, Meta(ge=0.01, le=MOST_PER_SECOND, description="updates made a second in each channel, on average")
]
Arrivals = Annotated[
    Literal["periodic", "poisson", "bursty", "trace"],
    Meta(description="how updates arrive: evenly, with exponential gaps, in bursts, or as recorded"),
]
ChannelCount = Annotated[
    int, Meta(ge=1, le=MOST_CHANNELS, description="sequences of updates, each at this rate; a client listens to one")
]
Bytes = Annotated[int, Meta(ge=0, le=1_048_576)]
Seed = Annotated[int, Meta(ge=0, le=2**52, description="seed of all random numbers")]
Duration = Annotated[float, Meta(ge=0.001, le=86_400)]


class PayloadSizes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes of payloads in bytes: log-normal about `median`, cut at `min` and `max`.

    The nearer bound, as a ratio to the median, is three standard deviations away, so few sizes are cut.
    """

    min: Annotated[Bytes, Meta(description="the smallest size")]
    median: Annotated[int, Meta(ge=1, le=1_048_576, description="the median size")]
    max: Annotated[Bytes, Meta(description="the largest size")]

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
    """The rate, the arrivals and the sizes of updates, which are the same for each channel.

    All channels together are one schedule of `channels` times the rate. Updates that come evenly go to the channels in
    turn, so each channel's come evenly, too. Each of the others goes to a channel that is drawn. So the channels of a
    Poisson process are independent Poisson processes, and bursts come in all channels at once. A trace has one channel.

    `on_seconds` and `off_seconds` are for bursts. While a burst lasts, updates come with exponential gaps, at a rate
    that keeps the mean. Between bursts there are none. `trace_file` and `speed` are for traces. A trace that has ended
    begins again, one mean gap later. Recorded payloads are used unchanged.
    """

    rate_per_second: Rate = 5.0
    channels: ChannelCount = 1
    arrivals: Arrivals = "poisson"
    payload_bytes: Annotated[
        Bytes | PayloadSizes, Meta(description="size of a payload, or a table of sizes to draw from")
    ] = 100
    on_seconds: Annotated[Duration, Meta(description="length of a burst, when `arrivals` is bursty")] = 1.0
    off_seconds: Annotated[Duration, Meta(description="time between two bursts")] = 4.0
    trace_file: Annotated[
        str | None,
        Meta(
            description="the trace to replay, relative to the experiment's file, when `arrivals` is trace",
            extra={"example": '"traces/test-run.csv"'},
        ),
    ] = None
    speed: Annotated[
        float, Meta(gt=0, le=1_000_000, description="speed of a replayed trace; 2 is twice as fast as recorded")
    ] = 1.0

    def __post_init__(self) -> None:
        if self.rate_per_second * self.channels > MOST_PER_SECOND:
            raise ValueError(
                f"rate_per_second × channels must be at most {MOST_PER_SECOND:g}, "
                f"got {self.rate_per_second:g} × {self.channels}"
            )
        if self.median_payload_bytes * self.channels > MOST_PRIMING_BYTES:
            raise ValueError(
                f"payload_bytes × channels must be at most {MOST_PRIMING_BYTES}, because one update is made in each at "
                f"once, got {self.median_payload_bytes} × {self.channels}"
            )
        if self.channels > 1 and self.arrivals == "trace":
            raise ValueError(f"channels must be 1 when arrivals is trace, got {self.channels}")

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The names of the channels: 1, 2, 3 …, or the empty name of the default channel where there is only one."""
        return channel_names(self.channels)

    @property
    def median_payload_bytes(self) -> int:
        """The size of a typical payload."""
        return self.payload_bytes if isinstance(self.payload_bytes, int) else self.payload_bytes.median


def channel_names(count: int) -> tuple[str, ...]:
    """Return the names of that number of channels."""
    return tuple(map(str, range(1, count + 1))) if count > 1 else ("",)


class Schedule(Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A source with a seed and a start: it fixes the intended time of every update.

    `start_ns` is the Unix time in nanoseconds from which gaps are counted; None for now. `trace` is the content of
    `trace_file`, so that the producer does not need the file.
    """

    seed: Seed = 1
    start_ns: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    trace: list[Event] = []

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.arrivals == "trace") is not bool(self.trace):
            raise ValueError('trace must hold events when arrivals is "trace", and nothing otherwise')


def due_times(schedule: Schedule, start_ns: int, from_ns: int = 0) -> Iterator[int]:
    """Yield the intended times of making in all channels from `from_ns` on, Unix nanoseconds, without end, in order.

    They are computed from the start, so they do not drift. The first one is one gap after `start_ns`. In a trace it is
    at `start_ns`, the time of its first event.
    """
    for block in _blocks(schedule, start_ns, from_ns):
        yield from _due_times_in(block, start_ns, from_ns)


def payloads(schedule: Schedule) -> Iterator[str]:
    """Yield the payload of each update, without end: recorded ones, or random letters of the schedule's sizes."""
    for due in updates_of(schedule, 0):
        yield due.data


class Due(NamedTuple):
    """An update that is to be made: its intended time in Unix nanoseconds, its payload and its channel."""

    at_ns: int
    data: str
    channel: str = ""


def updates_of(schedule: Schedule, start_ns: int, from_ns: int = 0) -> Iterator[Due]:
    """Yield the updates of all channels from `from_ns` on, in the order of their intended times, without end.

    They are the same updates as without `from_ns`, except those that are skipped.
    """
    sizes = schedule.payload_bytes
    letters = _letters(schedule.seed, sizes if isinstance(sizes, int) else sizes.max)
    for block in _blocks(schedule, start_ns, from_ns):
        due_ns = (start_ns + round(seconds * NS_PER_SECOND) for seconds in block.seconds)
        fields = zip(due_ns, _payloads_in(block, schedule, letters), _channels_in(block, schedule), strict=False)
        for update in itertools.starmap(Due, fields):
            if update.at_ns >= from_ns:
                yield update


def _due_times_in(block: Block, start_ns: int, from_ns: int) -> Iterator[int]:
    for seconds in block.seconds:
        due_ns = start_ns + round(seconds * NS_PER_SECOND)
        if due_ns >= from_ns:
            yield due_ns


def _blocks(schedule: Schedule, start_ns: int, from_ns: int) -> Iterator[Block]:
    rate = schedule.rate_per_second * schedule.channels
    seed, from_seconds = schedule.seed, max(0, from_ns - start_ns) / NS_PER_SECOND
    if schedule.arrivals == "periodic":
        return periodic(rate, from_seconds)
    if schedule.arrivals == "poisson":
        return poisson(rate, seed, from_seconds)
    if schedule.arrivals == "bursty":
        return bursty(rate, schedule.on_seconds, schedule.off_seconds, seed, from_seconds)
    times = [event.at_seconds / schedule.speed for event in schedule.trace]
    return recorded(times, gap_of_trace(times, rate), from_seconds)


def gap_of_trace(times: Sequence[float], rate_per_second: float) -> float:
    """Return the time between a trace's last event and its next beginning: the mean gap; for one instant, by the rate.

    `times` are those at which it is played, in seconds.
    """
    several = len(times) > 1 and times[-1] > 0
    return times[-1] / (len(times) - 1) if several else len(times) / rate_per_second


def _payloads_in(block: Block, schedule: Schedule, letters: str) -> Iterator[str]:
    """Yield the payloads of a block; they depend only on the seed and on the place in the schedule."""
    trace, most = schedule.trace, len(letters) // 2
    begin = block.number * (len(trace) or BLOCK_UPDATES)
    for index, size in enumerate(_sizes_in(block, schedule), block.first):
        payload = trace[index].payload if index < len(trace) else None
        if payload is None:
            start = (begin + index) % most if most else 0
            payload = letters[start : start + size]
        yield payload


def _channels_in(block: Block, schedule: Schedule) -> Iterator[str]:
    """Yield the channels of a block's updates; like the payloads, they depend only on the seed and on the place."""
    names = schedule.channel_names
    if len(names) == 1:
        yield from itertools.repeat(names[0])
    elif schedule.arrivals == "periodic":
        begin = block.number * BLOCK_UPDATES + block.first
        yield from (names[index % len(names)] for index in itertools.count(begin))
    else:
        draw = stream(schedule.seed, "channels", block.number).randrange
        drawn = (names[draw(len(names))] for _ in itertools.count())
        yield from itertools.islice(drawn, block.first, None)


def _sizes_in(block: Block, schedule: Schedule) -> Iterator[int]:
    """Yield the sizes of a block's payloads. They are drawn in parts, because the block of a trace may be long."""
    sizes = schedule.payload_bytes
    if isinstance(sizes, int):
        yield from itertools.repeat(sizes)
        return
    first_part, passed = divmod(block.first, BLOCK_UPDATES)
    for part in itertools.count(first_part):
        source = stream(schedule.seed, "sizes", block.number, part)
        for index in range(BLOCK_UPDATES):
            size = sizes.sample(source)
            if index >= passed:
                yield size
        passed = 0


def _letters(seed: int, most: int) -> str:
    """Return letters that contain every payload: any `most` neighbours may be one."""
    return letters_of(stream(seed, "letters"), 2 * most)
