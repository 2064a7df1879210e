"""An experiment file: TOML, read into typed values."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from wirerace.clock import to_ns
from wirerace.errors import BadInput
from wirerace.options import lowered, struct_in, wanted
from wirerace.schedule import Schedule, Seed, Source
from wirerace.trace import read_trace
from wirerace.transports import (
    TRANSPORTS,
    LongPollingOptions,
    PollingOptions,
    Transport,
    TransportOptions,
    WebSocketOptions,
)

LEAST_POLL_PERIODS = 5
"""A window of fewer poll intervals would hang on where in the interval it begins."""


class Clients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The clients of each trial."""

    count: Annotated[int, Meta(ge=1, le=100_000)] = 200
    spawn_per_second: Annotated[float, Meta(gt=0, le=100_000)] = 200


class LoadOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the load is made."""

    pin_cores: bool = True


class WindowOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The measured interval, and what passes before it."""

    warmup_seconds: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    measure_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 10.0


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to run. Each table of the file is a field; everything but `title` and `transports` has a default."""

    title: Annotated[str, Meta(min_length=1)]
    transports: Annotated[list[str], Meta(min_length=1)]
    repeats: Annotated[int, Meta(ge=1, le=1000)] = 1
    seed: Seed = 1
    producer: Source = Source()
    clients: Clients = Clients()
    polling: PollingOptions = PollingOptions()
    longpolling: LongPollingOptions = LongPollingOptions()
    websocket: WebSocketOptions = WebSocketOptions()
    load: LoadOptions = LoadOptions()
    window: WindowOptions = WindowOptions()

    def options_of(self, transport: Transport) -> TransportOptions:
        """Return the client options of a transport."""
        options: TransportOptions = getattr(self, transport.name)
        return options


class Plan(NamedTuple):
    """One trial to run. All transports of a repeat share its seed, and so its schedule."""

    transport: Transport
    repeat: int
    seed: int


def plans(experiment: Experiment) -> Iterator[Plan]:
    """Yield the trials of an experiment in the order in which they run; repeats count from 1."""
    for repeat in range(1, experiment.repeats + 1):
        for name in experiment.transports:
            yield Plan(TRANSPORTS[name], repeat, experiment.seed + repeat - 1)


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Return the experiment in a TOML file; each override is `table.key=value`, the value as in TOML.

    Raises BadInput, naming file, key and cure.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; experiments/ has some to start from") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not TOML: {error}") from None
    for override in overrides:
        _set(document, override)
    try:
        experiment = _with_trace(msgspec.convert(document, Experiment), path.parent)
        _check(experiment)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {_explained(error, document)}") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return experiment


def _with_trace(experiment: Experiment, directory: Path) -> Experiment:
    """Return the experiment with its trace found, relative to the experiment's file."""
    source = experiment.producer
    if source.arrivals != "trace":
        return experiment
    if source.trace_file is None:
        raise BadInput('producer.trace_file must name a trace when producer.arrivals is "trace"')
    found = msgspec.structs.replace(source, trace_file=str(directory / source.trace_file))
    return msgspec.structs.replace(experiment, producer=found)


def schedule_of(experiment: Experiment, seed: int, start_ns: int) -> Schedule:
    """Return the schedule of one trial.

    Raises BadInput, naming file, line and cure, when its trace cannot be read.
    """
    source = experiment.producer
    trace = read_trace(Path(source.trace_file)) if source.arrivals == "trace" and source.trace_file else []
    return Schedule(**msgspec.structs.asdict(source), seed=seed, start_ns=start_ns, trace=trace)


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise BadInput(f"--set takes key=value such as clients.count=500, got {override!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a word without quotes
    *tables, name = (part.strip() for part in key.split("."))
    place = document
    for table in tables:
        inner = place.setdefault(table, {})
        if not isinstance(inner, dict):
            raise BadInput(f"--set {override}: {table} is no table")
        place = inner
    place[name] = value


def _check(experiment: Experiment) -> None:
    schedule_of(experiment, experiment.seed, 0)
    unknown = [name for name in experiment.transports if name not in TRANSPORTS]
    if unknown:
        raise BadInput(f"transports: there is no {unknown[0]!r}; there are {', '.join(TRANSPORTS)}")
    if len(set(experiment.transports)) < len(experiment.transports):
        raise BadInput("transports: each may be named once; repeats runs all of them again")
    least_seconds = LEAST_POLL_PERIODS * experiment.polling.interval_seconds
    # Compared in whole nanoseconds, for 5 × 0.07 is not 0.35 in floats.
    if "polling" in experiment.transports and to_ns(experiment.window.measure_seconds) < to_ns(least_seconds):
        raise BadInput(
            f"window.measure_seconds must be at least {LEAST_POLL_PERIODS} × polling.interval_seconds = "
            f"{least_seconds:g}, got {experiment.window.measure_seconds:g}"
        )


def _explained(error: msgspec.ValidationError, document: Mapping[str, Any]) -> str:
    """Return msgspec's error as one line that begins with the key and ends with the cure or what was given."""
    reason, _, path = str(error).rpartition(" - at `") if " - at `" in str(error) else (str(error), "", "")
    name = reason.partition("`")[2].rpartition("`")[0]
    reason = lowered(reason)
    key = path.rstrip("`").removeprefix("$").removeprefix(".")
    if "unknown field" in reason:
        where = f"[{key}]" if key else "the top level"
        names = _names_at(key)
        shown = name if name.isidentifier() else repr(name)
        return f"{shown} is no key of {where}; {'there are ' + ', '.join(names) if names else 'it has none'}"
    if "missing required field" in reason:
        return f"{name} is missing; add it at the top level"
    given: Any = document
    annotation: Any = Experiment
    for part in key.partition("[")[0].split("."):
        given = given[part]
        fields = msgspec.structs.fields(struct_in(annotation))
        annotation = next(field.type for field in fields if field.name == part)
    if not reason.startswith(("expected", "invalid enum")):
        return f"{key}: {reason}"
    return f"{key} must be {wanted(annotation, reason)}, got {given!r}"


def _names_at(key: str) -> Sequence[str]:
    annotation: Any = Experiment
    for part in key.split(".") if key else ():
        fields = msgspec.structs.fields(struct_in(annotation))
        annotation = next(field.type for field in fields if field.name == part)
    return struct_in(annotation).__struct_fields__
