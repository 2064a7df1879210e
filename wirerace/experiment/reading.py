"""Reading an experiment file: TOML into typed values, with errors that name file, key and cure."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wirerace.clock import to_ns
from wirerace.decoding import MOST_REASON, convert
from wirerace.errors import BadInput, cut, is_text, shown
from wirerace.experiment.model import VARIANT_NAME, Experiment, Variant, contestants, schedule_of
from wirerace.files import read_text
from wirerace.transports import TRANSPORTS, PollingOptions
from wirerace.workload.shapes import StepsStage, check_shape

LEAST_POLL_PERIODS = 5
"""A window of fewer poll intervals would hang on where in the interval it begins."""


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Return the experiment in a TOML file; each override is `table.key=value`, the value as in TOML.

    Raises BadInput, naming file, key and cure.
    """
    text = read_text(path, "experiments/ has some to start from")
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # also of a number with thousands of digits
        raise BadInput(f"{path}: not TOML: {cut(str(error), MOST_REASON)}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be an experiment") from None
    for override in overrides:
        _set(document, override)
    try:
        for key, value, of_type in _members(document):
            convert(value, of_type, key)
        convert(document, Experiment)
        _complete_variants(document)
        experiment = _with_trace(convert(document, Experiment), path.parent)
        _check(experiment)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return experiment


def _complete_variants(document: dict[str, Any]) -> None:
    """Give each variant what its transport's plain table says and it does not."""
    variants = document.get("variants")
    for tables in variants.values() if isinstance(variants, dict) else ():
        for transport, table in tables.items() if isinstance(tables, dict) else ():
            plain = document.get(transport, {})
            if isinstance(table, dict) and isinstance(plain, dict):
                tables[transport] = plain | table


def _members(document: dict[str, Any]) -> Iterator[tuple[str, Any, type[msgspec.Struct]]]:
    """Yield the tables that have a name or a number, each with its key and type: msgspec's errors leave that out."""
    variants = document.get("variants")
    for name, tables in variants.items() if isinstance(variants, dict) else ():
        if not VARIANT_NAME.fullmatch(name) or name == "load":
            raise BadInput(f"variants.{shown(name)}: a variant's name is 1 to 20 of a to z and 0 to 9, and not load")
        yield f"variants.{name}", tables, Variant
        if not tables:
            raise BadInput(f"variants.{name} is empty: give it a table such as polling = {{ keep_alive = false }}")
    stages: Any = document
    for key in ("clients", "steps", "stages"):
        stages = stages.get(key) if isinstance(stages, dict) else None
    for number, stage in enumerate(stages if isinstance(stages, list) else ()):
        yield f"clients.steps.stages[{number}]", stage, StepsStage


def _with_trace(experiment: Experiment, directory: Path) -> Experiment:
    """Return the experiment with its trace found, relative to the experiment's file."""
    source = experiment.producer
    if source.arrivals != "trace":
        return experiment
    if source.trace_file is None:
        raise BadInput('producer.trace_file must name a trace when producer.arrivals is "trace"')
    trace_file = str(directory / source.trace_file)
    if not is_text(trace_file):  # it travels in the schedule, and stands in result.json
        raise BadInput(f"producer.trace_file: {shown(trace_file)} is no UTF-8; rename the file or its directory")
    found = msgspec.structs.replace(source, trace_file=trace_file)
    return msgspec.structs.replace(experiment, producer=found)


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise BadInput(f"--set takes key=value such as clients.count=500, got {shown(override)}")
    if not is_text(override):
        raise BadInput(f"--set takes UTF-8, got {shown(override)}")
    *tables, name = (part.strip() for part in key.split("."))
    place = document
    for table in tables:
        inner = place.setdefault(table, {})
        if not isinstance(inner, dict):
            raise BadInput(f"--set {cut(override)}: {cut(table)} is no table")
        place = inner
    place[name] = _value_of(text)


def _value_of(text: str) -> Any:
    """Return the value that TOML takes a text for, or the text itself: a word without quotes."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text  # a line break may begin another key


def _check(experiment: Experiment) -> None:
    schedule_of(experiment, experiment.seed, 0)
    unknown = [name for name in experiment.transports if name not in TRANSPORTS]
    if unknown:
        raise BadInput(f"transports: there is no {shown(unknown[0])}; there are {', '.join(TRANSPORTS)}")
    if len(set(experiment.transports)) < len(experiment.transports):
        raise BadInput("transports: each may be named once; repeats runs all of them again")
    measure_seconds = experiment.window.measure_seconds
    for _, _, options in contestants(experiment):
        if isinstance(options, PollingOptions):
            least_seconds = LEAST_POLL_PERIODS * options.interval_seconds
            # Compared in whole nanoseconds, for 5 × 0.07 is not 0.35 in floats.
            if to_ns(measure_seconds) < to_ns(least_seconds):
                raise BadInput(
                    f"window.measure_seconds must be at least {LEAST_POLL_PERIODS} × polling.interval_seconds = "
                    f"{least_seconds:g}, got {measure_seconds:g}"
                )
    if experiment.valid_repeats is not None and experiment.tries < experiment.valid_repeats:
        raise BadInput(f"tries must be at least valid_repeats = {experiment.valid_repeats}, got {experiment.tries}")
    clients = experiment.clients
    shape = clients.shape_options
    try:
        check_shape(clients.shape, shape, clients.count, clients.spawn_per_second)
    except BadInput as error:
        raise BadInput(f"clients.{error}") from None
    if to_ns(shape.lasts_seconds) > to_ns(measure_seconds):
        raise BadInput(
            f"clients.{clients.shape} takes {shape.lasts_seconds:g} s: window.measure_seconds must be at least that, "
            f"got {measure_seconds:g}"
        )
    stall = experiment.stall
    stall_ends = stall.at_seconds + stall.lasts_seconds
    if stall.lasts_seconds and to_ns(stall_ends) > to_ns(measure_seconds):
        raise BadInput(
            f"stall ends {stall_ends:g} s into the window: window.measure_seconds must be at least that, "
            f"got {measure_seconds:g}"
        )
