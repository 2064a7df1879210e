"""An experiment as values: what an experiment file says, at one setting."""

import functools
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from wirerace.annotations import struct_in, type_inside
from wirerace.experiment.capacity import DEFAULT_TRIES, CapacityOptions, Kind, Servers
from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.faults import AvailabilityOptions, Fault
from wirerace.experiment.paths import NetworkPath
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import TransportOptions
from wirerace.workload.population import Population
from wirerace.workload.schedule import Seed, Source
from wirerace.workload.shapes import RampShape, Shape, SpikeShape, SteadyShape, StepsShape
from wirerace.workload.upstream import Upstream

OfClients = Literal["steady", "steps", "spike", "ramp"]
Name = Annotated[str, Meta(min_length=1, max_length=40)]


class Clients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clients of each trial: `count` is the most at one time, and `shape` sets their number over time."""

    count: Annotated[int, Meta(ge=1, le=100_000, description="the most clients at one time")] = 200
    spawn_per_second: Annotated[
        float, Meta(gt=0, le=100_000, description="clients that connect, or leave, in a second")
    ] = 200
    shape: Annotated[OfClients, Meta(description="how the number of clients changes in the window")] = "steady"
    browsers: Annotated[
        int, Meta(ge=0, le=16, description="real Chromium tabs beside the clients, with a ledger of their own")
    ] = 0
    steps: StepsShape = StepsShape()
    spike: SpikeShape = SpikeShape()
    ramp: RampShape = RampShape()

    @property
    def shape_options(self) -> Shape:
        """The shape, with its own table."""
        shape: Shape = getattr(self, self.shape, SteadyShape())
        return shape

    @property
    def most(self) -> int:
        """The most clients at one time."""
        shape = self.shape_options
        times = (0.0, *shape.changes, shape.lasts_seconds)
        return max(shape.clients_at(seconds, self.count) for seconds in times)

    @property
    def count_at_start(self) -> int:
        """The number of clients when the window begins."""
        return self.shape_options.clients_at(0, self.count)


class LoadOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The processes that make the load: Locust in one process, or a master and several workers.

    With an `address` the workers run on other hosts, and come from there. `first_port` is Locust's, the next one that
    of the clocks (UDP), and the one after it that of the servers.
    """

    processes: Annotated[int, Meta(ge=1, le=64, description="Locust processes that share the clients")] = 1
    pin_cores: Annotated[bool, Meta(description="whether to bind server and load to different cores, if possible")] = (
        True
    )
    address: Annotated[
        str,
        Meta(
            max_length=100,
            description="this machine's, for load processes on other hosts; empty: they run here",
            extra={"example": '"10.0.0.1"'},
        ),
    ] = ""
    first_port: Annotated[
        int, Meta(ge=1024, le=65_533, description="of three ports at that address: Locust, clocks (UDP), servers")
    ] = 5557


class WindowOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The measured interval, and the warm-up before it."""

    warmup_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time between the first update and the window")
    ] = 1.0
    measure_seconds: Annotated[float, Meta(gt=0, le=86_400, description="length of the window")] = 10.0


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to run, at one setting. Each table of the file is a field; everything but `title` has a default.

    `options` has the transports' own tables by name. With `valid_repeats`, repeats are run until that many are valid,
    but at most `tries`. Without it, `repeats` are run.
    """

    title: Annotated[str, Meta(min_length=1, description="heading of the table and the report")]
    transports: Annotated[list[str], Meta(description="one contestant for each, with the options of its table")] = []
    contestants: Annotated[
        list[ContestantTable], Meta(description="contestants beyond those of `transports`, each with its own id")
    ] = []
    path: Annotated[
        str, Meta(description="network path of contestants without a path of their own; empty: no delay")
    ] = ""
    objectives: Annotated[
        list[str],
        Meta(description="what figures must be, in seconds, bytes and parts of 1; one that is not: exit code 4"),
    ] = []
    kind: Annotated[
        Kind,
        Meta(
            description="what is run: the settings of the file, or a search for capacity",
            extra={"example": '"capacity"'},
        ),
    ] = "comparison"
    repeats: Annotated[int, Meta(ge=1, le=1000, description="how often each contestant is run")] = 1
    valid_repeats: (
        Annotated[
            int, Meta(ge=1, le=1000, description="repeat until this many repeats are valid, instead of `repeats`")
        ]
        | None
    ) = None
    tries: Annotated[int, Meta(ge=1, le=1000, description="the most repeats to run for `valid_repeats`")] = (
        DEFAULT_TRIES
    )
    seed: Seed = 1
    producer: Source = Source()
    clients: Clients = Clients()
    population: Population = Population()
    upstream: Upstream = Upstream()
    options: dict[str, TransportOptions] = {}
    paths: dict[Name, NetworkPath] = {}
    faults: list[Fault] = []
    availability: AvailabilityOptions = AvailabilityOptions()
    servers: Servers = Servers()
    capacity: CapacityOptions = CapacityOptions()
    load: LoadOptions = LoadOptions()
    window: WindowOptions = WindowOptions()

    @property
    def staying(self) -> int:
        """The clients that are there when the window begins, and stay; visitors do not."""
        return 0 if self.population.is_visit else self.clients.count_at_start


OWN_KEYS = tuple(name for name in Experiment.__struct_fields__ if name != "options")
"""What a file may have at its top level, beside a table for each transport."""


@functools.cache
def keys_of(table: str) -> tuple[str, ...]:
    """Return the keys of a table of the top level; none for a key that is no table with keys of its own."""
    transport = TRANSPORTS.get(table)
    struct = struct_in(type_inside(Experiment, table)) if transport is None else transport.options
    return struct.__struct_fields__ if struct is not None else ()


def document_of(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment as an equivalent file, with every default that has a meaning in it."""
    document: dict[str, Any] = msgspec.to_builtins(experiment)
    tables = document.pop("options")
    document["contestants"] = [
        {key: value for key, value in table.items() if value is not None} for table in document["contestants"]
    ]
    used = {*experiment.transports, *(table.transport for table in experiment.contestants)}
    for name in TRANSPORTS:
        if name in used or name in tables:
            document[name] = tables.get(name) or msgspec.to_builtins(TRANSPORTS[name].options())
    for shape in get_args(OfClients):
        if shape != experiment.clients.shape:
            document["clients"].pop(shape, None)
    if experiment.population.is_visit:
        del document["clients"]
    else:
        document["population"] = {"kind": experiment.population.kind}
    if experiment.upstream == Upstream():
        document["upstream"] = {"rate_per_second": 0.0}
    if not experiment.faults:
        del document["availability"]
    if experiment.kind != "capacity":
        del document["capacity"]
    if experiment.servers == Servers():
        del document["servers"]
    return _without_empty(document)


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table without keys that are None or empty, also in the tables inside it; tuples become lists."""
    return {
        key: _without_empty(value) if isinstance(value, dict) else list(value) if isinstance(value, tuple) else value
        for key, value in table.items()
        if value is not None and value not in ("", [], {})
    }
