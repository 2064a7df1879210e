"""Shapes of load: how many clients there are at which time, and when all connections are cut."""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.errors import BadInput, shown

Count = Annotated[int, Meta(ge=1, le=100_000)]
ShapeName = Literal["steady", "steps", "spike", "ramp", "storm"]
LEAST_SECONDS = 1.0
"""The shortest time between changes: Locust changes the number of clients once a second at most."""
STAGES_EXAMPLE = "50:10,100:10,200:10"


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many clients there are, in time since the shape began. Each subclass is a table of an experiment file."""

    @property
    def lasts_seconds(self) -> float:
        """When the last change is over."""
        return 0.0

    @property
    def changes(self) -> Sequence[float]:
        """The times at which the number of clients changes at once."""
        return ()

    @property
    def least_count(self) -> int:
        """The clients that the shape itself asks for, which is the least number of clients."""
        return 1

    def clients_at(self, seconds: float, count: int) -> int:  # noqa: ARG002 -- the number never changes
        """Return how many clients there are, where `count` is the most."""
        return count

    def spawn_per_second_needed(self, count: int) -> float:
        """Return how many must come or go in a second, so that each change is over before the next."""
        return max(
            (
                abs(self.clients_at(begin, count) - self.clients_at(begin - LEAST_SECONDS / 2, count)) / (end - begin)
                for begin, end in itertools.pairwise(self.changes)
            ),
            default=0.0,
        )


class SteadyShape(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All clients, for the whole time."""


class StepsStage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stage of the shape `steps`."""

    clients: Annotated[Count, Meta(description="clients in this stage")]
    seconds: Annotated[float, Meta(ge=LEAST_SECONDS, le=86_400, description="how long the stage lasts")]


class StepsShape(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A number of clients for some seconds, then another number, and so on. The last number stays."""

    stages: Annotated[
        tuple[StepsStage, ...],
        Meta(description="stages in their order; on a command line clients:seconds", extra={"example": STAGES_EXAMPLE}),
    ] = ()

    @property
    def lasts_seconds(self) -> float:
        """All stages, one after the other."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def changes(self) -> Sequence[float]:
        """The ends of all stages."""
        return list(itertools.accumulate(stage.seconds for stage in self.stages))

    @property
    def least_count(self) -> int:
        """The largest stage."""
        return max((stage.clients for stage in self.stages), default=1)

    def clients_at(self, seconds: float, count: int) -> int:  # noqa: ARG002 -- stages have their own numbers
        """Return the clients of the stage at that time."""
        over = bisect_right(self.changes, seconds)
        return self.stages[min(over, len(self.stages) - 1)].clients


class SpikeShape(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A few clients, then all clients for some seconds, then the few again."""

    base_clients: Annotated[int, Meta(ge=1, le=100_000, description="clients before and after the spike")] = 10
    at_seconds: Annotated[float, Meta(ge=0, le=86_400, description="when the spike begins")] = 5.0
    for_seconds: Annotated[float, Meta(ge=LEAST_SECONDS, le=86_400, description="how long the spike lasts")] = 5.0

    @property
    def lasts_seconds(self) -> float:
        """Until the spike is over."""
        return self.at_seconds + self.for_seconds

    @property
    def changes(self) -> Sequence[float]:
        """The beginning of the spike and its end."""
        return (self.at_seconds, self.lasts_seconds)

    @property
    def least_count(self) -> int:
        """Those before and after."""
        return self.base_clients

    def clients_at(self, seconds: float, count: int) -> int:
        """Return all during the spike, the few otherwise."""
        return count if self.at_seconds <= seconds < self.lasts_seconds else self.base_clients


class RampShape(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a few clients to all clients, at an even rate."""

    from_clients: Annotated[int, Meta(ge=1, le=100_000, description="clients at the beginning")] = 1
    for_seconds: Annotated[float, Meta(gt=0, le=86_400, description="time until all clients are connected")] = 10.0

    @property
    def lasts_seconds(self) -> float:
        """Until all are there."""
        return self.for_seconds

    @property
    def least_count(self) -> int:
        """Those at the beginning."""
        return self.from_clients

    def spawn_per_second_needed(self, count: int) -> float:
        """Return the slope of the line."""
        return abs(count - self.from_clients) / self.for_seconds

    def clients_at(self, seconds: float, count: int) -> int:
        """Return the number on the line from the beginning to all."""
        part = min(max(seconds / self.for_seconds, 0.0), 1.0)
        return round(self.from_clients + (count - self.from_clients) * part)


class StormShape(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A reconnect storm: all connections are cut at once; each client reconnects at once, or within the jitter."""

    at_seconds: Annotated[float, Meta(ge=0, le=86_400, description="when all connections are cut")] = 5.0
    jitter_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time over which clients reconnect, evenly spread; 0 for all at once")
    ] = 0.0

    @property
    def lasts_seconds(self) -> float:
        """Until the last client has reconnected."""
        return self.at_seconds + self.jitter_seconds


SHAPES: dict[str, type[Shape]] = {
    "steady": SteadyShape,
    "steps": StepsShape,
    "spike": SpikeShape,
    "ramp": RampShape,
    "storm": StormShape,
}
"""The shapes by name; each but the first is a table of that name."""


def parse_stages(text: str) -> tuple[StepsStage, ...]:
    """Return the stages in `clients:seconds, clients:seconds`.

    Raises BadInput when the text is anything else.
    """
    try:
        pairs = [part.split(":") for part in text.split(",") if part.strip()]
        return msgspec.convert(
            [{"clients": clients, "seconds": seconds} for clients, seconds in pairs],
            tuple[StepsStage, ...],
            strict=False,
        )
    except (ValueError, msgspec.ValidationError):
        raise BadInput(f"stages are clients:seconds such as {STAGES_EXAMPLE}, got {shown(text)}") from None


def spell_stages(stages: Sequence[StepsStage]) -> str:
    """Return stages in the notation of parse_stages()."""
    return ",".join(f"{stage.clients}:{stage.seconds:.12g}" for stage in stages)


def check_shape(name: str, shape: Shape, count: int, spawn_per_second: float) -> None:
    """Raise BadInput, naming the shape's key and the cure, when `count` clients at that rate cannot make the shape."""
    if isinstance(shape, StepsShape) and not shape.stages:
        raise BadInput("steps has no stages: give some, each with its clients and seconds")
    if shape.least_count > count:
        raise BadInput(f"{name} asks for {shape.least_count} clients, and there are {count} at most: raise that number")
    if (needed := shape.spawn_per_second_needed(count)) > spawn_per_second:
        raise BadInput(
            f"{name} needs {needed:g} clients to come or go in a second, and {spawn_per_second:g} do: raise that rate"
        )
