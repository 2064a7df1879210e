"""Settings: an experiment with lists in place of values is run at every combination of them."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from wirerace.annotations import kinds_of, plain_type_of, struct_in, type_inside
from wirerace.decoding import spelled
from wirerace.errors import BadInput, shown
from wirerace.experiment.model import Experiment, document_of
from wirerace.experiment.toml import inline
from wirerace.transports import TRANSPORTS

MOST_SETTINGS = 10_000
OF_THE_PLAN = {("title",), ("kind",), ("repeats",), ("valid_repeats",), ("tries",), ("population", "kind")}
"""Keys that are the same for all settings."""
OF_THE_CONTESTANT = {"id", "title", "transport"}
"""Keys that identify a contestant."""

_KEY = re.compile(r"\[\d{1,9}\]|[^.\[\]]+")

Document = dict[str, Any]


class Axis(NamedTuple):
    """A swept key, as its path in the file, and its values in order."""

    keys: Sequence[str | int]
    values: Sequence[Any]

    @property
    def name(self) -> str:
        """The key as people write it."""
        return spelled("", self.keys)


class Setting(NamedTuple):
    """One point of a sweep: the experiment with some keys replaced. `values` has the new values by key.

    Without a sweep there is one setting, number 0, in which nothing is replaced. With `after`, a trial first drives its
    server at that setting.
    """

    number: int
    values: dict[str, Any]
    experiment: Experiment
    after: "Setting | None" = None

    @property
    def title(self) -> str:
        """Its title for people; empty without a sweep."""
        return setting_title(self.values) + (f" after {setting_title(self.after.values)}" if self.after else "")


class Study(NamedTuple):
    """All settings of an experiment. `document` is the resolved file, which still has the lists of the sweep.

    A search for capacity begins with one setting and finds the others, up to `most`.
    """

    document: Document
    settings: Sequence[Setting]
    most: Setting | None = None

    @property
    def first(self) -> Experiment:
        """The experiment at its first setting, for everything that is the same at all settings."""
        return self.settings[0].experiment

    @property
    def wants_broker(self) -> bool:
        """Whether the servers of any setting get their feed by way of a broker."""
        return any(setting.experiment.servers.by_broker for setting in self.settings)


def setting_title(values: dict[str, Any]) -> str:
    """Return the title of a setting's values: clients.count = 300, polling.interval_seconds = 1."""
    return ", ".join(f"{key} = {value if isinstance(value, str) else inline(value)}" for key, value in values.items())


def alone(experiment: Experiment) -> Study:
    """Return the study of an experiment without a sweep."""
    return Study(document_of(experiment), [Setting(0, {}, experiment)])


def axes_of(document: Document) -> list[Axis]:
    """Return the axes of a sweep in a file: the lists in places where the model has one value.

    Raises BadInput, naming the key and the cure, when a list cannot be swept.
    """
    axes = list(_axes(document, Experiment, []))
    for axis in axes:
        if tuple(axis.keys) in OF_THE_PLAN or (axis.keys[0] == "contestants" and axis.keys[-1] in OF_THE_CONTESTANT):
            raise BadInput(f"{axis.name} is the same for all settings: give it one value, not a list")
        if axis.keys[0] in {"transports", "contestants", "objectives"} and len(axis.keys) == 2:
            raise BadInput(f"{axis.name} is a list in a list: give each member of {axis.keys[0]} by itself")
        if not axis.values:
            raise BadInput(f"{axis.name}: a list makes a sweep, and this one is empty: give it a value")
        if any(value in axis.values[:index] for index, value in enumerate(axis.values)):
            raise BadInput(f"{axis.name}: each value of a sweep may be named once, got {shown(list(axis.values))}")
    if math.prod(len(axis.values) for axis in axes) > MOST_SETTINGS:
        counts = " × ".join(f"{len(axis.values)} of {axis.name}" for axis in axes)
        raise BadInput(f"a sweep has at most {MOST_SETTINGS:,} settings, and this one has {counts}: leave some out")
    return axes


def _axes(given: Any, annotation: Any, keys: list[str | int]) -> Iterator[Axis]:
    """Yield the axes in a value of an expected type; values of unknown types are left to the reading."""
    if isinstance(given, list | tuple):
        if annotation is not None and not _takes_list(annotation):
            yield Axis(tuple(keys), given)
            return
        for index, inner in enumerate(given):
            yield from _axes(inner, type_inside(annotation, index), [*keys, index])
    elif isinstance(given, dict):
        for key, inner in given.items():
            yield from _axes(inner, _type_under(given, annotation, keys, key), [*keys, key])


def _type_under(table: Document, annotation: Any, keys: list[str | int], key: str) -> Any:
    """Return the type of a key of a table: transports have tables of their own, and contestants their options."""
    if not keys and key in TRANSPORTS:
        return TRANSPORTS[key].options
    if keys[:1] == ["contestants"] and key == "options":
        transport = TRANSPORTS.get(str(table.get("transport")))
        return transport.options if transport is not None else None
    return type_inside(annotation, key if struct_in(annotation) is not None else None)


def _takes_list(annotation: Any) -> bool:
    kinds = (plain_type_of(kind) for kind in kinds_of(annotation))
    return any(getattr(kind, "__origin__", kind) in {list, tuple} for kind in kinds)


def documents_of(document: Document, axes: Sequence[Axis]) -> Iterator[tuple[dict[str, Any], Document]]:
    """Yield the values of each setting, and the file with them: the last axis varies first."""
    for values in itertools.product(*(axis.values for axis in axes)):
        found = document
        for axis, value in zip(axes, values, strict=True):
            found = with_value(found, axis.keys, value)
        yield {axis.name: value for axis, value in zip(axes, values, strict=True)}, found


def resolved(document: Document, values: dict[str, Any]) -> Document:
    """Return a file with the lists of its sweep replaced by the values of one setting.

    Raises BadInput when a key of the setting is not in the file.
    """
    found = document
    for name, value in values.items():
        keys = [int(part[1:-1]) if part.startswith("[") else part for part in _KEY.findall(name)]
        if not keys or not _is_in(found, keys):
            raise BadInput(f"{shown(name)} is no key of the experiment")
        found = with_value(found, keys, value)
    return found


def with_value(place: Any, keys: Sequence[str | int], value: Any) -> Any:
    """Return a copy of a table or a list with a value at the end of a path of keys; all other members are shared."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, int):
        return [*place[:key], with_value(place[key], rest, value), *place[key + 1 :]]
    return {**place, key: with_value(place.get(key, {}), rest, value)}


def _is_in(place: Any, keys: Sequence[str | int]) -> bool:
    """Return whether there is something at the end of a path of keys."""
    for key in keys:
        is_there = key in place if isinstance(place, dict) else isinstance(place, list) and key in range(len(place))
        if not is_there:
            return False
        place = place[key]
    return True
