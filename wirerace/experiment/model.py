"""An experiment as values: what an experiment file says, and the trials that come of it."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from wirerace.streams import stream
from wirerace.transports import (
    TRANSPORTS,
    HttpOptions,
    LongPollingOptions,
    PollingOptions,
    Transport,
    TransportOptions,
    WebSocketOptions,
    title_of,
)
from wirerace.workload.schedule import Schedule, Seed, Source
from wirerace.workload.shapes import RampShape, Shape, ShapeName, SpikeShape, SteadyShape, StepsShape, StormShape
from wirerace.workload.trace import Trace, read_trace

VARIANT_NAME = re.compile("[a-z0-9]{1,20}")


class Clients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clients of each trial: `count` is the most there are at one time, `shape` says how many there are when."""

    count: Annotated[int, Meta(ge=1, le=100_000)] = 200
    spawn_per_second: Annotated[float, Meta(gt=0, le=100_000)] = 200
    shape: ShapeName = "steady"
    steps: StepsShape = StepsShape()
    spike: SpikeShape = SpikeShape()
    ramp: RampShape = RampShape()
    storm: StormShape = StormShape()

    @property
    def shape_options(self) -> Shape:
        """The shape, with its own table."""
        shape: Shape = getattr(self, self.shape, SteadyShape())
        return shape

    @property
    def most(self) -> int:
        """The most clients that there are to be at one time."""
        shape = self.shape_options
        times = (0.0, *shape.changes, shape.lasts_seconds)
        return max(shape.clients_at(seconds, self.count) for seconds in times)

    @property
    def count_at_start(self) -> int:
        """The clients that are there when the window begins."""
        return self.shape_options.clients_at(0, self.count)


class LoadOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the load is made: by Locust in one process, or by a master and several workers."""

    processes: Annotated[int, Meta(ge=1, le=64)] = 1
    pin_cores: bool = True


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other options for some transports: each gets trials of its own beside those of its plain table."""

    polling: PollingOptions | None = None
    longpolling: LongPollingOptions | None = None
    websocket: WebSocketOptions | None = None


class WindowOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The measured interval, and what passes before it."""

    warmup_seconds: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    measure_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0


class Stall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server stands still once, so long, at a time since the window began; not at all when `lasts_seconds` is 0."""

    at_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 1.0
    lasts_seconds: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The way between clients and server: everything takes `delay_seconds` longer, each way."""

    delay_seconds: Annotated[float, Meta(ge=0, le=5)] = 0.0

    @property
    def round_trip_seconds(self) -> float:
        """How much longer an answer takes."""
        return 2 * self.delay_seconds

    def opening_seconds(self, options: TransportOptions) -> float:
        """Return how much longer each request takes that has to open a connection: nothing where they are kept."""
        opens_anew = isinstance(options, HttpOptions) and not options.keep_alive
        return self.round_trip_seconds if opens_anew else 0.0


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to run. Each table of the file is a field; everything but `title` and `transports` has a default.

    `valid_repeats` runs until so many repeats were valid, at most `tries`; without it there are `repeats`.
    """

    title: Annotated[str, Meta(min_length=1)]
    transports: Annotated[list[str], Meta(min_length=1)]
    repeats: Annotated[int, Meta(ge=1, le=1000)] = 1
    valid_repeats: Annotated[int, Meta(ge=1, le=1000)] | None = None
    tries: Annotated[int, Meta(ge=1, le=1000)] = 10
    seed: Seed = 1
    producer: Source = Source()
    clients: Clients = Clients()
    polling: PollingOptions = PollingOptions()
    longpolling: LongPollingOptions = LongPollingOptions()
    websocket: WebSocketOptions = WebSocketOptions()
    variants: dict[str, Variant] = {}
    load: LoadOptions = LoadOptions()
    window: WindowOptions = WindowOptions()
    link: Link = Link()
    stall: Stall = Stall()


class Plan(NamedTuple):
    """One trial to run: a transport at one setting, once. `variant` names the setting, nothing for the plain one.

    All trials of a repeat share its seed, and so its schedule.
    """

    transport: Transport
    variant: str
    options: TransportOptions
    repeat: int
    seed: int

    @property
    def name(self) -> str:
        """What its files are called by."""
        return f"{self.repeat}-{self.transport.name}" + (f"-{self.variant}" if self.variant else "")

    @property
    def title(self) -> str:
        """What people see."""
        return title_of(self.transport.name, self.variant)


def contestants(experiment: Experiment) -> Iterator[tuple[str, str, TransportOptions]]:
    """Yield what is compared: transport, variant, options. Each transport's variants follow its plain setting."""
    for name in experiment.transports:
        yield name, "", getattr(experiment, name)
        for variant, tables in experiment.variants.items():
            options: TransportOptions | None = getattr(tables, name)
            if options is not None:
                yield name, variant, options


def plans_of(experiment: Experiment, repeat: int) -> list[Plan]:
    """Return the trials of a repeat, the first being 1, in the order in which they run: shuffled by its seed.

    So no transport has the same one always before it, and what drifts on the machine colours none of them alone.
    """
    seed = experiment.seed + repeat - 1
    found = [
        Plan(TRANSPORTS[name], variant, options, repeat, seed) for name, variant, options in contestants(experiment)
    ]
    stream(seed, "order").shuffle(found)
    return found


def trace_of(source: Source) -> Trace | None:
    """Return the trace that a source plays, None when it plays none.

    Raises BadInput, naming file, line and cure, when it cannot be read.
    """
    if source.arrivals != "trace" or source.trace_file is None:
        return None
    return _read_once(source.trace_file, source.speed)


@functools.cache
def _read_once(trace_file: str, speed: float) -> Trace:
    """Return the same trace for all trials, even if its file changes while they run."""
    return read_trace(Path(trace_file), speed)


def schedule_of(experiment: Experiment, seed: int, start_ns: int | None) -> Schedule:
    """Return the schedule of one trial; without `start_ns` it begins when the producer gets it.

    Raises BadInput, naming file, line and cure, when its trace cannot be read.
    """
    source = experiment.producer
    trace = trace_of(source)
    events = [] if trace is None else trace.events
    return Schedule(**msgspec.structs.asdict(source), seed=seed, start_ns=start_ns, trace=events)
