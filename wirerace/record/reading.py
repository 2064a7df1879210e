"""Reading result.json: of this version, or of an older one, which is migrated."""

from collections.abc import Collection
from pathlib import Path
from typing import get_args

import msgspec

from wirerace.decoding import convert, decode_json
from wirerace.errors import BadInput, shown
from wirerace.experiment.capacity import CapacityOptions, Servers
from wirerace.experiment.contestants import is_id
from wirerace.experiment.objective import objectives_in
from wirerace.experiment.settings import resolved
from wirerace.files import read_file
from wirerace.observe.account import Outcome
from wirerace.record.migration import OLDER, migrated, with_columns
from wirerace.record.result import FILE_NAME, SCHEMA, Raw, Result
from wirerace.transports import TRANSPORTS
from wirerace.workload.population import Population
from wirerace.workload.schedule import Source
from wirerace.workload.upstream import Upstream

READABLE = (*OLDER, SCHEMA)


class _Schema(msgspec.Struct):
    schema: int


class _Clients(msgspec.Struct):
    count: int
    shape: str = "steady"


class _WindowOptions(msgspec.Struct):
    measure_seconds: float


class _Outline(msgspec.Struct, kw_only=True):
    """The keys of an experiment that reports read, at one setting; other keys may be of another version."""

    title: str
    valid_repeats: int | None = None
    producer: Source
    clients: _Clients | None = None
    population: Population = Population()
    upstream: Upstream = Upstream()
    window: _WindowOptions
    objectives: list[str] = []


def read_result(place: Path) -> Result:
    """Return a result, given its file, or the directory that it is in.

    Raises BadInput when there is no result, or when this version cannot read it.
    """
    path = file_of(place)
    encoded = read_file(path, f"give the directory of a run, or its {FILE_NAME}")
    try:
        schema = decode_json(encoded, _Schema).schema
        if schema in READABLE:
            result = decode_json(encoded, Result) if schema == SCHEMA else migrated(encoded)
            _check(result)
            return result
    except BadInput as error:
        raise BadInput(f"{path}: no result of Wirerace: {error}") from None
    readable = ", ".join(map(str, READABLE[:-1]))
    raise BadInput(f"{path}: schema {shown(schema)}; this version reads {readable} and {SCHEMA}")


def file_of(place: Path) -> Path:
    """Return the file of a result, given itself or the directory that it is in."""
    return place if place.is_file() or place.name == FILE_NAME else place / FILE_NAME


def read_raw(path: Path) -> Raw:
    """Return the raw record that a trial's figures were computed from, of this version or of an older one.

    Raises BadInput when it is missing, or when this version cannot read it.
    """
    encoded = read_file(path, "it lies in the directory of its run")
    try:
        return decode_json(with_columns(encoded), Raw)
    except BadInput as error:
        raise BadInput(f"{path}: no raw record of Wirerace: {error}") from None


def _check(result: Result) -> None:
    """Check what types cannot express and every reader of a result relies on."""
    if not result.points:
        raise BadInput("points: there is none")
    for number, point in enumerate(result.points):
        at = "experiment" if len(result.points) == 1 else f"experiment at points[{number}]"
        _check_outline(convert(resolved(result.experiment, point.setting), _Outline, at), at)
    ids = [contestant.id for contestant in result.contestants]
    for number, contestant in enumerate(result.contestants):
        if contestant.transport not in TRANSPORTS:
            raise BadInput(f"contestants[{number}].transport: there is no {shown(contestant.transport)}")
        if not is_id(contestant.id) or ids.count(contestant.id) > 1:
            raise BadInput(f"contestants[{number}].id: {shown(contestant.id)} is not a unique id")
    _check_trials(result, ids)
    if result.is_search:
        _check_search(result)


def _check_trials(result: Result, ids: Collection[str]) -> None:
    for number, trial in enumerate(result.trials):
        if trial.contestant not in ids:
            raise BadInput(f"trials[{number}].contestant: there is no {shown(trial.contestant)} in contestants")
        if not 0 <= trial.point < len(result.points):
            raise BadInput(f"trials[{number}].point: there is no points[{trial.point}]")
        if missing := [outcome for outcome in get_args(Outcome) if outcome not in trial.responses]:
            raise BadInput(f"trials[{number}].responses: {missing[0]} is missing")


def _check_search(result: Result) -> None:
    """Check that every point of a search has a value of its knob, and that every failure has a point."""
    convert(result.experiment.get("servers", {}), Servers, "experiment.servers")
    options = convert(result.experiment.get("capacity", {}), CapacityOptions, "experiment.capacity")
    if not list(objectives_in(options.objectives, "experiment.capacity.objectives")):
        raise BadInput("experiment.capacity.objectives: there is none")
    for number, point in enumerate(result.points):
        places = {"setting": point.setting} | ({"after": point.after} if point.after else {})
        for name, values in places.items():
            value = values.get(options.knob)
            if not isinstance(value, int | float) or value <= 0:
                raise BadInput(f"points[{number}].{name}: {options.knob} must be a number above 0, got {shown(value)}")
    for number, failure in enumerate(result.failures):
        if not 0 <= failure.point < len(result.points):
            raise BadInput(f"failures[{number}].point: there is no points[{failure.point}]")


def _check_outline(outline: _Outline, at: str) -> None:
    """Check that an experiment says who its clients are, and that its objectives can be read."""
    list(objectives_in(outline.objectives, f"{at}.objectives"))
    if outline.clients is None and not outline.population.is_visit:
        raise BadInput(f"{at}.clients is missing")
