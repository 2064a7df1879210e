"""The reference of experiment files: every key with its unit, range, default and an example, from the model itself."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import msgspec

from wirerace.annotations import choices_of, description_of, extra_of, kinds_of, metas_of, plain_type_of, struct_in
from wirerace.experiment.capacity import CapacityOptions, Servers
from wirerace.experiment.contestants import ContestantTable
from wirerace.experiment.faults import AvailabilityOptions, Fault
from wirerace.experiment.model import Clients, Experiment, LoadOptions, WindowOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.samples import EXAMPLES
from wirerace.experiment.servers import ForeignServer
from wirerace.experiment.toml import inline
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import Population
from wirerace.workload.schedule import PayloadSizes, Source
from wirerace.workload.shapes import SHAPES, StepsStage

UNITS = {
    "bits_per_second": "bit/s",
    "per_second": "1/s",
    "_seconds": "s",
    "_bytes": "bytes",
    "seconds": "s",
    "cpus": "cores",
}
"""The unit by the end of a key's name; the first match counts."""
OF_SIZES = "bytes"
TABLES = {
    "producer",
    "clients",
    "population",
    "upstream",
    "options",
    "paths",
    "faults",
    "availability",
    "contestants",
    "servers",
    "capacity",
    "load",
    "window",
}
"""Keys of the top level that are tables: each has a section of its own."""


INTRODUCTION = """# Experiment files, key by key

An experiment file is TOML. `title` and one contestant are enough; every other key has a default. `wirerace run FILE
--dry-run` prints the plan and the file with every default, and runs nothing. `--set KEY=VALUE` replaces one key for
one run. `make docs` writes this page from the code, and a test compares the two.

```toml
title = "Kept or closed, near and far?"
transports = ["polling", "websocket"]           # a contestant for each, with the options of its table

[clients]
count = [100, 300, 1000]                        # a list in place of one value is a sweep

[polling]
interval_seconds = 1.0

[[contestants]]                                 # anything beyond the names in transports
id = "polling-closed"
transport = "polling"
options = { keep_alive = false }                # other options come from [polling]
path = "mobile"

[paths.mobile]
delay_seconds = 0.05

[[faults]]
kind = "stall"
on = "server"
at_seconds = 4.0
lasts_seconds = 1.4
```

**Sweeps.** Any key that takes one value may have a list of values instead, in its table or in a contestant's
`options`. Every combination of all lists is a setting, and every contestant is run at every setting. `title`, `kind`,
`repeats`, `valid_repeats` and `tries` are the same for all settings. The first repeat is run at every setting before
the second repeat begins. The answer says what changes from the first setting to the last. `wirerace show RUN --full`
prints one table of all settings, `wirerace show RUN --setting N --full` every figure of one setting.

**Long runs.** Before a run of 100 trials or more, or of an hour or more, `wirerace run` asks for confirmation. Without
a terminal it needs `--yes`. `wirerace run --resume DIR` continues an interrupted run. Trials that are in its result are
not run again. A trial of which more would be made than is kept is refused before the run, at any setting of a sweep and
at `capacity.most`. The producer's record keeps 750,000 updates of all channels, warm-up and drain included, and
500,000 from before a kill of the producer. A server keeps 65,536 updates, or 64 MiB of them, for clients that are
between two requests or come back after a fault.

**Objectives** are a figure, one of `<` `<=` `>` `>=` `==`, and a number in seconds, bytes, or parts of 1:
`objectives = ["latency.p99 < 0.2", "lost == 0"]`. The figures and their units are in [results.md](results.md). One
that nothing can meet, or that everything meets (`lost >= 0`), is refused. After the run each contestant at each setting
gets PASS or FAIL for each of them, judged by the mean over the repeats that count, or by their sum for counts. A value
that is not known is a FAIL. `wirerace run` then exits with 4, and `--junit FILE` writes the same for a CI server
([compare.md](compare.md#objectives)).

**Faults** happen once in the window, in every trial.

| kind | on | what happens |
| --- | --- | --- |
| `kill` | `server`, `producer`, `proxy` | SIGKILL; it is started again at once |
| `restart` | `server`, `producer`, `proxy` | SIGTERM: it ends in order, and is started again |
| `stall` | `server`, `producer`, `proxy` | it stands still for `lasts_seconds` |
| `cut` | `clients` | every client closes its connection, and comes back within `jitter_seconds` |
| `cut` | `proxy` | the proxy resets every connection; clients come back with their backoff |
| `drop` | `feed` | producer and server lose their connection, for `lasts_seconds` if given; updates go on |
| `fill` | `producer` | its record cannot grow for `lasts_seconds`, as on a full disk (Linux, no container) |

`proxy` is what stands directly before the server. Two faults may not meet on one part: after a `kill` or a `restart`
it needs 2 s. With `servers.replicas` a `restart` of the server rolls over all of them, and other faults happen to the
first. A drop is asked of the producer, so `feed` and `producer` count as one part. No `kill` or `restart` of
the producer may follow a `fill`, because its record has a hole. `clock` is refused: all parts share one kernel clock.
A fault that the file asks for does not make a trial invalid. With a fault, theory predicts nothing but the time to
recover ([measuring.md](measuring.md#faults)). On the stack (`--on compose`) a `fill` is
refused.

**Visitors.** With `[population] kind = "visit"` nobody stays: visitors come `per_second` times a second, each on a
connection of its own, take the newest update and `updates` − 1 more, and leave. `[clients]` has no meaning then, and is
refused. What is measured of them is in [measuring.md](measuring.md#visitors).

**Messages.** With `[upstream] rate_per_second` above 0, clients send, too: on a WebSocket as frames on the connection
on which updates come, otherwise as POST requests. `connection = "same"` lets a poller use its kept connection between
two polls. A connection with a held request or a stream is never free, so messages get one of their own. With
`connection = "own"` messages are POST requests on a connection of their own on every transport. With `fan_out` each
message becomes an update for every client. A rate of 0 among others (`rate_per_second = [0, 1, 10]`) shows what sending
costs. What is measured of messages is in [measuring.md](measuring.md#messages).

**Capacity.** With `kind = "capacity"` a run is a search. Each contestant's search begins at the file's own value of
`capacity.knob`, doubles it until an objective of `[capacity]` is missed, and then halves the interval. Clients stay,
and their number is steady. A search has one setting and no faults. `repeats` above 1, `valid_repeats` and `objectives`
of the top level are refused, because `[capacity]` has its own. `[servers] cpus` gives each server a CPU quota, also in
a comparison. There a trial is invalid when its server had used up the quota for more than 2 % of the window. What the
search decides, and how to read its answer, is in [capacity.md](capacity.md).

**Keys of older files.** `variants`, `link`, `stall` and the shape `storm` are refused. The error shows the line to
write instead.
"""
"""The text above the tables."""


class Key(NamedTuple):
    """One row of the reference."""

    name: str
    unit: str
    range: str
    default: str
    example: str
    about: str


class Section(NamedTuple):
    """One table of an experiment file: its heading, what it is for, and its keys."""

    heading: str
    about: str
    keys: list[Key]


def sections() -> Iterator[Section]:
    """Yield every table of an experiment file."""
    yield Section("The top level", "Keys above the first table.", list(_keys(Experiment, skip=TABLES)))
    yield Section("`[producer]`", _first_line(Source), list(_keys(Source)))
    yield Section("`[producer.payload_bytes]`", _first_line(PayloadSizes), list(_keys(PayloadSizes, OF_SIZES)))
    yield Section("`[clients]`", _first_line(Clients), list(_keys(Clients, skip=SHAPES)))
    for name, shape in SHAPES.items():
        if name in Clients.__struct_fields__:
            yield Section(f"`[clients.{name}]`", _first_line(shape), list(_keys(shape)))
    yield Section("`[[clients.steps.stages]]`", _first_line(StepsStage), list(_keys(StepsStage)))
    yield Section("`[population]`", _first_line(Population), list(_keys(Population)))
    for transport in TRANSPORTS.values():
        yield Section(f"`[{transport.name}]`", _first_line(transport.options), list(_keys(transport.options)))
    yield Section("`[[contestants]]`", _first_line(ContestantTable), list(_keys(ContestantTable)))
    yield Section("`[contestants.server]`", _first_line(ForeignServer), list(_keys(ForeignServer)))
    yield Section("`[paths.NAME]`", _first_line(NetworkPath), list(_keys(NetworkPath)))
    yield Section("`[[faults]]`", _first_line(Fault), list(_keys(Fault)))
    about = _first_line(AvailabilityOptions)
    yield Section("`[availability]`", about, list(_keys(AvailabilityOptions)))
    yield Section("`[servers]`", _first_line(Servers), list(_keys(Servers)))
    yield Section("`[capacity]`", _first_line(CapacityOptions), list(_keys(CapacityOptions)))
    yield Section("`[window]`", _first_line(WindowOptions), list(_keys(WindowOptions)))
    yield Section("`[load]`", _first_line(LoadOptions), list(_keys(LoadOptions)))


def markdown() -> str:
    """Return docs/experiments.md."""
    return "\n".join([INTRODUCTION, *(line for section in sections() for line in _lines(section))])


def _lines(section: Section) -> Iterator[str]:
    yield from (f"## {section.heading}", "", section.about, "")
    yield from ("| key | unit | range | default | example | meaning |", "| --- | --- | --- | --- | --- | --- |")
    for key in section.keys:
        yield f"| `{key.name}` | {key.unit} | {key.range} | {key.default} | `{key.example}` | {key.about} |"
    yield ""


def _keys(struct: type[msgspec.Struct], unit: str = "", skip: Collection[str] = ()) -> Iterator[Key]:
    for field in msgspec.structs.fields(struct):
        if field.name not in skip:
            default = _default_of(field)
            example = EXAMPLES.get(field.name) or extra_of(field.type, "example") or _example_of(field, default)
            yield Key(
                field.name,
                unit or next((found for end, found in UNITS.items() if field.name.endswith(end)), "–"),
                _range_of(field.type),
                default,
                f"{field.name} = {example}",
                description_of(field.type),
            )


def _default_of(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "none"
    if field.default is msgspec.NODEFAULT:
        return "required"
    if field.default in (None, "", ()):
        return "none"
    return f"`{inline(field.default)}`"


def _example_of(field: msgspec.structs.FieldInfo, default: str) -> str:
    """Return an example of a key without one: its default, or its least value."""
    if default not in {"none", "required"}:
        return default.strip("`")
    return next(inline(meta.ge) for meta in metas_of(field.type) if meta.ge is not None)


def _range_of(annotation: Any) -> str:
    """Return the allowed values: words, true or false, or numbers between two bounds."""
    if choices := choices_of(annotation):
        return ", ".join(f"`{choice}`" for choice in choices)
    kinds = [plain_type_of(kind) for kind in kinds_of(annotation)]
    kind = getattr(kinds[0], "__origin__", kinds[0])
    if kind not in {int, float}:
        plain = "a table" if struct_in(annotation) is not None else "a list"
        return {bool: "`true`, `false`", str: "text", dict: "a table"}.get(kind, plain)
    words = " ".join(filter(None, ("whole," if kind is int else "", _bounds(annotation))))
    return f"{words}, or a table" if struct_in(annotation) is not None else words


def _bounds(annotation: Any) -> str:
    """Return the least and the largest allowed number."""
    metas = list(metas_of(annotation))
    at_least = next((_number(meta.ge) for meta in metas if meta.ge is not None), "")
    above = next((f"above {_number(meta.gt)}" for meta in metas if meta.gt is not None), "")
    at_most = next((_number(meta.le) for meta in metas if meta.le is not None), "")
    return f"{at_least or above} to {at_most}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"


def _first_line(struct: type[msgspec.Struct]) -> str:
    """Return the first paragraph of a struct's docstring, on one line."""
    return " ".join((struct.__doc__ or "").partition("\n\n")[0].split())
