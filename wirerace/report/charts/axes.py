"""The axes of a sweep: along which key curves run, and which settings lie on one curve."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from wirerace.errors import cut, printable
from wirerace.experiment.toml import inline
from wirerace.record.result import Result
from wirerace.report.charts.values import Dimension
from wirerace.report.settings import KEY_UNITS, plain_number, setting_words

MOST_VALUE, MOST_KEY, MOST_TICKS = 24, 60, 8
MOST_SWEEPS = 6
"""With more combinations of the other keys than this, only the first ones are drawn."""
LOG_FROM = 8
"""An axis whose largest value is this multiple of the least one is logarithmic."""


class Swept(NamedTuple):
    """Settings that differ in one key: its name, its values and the indices of the points. `said` has the other keys.

    Without a sweep there is one point, and no name.
    """

    axis: str
    values: Sequence[Any]
    points: Sequence[int]
    said: str = ""

    @property
    def dimension(self) -> Dimension:
        """The axis of a chart."""
        if not self.is_numeric:
            return Dimension(self.axis, "count", names=[spelled(value) for value in self.values])
        positive = [float(value) for value in self.values]
        is_log = min(positive) > 0 and max(positive) >= LOG_FROM * min(positive)
        ticks = positive if len(positive) <= MOST_TICKS else ()
        name = KEY_UNITS.get(self.axis, self.axis)
        return Dimension(name + (", logarithmic" if is_log else ""), "number", is_log=is_log, at=ticks)

    @property
    def is_numeric(self) -> bool:
        """Return whether all values are numbers."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    @property
    def positions(self) -> list[float]:
        """Where the values lie on the axis."""
        return [float(value) if self.is_numeric else float(number) for number, value in enumerate(self.values)]


def sweeps_of(result: Result) -> Iterator[Swept]:
    """Yield the sweeps along the key with the most values, one for each combination of the other keys."""
    settings = [point.setting for point in result.points]
    if len(settings) < 2:
        yield Swept("", [None], [0])
        return
    key = main_key(result)
    found: dict[str, list[int]] = {}
    for index, setting in enumerate(settings):
        if result.points[index].after:
            continue
        others = setting_words({name: value for name, value in setting.items() if name != key})
        found.setdefault(others, []).append(index)
    for others, points in list(found.items())[:MOST_SWEEPS]:
        members = [(settings[index].get(key), index) for index in points]
        if Swept(key, [value for value, _ in members], points).is_numeric:
            members.sort(key=lambda member: float(member[0] or 0))
        values, indices = [value for value, _ in members], [index for _, index in members]
        said = f", with {cut(printable(others), MOST_KEY)}" if others else ""
        yield Swept(cut(printable(key), MOST_KEY), values, indices, said)


def main_key(result: Result) -> str:
    """Return the swept key with the most values; numbers first."""
    settings = [point.setting for point in result.points]

    def rank(key: str) -> tuple[bool, int]:
        values = [setting.get(key) for setting in settings]
        return Swept(key, values, []).is_numeric, len({inline(value) for value in values})

    return max(settings[0], key=rank, default="")


def spelled(value: Any) -> str:
    """Return the value of a key for people."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return plain_number(value)
    return cut(printable(value if isinstance(value, str) else inline(value)), MOST_VALUE)
