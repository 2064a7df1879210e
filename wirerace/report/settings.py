"""Settings in words: at 20 updates a second, from 100 to 1,000 clients."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wirerace.errors import printable
from wirerace.experiment.settings import setting_title
from wirerace.experiment.toml import inline
from wirerace.record.result import Point, Result
from wirerace.report.phrases import listed


class Unit(NamedTuple):
    """What the values of a key count: one of them, and several."""

    one: str
    several: str


COUNTED = {
    "producer.rate_per_second": Unit("update a second", "updates a second"),
    "producer.payload_bytes": Unit("byte", "bytes"),
    "clients.count": Unit("client", "clients"),
    "servers.replicas": Unit("replica", "replicas"),
}
"""How the values of a key are counted; others are said as in the experiment file."""
KEY_UNITS = {key: unit.several for key, unit in COUNTED.items()}


def counted(key: str, value: Any) -> str:
    """Return a value of a key in words: 20 updates a second, or as in the experiment file."""
    if key not in COUNTED or not _is_number(value):
        return printable(setting_title({key: value}))
    unit = COUNTED[key]
    return f"{plain_number(value)} {unit.one if value == 1 else unit.several}"


def setting_words(setting: Mapping[str, Any]) -> str:
    """Return a setting in words: 100 clients, 20 updates a second."""
    return ", ".join(counted(key, value) for key, value in setting.items())


def point_words(point: Point) -> str:
    """Return a point in words; empty without a sweep."""
    return setting_words(point.setting) + (
        f" after an overload with {setting_words(point.after)}" if point.after else ""
    )


def at_point(result: Result, index: int) -> str:
    """Return where a trial ran, to be added to a name: " at 20 updates a second"; empty if there is one setting."""
    is_one_of_many = len(result.points) > 1 or result.is_search
    words = point_words(result.points[index]) if is_one_of_many and index in range(len(result.points)) else ""
    return f" at {words}" if words else ""


def from_to(first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Return in what two settings differ: 100 to 1,000 clients."""
    keys = [key for key in first if first[key] != last.get(key)] or list(first)
    return listed([_ends(key, first[key], last.get(key)) for key in keys])


def _ends(key: str, first: Any, last: Any) -> str:
    if key in COUNTED and _is_number(first) and _is_number(last):
        return f"{plain_number(first)} to {counted(key, last)}"
    return f"{counted(key, first)} to {printable(last if isinstance(last, str) else inline(last))}"


def plain_number(value: Any) -> str:
    """Return a number without an exponent and with separators; anything else as it is."""
    return f"{value:,.10g}" if _is_number(value) else printable(str(value))


def repeats_words(repeats: Sequence[int]) -> str:
    """Return the numbers of repeats: repeat 3, or repeats 1 and 2."""
    return f"repeat{'s' if len(repeats) > 1 else ''} {listed([str(repeat) for repeat in repeats])}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
