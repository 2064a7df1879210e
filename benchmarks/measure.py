"""Measuring: in each round every contestant has its turn, so that a noisy moment affects all of them alike."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from wirerace.errors import WireraceError


class BenchmarkFailed(WireraceError):
    """A part of the benchmark did not do its work."""


class TurnSample(Protocol):
    """What one turn found: how much of what, and the cost of one in the unit of the group."""

    @property
    def operations(self) -> int:
        """Return what the cost is divided by."""

    @property
    def cost(self) -> float:
        """Return the cost of one."""


class Turn(msgspec.Struct, frozen=True):
    """One contestant's turn: the CPU time, user and system, of the process under test, and its operations."""

    cpu_seconds: float
    operations: int

    @property
    def cost(self) -> float:
        """Return µs of CPU time an operation."""
        return self.cpu_seconds * 1e6 / self.operations


class Growth(msgspec.Struct, frozen=True):
    """By how many bytes a process's own memory (USS) grew while this number of clients came."""

    grown_bytes: int
    operations: int

    @property
    def cost(self) -> float:
        """Return kB a client."""
        return self.grown_bytes / 1000 / self.operations


class Racer(NamedTuple):
    """One implementation of the operation. `reference` is the name of the contestant that it is compared with."""

    name: str
    reference: str
    measure: Callable[[], TurnSample]


class BenchRow(msgspec.Struct, frozen=True):
    """A contestant's result. Each round has a ratio to the reference; these are the median and range of all ratios."""

    name: str
    reference: str
    cost: float
    costs: list[float]
    ratio: float
    least_ratio: float
    most_ratio: float


def ratios_of(own: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Return the ratio of two contestants' costs in each round."""
    return [cost / other for cost, other in zip(own, reference, strict=True)]


def race(contestants: Sequence[Racer], rounds: int, on_turn: Callable[[int, str], None]) -> list[BenchRow]:
    """Give every contestant its turn in each round, in opposite order every other round; return a row for each.

    Raises BenchmarkFailed when one fails, because a table with holes compares nothing.
    """
    costs: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            on_turn(number + 1, contestant.name)
            try:
                sample = contestant.measure()
            except WireraceError as error:
                raise BenchmarkFailed(f"{contestant.name}: {error}") from None
            if not sample.operations:
                raise BenchmarkFailed(f"{contestant.name}: nothing was done")
            costs[contestant.name].append(sample.cost)
    return [_row(contestant, costs) for contestant in contestants]


def _row(contestant: Racer, costs: dict[str, list[float]]) -> BenchRow:
    own, of_reference = costs[contestant.name], costs[contestant.reference]
    ratios = ratios_of(own, of_reference)
    return BenchRow(
        contestant.name,
        contestant.reference,
        statistics.median(own),
        own,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )
