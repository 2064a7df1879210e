"""The targets for speed and memory, and whether a run met them. docs/speed.md says why some are missed."""

import statistics
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from benchmarks.measure import BenchRow, ratios_of

FLOOR = "send() in a loop, in C"


class Target(NamedTuple):
    """What a contestant of a group may cost at most: times `against`, or in the group's unit if that is empty."""

    group: str
    name: str
    against: str
    at_most: float


class Outcome(msgspec.Struct, frozen=True):
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
    Target("poll", "200: Wirerace", "200: nginx, return", 1.25),
    Target("poll", "204: Wirerace", "204: nginx, return", 1.25),
    Target("longpoll", "Wirerace", "nchan", 1.0),
    Target("fanout", "Wirerace", FLOOR, 1.2),
    Target("fanout", "Wirerace", "nchan", 0.95),
    Target("sse", "Wirerace, SSE", FLOOR, 1.2),
    Target("sse", "Wirerace, SSE", "nchan, SSE", 0.95),
    Target("drive-poll", "Wirerace, whole polling user", "Locust FastHttpUser", 0.17),
    Target("drive-message", "Wirerace, whole WebSocket user", "websocket-client, json, an event each", 0.25),
    Target("drive-message", "Wirerace, whole SSE user", "websocket-client, json, an event each", 0.25),
    Target("memory", "server, WebSocket", "", 8),
    Target("memory", "server, held poll", "", 6),
    Target("memory", "server, poller", "", 6),
    Target("memory", "load, WebSocket", "", 16),
    Target("memory", "load, SSE", "", 16),
    Target("memory", "load, held poll", "", 16),
    Target("memory", "load, poller", "", 16),
)


def outcomes_of(group: str, rows: Iterable[BenchRow]) -> Iterator[Outcome]:
    """Yield the outcome of each target of a group; one whose contestant or reference is missing has none."""
    found = {row.name: row for row in rows}
    for target in TARGETS:
        if target.group != group or target.name not in found or (target.against and target.against not in found):
            continue
        costs = found[target.name].costs
        values = ratios_of(costs, found[target.against].costs) if target.against else costs
        yield Outcome(target.name, target.against, target.at_most, statistics.median(values), min(values), max(values))


def spelled_outcome(outcome: Outcome, unit: str) -> str:
    """Return the line that says what was wanted, what was measured, and whether that meets it."""
    amount = f"times {outcome.against}" if outcome.against else unit
    word = "met" if outcome.is_met else "missed"
    spread = f"{outcome.measured:.2f} ({outcome.least:.2f} – {outcome.most:.2f})"
    return f"target {word}: {outcome.name} at most {outcome.at_most:g} {amount}: {spread}"
