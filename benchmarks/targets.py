"""The targets for speed and memory, and whether a run met them. docs/speed.md says why some are missed."""

import statistics
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from benchmarks.measure import BenchRow, ratios_of

FLOOR = "send() in a loop, in C"


class SpeedTarget(NamedTuple):
    """What a contestant of a group may cost at most: times `against`, or in the group's unit if that is empty."""

    group: str
    name: str
    against: str
    at_most: float


class TargetOutcome(msgspec.Struct, frozen=True):
    """A target, and what was measured: the median of the rounds, and their range."""

    name: str
    against: str
    at_most: float
    measured: float
    least: float
    most: float

    @property
    def is_met(self) -> bool:
        """Return whether the median is no more than the target."""
        return self.measured <= self.at_most


TARGETS = (
    SpeedTarget("poll", "200: Wirerace", "200: nginx, return", 1.25),
    SpeedTarget("poll", "204: Wirerace", "204: nginx, return", 1.25),
    SpeedTarget("longpoll", "Wirerace", "nchan", 1.0),
    SpeedTarget("fanout", "Wirerace", FLOOR, 1.2),
    SpeedTarget("fanout", "Wirerace", "nchan", 0.95),
    SpeedTarget("sse", "Wirerace, SSE", FLOOR, 1.2),
    SpeedTarget("sse", "Wirerace, SSE", "nchan, SSE", 0.95),
    SpeedTarget("drive-poll", "Wirerace, whole polling user", "Locust FastHttpUser", 0.17),
    SpeedTarget("drive-message", "Wirerace, whole WebSocket user", "websocket-client, json, an event each", 0.25),
    SpeedTarget("drive-message", "Wirerace, whole SSE user", "websocket-client, json, an event each", 0.25),
    SpeedTarget("memory", "server, WebSocket", "", 8),
    SpeedTarget("memory", "server, held poll", "", 6),
    SpeedTarget("memory", "server, poller", "", 6),
    SpeedTarget("memory", "load, WebSocket", "", 16),
    SpeedTarget("memory", "load, SSE", "", 16),
    SpeedTarget("memory", "load, held poll", "", 16),
    SpeedTarget("memory", "load, poller", "", 16),
)


def outcomes_of(group: str, rows: Iterable[BenchRow]) -> Iterator[TargetOutcome]:
    """Yield the outcome of each target of a group; one whose contestant or reference is missing has none."""
    found = {row.name: row for row in rows}
    for target in TARGETS:
        if target.group != group or target.name not in found or (target.against and target.against not in found):
            continue
        costs = found[target.name].costs
        values = ratios_of(costs, found[target.against].costs) if target.against else costs
        yield TargetOutcome(
            target.name, target.against, target.at_most, statistics.median(values), min(values), max(values)
        )


def spelled_outcome(outcome: TargetOutcome, unit: str) -> str:
    """Return the line that says what was wanted, what was measured, and whether that meets it."""
    amount = f"times {outcome.against}" if outcome.against else unit
    word = "met" if outcome.is_met else "missed"
    spread = f"{outcome.measured:.2f} ({outcome.least:.2f} – {outcome.most:.2f})"
    return f"target {word}: {outcome.name} at most {outcome.at_most:g} {amount}: {spread}"
