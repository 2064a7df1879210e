"""Reading an experiment file: TOML into typed values, with errors that name file, key and cure."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wirerace.clock import to_ns
from wirerace.decoding import MOST_REASON, convert
from wirerace.errors import BadInput, cut, is_text, shown
from wirerace.experiment.browsers import check_browsers
from wirerace.experiment.caching import check_caching
from wirerace.experiment.capacity import check_capacity, highest_of, knob_of
from wirerace.experiment.contestants import MOST_ID, is_id
from wirerace.experiment.faults import Fault, check_availability, check_fault, check_timeline, refuse_clock
from wirerace.experiment.foreign import check_foreign
from wirerace.experiment.forwarding import check_forwarding
from wirerace.experiment.holding import check_holding
from wirerace.experiment.lengths import check_lengths
from wirerace.experiment.model import OWN_KEYS, Experiment, document_of, keys_of
from wirerace.experiment.multiplexing import check_multiplexing
from wirerace.experiment.objective import objectives_in
from wirerace.experiment.older import refuse_older_keys
from wirerace.experiment.paths import NetworkPath, check_path
from wirerace.experiment.plans import contestants_of, schedule_of
from wirerace.experiment.replicas import check_replicas
from wirerace.experiment.settings import (
    Document,
    Setting,
    Study,
    axes_of,
    documents_of,
    resolved,
    setting_title,
    with_value,
)
from wirerace.experiment.upstream import check_upstream
from wirerace.experiment.visits import check_keys, check_visits
from wirerace.files import read_text
from wirerace.similar import MOST_MEANT, did_you_mean, similar
from wirerace.transports import TRANSPORTS
from wirerace.workload.shapes import StepsStage, check_shape

LEAST_PERIODS = 5
"""With fewer poll intervals in a window, figures depend on where in an interval the window begins."""


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Return the study in a TOML file. Each override is `table.key=value`, with the value as in TOML.

    Raises BadInput, naming file, key and cure.
    """
    text = read_text(path, "experiments/ has some to start from")
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # also for a number with thousands of digits
        raise BadInput(f"{path}: not TOML: {cut(str(error), MOST_REASON)}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be an experiment") from None
    for override in overrides:
        _set(document, override)
    try:
        return study_of(document, path.parent)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def study_of(document: Document, directory: Path) -> Study:
    """Return the study that a document describes. Files that it names are relative to `directory`.

    Raises BadInput, naming key and cure.
    """
    refuse_older_keys(document)
    document = _with_trace(document, directory)
    axes = axes_of(document)
    if axes and document.get("kind") == "capacity":
        raise BadInput(f"{axes[0].name}: a search for capacity has one setting: give it one value, not a list")
    settings = [
        Setting(number, values, experiment_of(point))
        for number, (values, point) in enumerate(documents_of(document, axes))
    ]
    whole = document_of(settings[0].experiment)
    for shape, experiment in {setting.experiment.clients.shape: setting.experiment for setting in settings}.items():
        if shape in (
            of_shape := document_of(experiment).get("clients", {})
        ):  # each setting has the table of its own shape
            whole["clients"].setdefault(shape, of_shape[shape])
    for axis in axes:
        whole = with_value(whole, axis.keys, list(axis.values))
    study = Study(whole, settings)
    if study.first.kind != "capacity":
        return study
    options = study.first.capacity
    start = Setting(0, {options.knob: knob_of(study.first)}, study.first)
    study = Study(whole, [start])
    return study._replace(most=setting_at(study, 1, highest_of(options)))


def setting_at(study: Study, number: int, value: float, after: Setting | None = None) -> Setting:
    """Return the setting of a search for capacity at a value of its knob.

    Raises BadInput, naming value, key and cure, when the experiment cannot be run there.
    """
    values: dict[str, Any] = {study.first.capacity.knob: value}
    try:
        return Setting(number, values, experiment_of(resolved(study.document, values)), after)
    except BadInput as error:
        raise BadInput(f"at {setting_title(values)}, up to capacity.most: {error}") from None


def experiment_of(document: Document) -> Experiment:
    """Return the experiment in a document without lists to sweep.

    Raises BadInput, naming key and cure.
    """
    for key, value in document.items():
        if key not in OWN_KEYS and key not in TRANSPORTS:
            raise BadInput(f"{cut(key)} is no key of the top level{_meant(key, value)}")
        if isinstance(value, dict):
            _refuse_keys_of_others(key, value)
    options = {
        name: convert(document[name], transport.options, name)
        for name, transport in TRANSPORTS.items()
        if name in document
    }
    check_keys(document)
    own = {key: value for key, value in document.items() if key not in TRANSPORTS}
    for key, value, of_type in _members(own):
        convert(value, of_type, key)
    experiment = msgspec.structs.replace(convert(own, Experiment), options=options)
    _check(experiment)
    return experiment


def _refuse_keys_of_others(table: str, values: Document) -> None:
    """Raise BadInput for a key that is in the wrong table, and name the right one."""
    own = keys_of(table)
    for key in values if own else ():
        others = [f"{other}.{key}" for other in (*OWN_KEYS, *TRANSPORTS) if key in keys_of(other)]
        if key not in own and others:
            meant = did_you_mean(others[:MOST_MEANT])
            raise BadInput(f"{key} is no key of [{table}]{meant} there are {', '.join(own)}")


def _meant(key: str, value: Any) -> str:
    """Return which keys may have been meant by one that is none, and all that there are."""
    known = [*OWN_KEYS, *TRANSPORTS]
    if isinstance(value, dict):
        inside, alike = next(iter(value), ""), similar(key, known)
        found = [f"{table}.{inside}" for table in alike if inside in keys_of(table)]
        found = found or [table for table in alike if keys_of(table)] or alike
    else:
        found = [*similar(key, known), *(f"{table}.{key}" for table in known if key in keys_of(table))]
    return f"{did_you_mean(found[:MOST_MEANT])} there are {', '.join(known)}"


def _members(document: Document) -> Iterator[tuple[str, Any, type[msgspec.Struct]]]:
    """Yield the tables with a name or a number, each with its key and type, which msgspec's errors leave out."""
    paths, faults = document.get("paths"), document.get("faults")
    refuse_clock(faults)
    for name, table in paths.items() if isinstance(paths, dict) else ():
        yield f"paths.{name}", table, NetworkPath
    for number, fault in enumerate(faults if isinstance(faults, list) else ()):
        yield f"faults[{number}]", fault, Fault
    stages: Any = document
    for key in ("clients", "steps", "stages"):
        stages = stages.get(key) if isinstance(stages, dict) else None
    for number, stage in enumerate(stages if isinstance(stages, list) else ()):
        yield f"clients.steps.stages[{number}]", stage, StepsStage


def _with_trace(document: Document, directory: Path) -> Document:
    """Return the document with the paths of its traces resolved, relative to the experiment's file."""
    source = document.get("producer")
    arrivals = source.get("arrivals") if isinstance(source, dict) else None
    if not isinstance(source, dict) or "trace" not in (arrivals if isinstance(arrivals, list) else [arrivals]):
        return document
    given = source.get("trace_file")
    if given is None:
        raise BadInput('producer.trace_file must name a trace when producer.arrivals is "trace"')
    found = [_found(directory, name) for name in (given if isinstance(given, list) else [given])]
    return document | {"producer": source | {"trace_file": found if isinstance(given, list) else found[0]}}


def _found(directory: Path, trace_file: Any) -> Any:
    """Return the path of a trace; a value that is no name is left to the conversion."""
    if not isinstance(trace_file, str):
        return trace_file
    found = str(directory / trace_file)
    if not is_text(found):  # it is sent in the schedule, and written to result.json
        raise BadInput(f"producer.trace_file: {shown(found)} is no UTF-8; rename the file or its directory")
    return found


def _set(document: Document, override: str) -> None:
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
    schedule = schedule_of(experiment, experiment.seed, 0)
    if len(set(experiment.transports)) < len(experiment.transports):
        raise BadInput("transports: each may be named once; repeats runs all of them again")
    measure_seconds = experiment.window.measure_seconds
    for contestant in contestants_of(experiment):
        least_seconds = LEAST_PERIODS * contestant.options.period_seconds
        # Compared in whole nanoseconds: in floats 5 × 0.07 is not 0.35.
        if to_ns(measure_seconds) < to_ns(least_seconds):
            raise BadInput(
                f"window.measure_seconds must be at least {LEAST_PERIODS} × the period of {contestant.id} = "
                f"{least_seconds:g}, got {measure_seconds:g}"
            )
    if experiment.valid_repeats is not None and experiment.tries < experiment.valid_repeats:
        raise BadInput(f"tries must be at least valid_repeats = {experiment.valid_repeats}, got {experiment.tries}")
    list(objectives_in(experiment.objectives))
    _check_clients(experiment)
    check_visits(experiment, contestants_of(experiment))
    check_upstream(experiment)
    check_capacity(experiment)
    check_browsers(experiment, contestants_of(experiment))
    check_holding(experiment, schedule, contestants_of(experiment))
    check_foreign(experiment, contestants_of(experiment))
    check_replicas(experiment, contestants_of(experiment))
    check_multiplexing(experiment, contestants_of(experiment))
    check_lengths(experiment, schedule, contestants_of(experiment))
    check_caching(experiment, contestants_of(experiment))
    _check_paths(experiment)
    for number, fault in enumerate(experiment.faults):
        try:
            check_fault(fault, measure_seconds)
        except BadInput as error:
            raise BadInput(f"faults[{number}].{error}") from None
        _check_place(number, fault, experiment)
    check_timeline(experiment.faults)
    check_availability(experiment.availability, experiment.faults)


def _check_place(number: int, fault: Fault, experiment: Experiment) -> None:
    paths = [one.path for one in contestants_of(experiment)]
    if fault.on == "broker" and not experiment.servers.by_broker:
        raise BadInput(f'faults[{number}].on: no broker brings the feed: write servers.feed = "nats"')
    if fault.on == "proxy" and not all(path.is_forwarded for path in paths):
        raise BadInput(f"faults[{number}].on: not every contestant has a path with a proxy: give it a delay")
    if (fault.kind, fault.on) == ("cut", "proxy") and not all(path.has_proxy for path in paths):
        raise BadInput(
            f"faults[{number}].on: only a link can cut connections: give each path a delay, or restart the proxy"
        )


def _check_paths(experiment: Experiment) -> None:
    for contestant in contestants_of(experiment):
        check_forwarding(contestant)
    for name, path in experiment.paths.items():
        if not is_id(name):
            raise BadInput(
                f"paths: a name must be 1 to {MOST_ID} of a to z, 0 to 9 and single hyphens, got {shown(name)}"
            )
        try:
            check_path(path)
        except BadInput as error:
            raise BadInput(f"paths.{name}.{error}") from None


def _check_clients(experiment: Experiment) -> None:
    clients, shape = experiment.clients, experiment.clients.shape_options
    measure_seconds = experiment.window.measure_seconds
    try:
        check_shape(clients.shape, shape, clients.count, clients.spawn_per_second)
    except BadInput as error:
        raise BadInput(f"clients.{error}") from None
    if to_ns(shape.lasts_seconds) > to_ns(measure_seconds):
        raise BadInput(
            f"clients.{clients.shape} takes {shape.lasts_seconds:g} s: window.measure_seconds must be at least that, "
            f"got {measure_seconds:g}"
        )
