"""A search for capacity: the highest value of a knob at which the objectives are still met."""

import math
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.errors import BadInput, shown
from wirerace.experiment.objective import objectives_in

if TYPE_CHECKING:
    from wirerace.experiment.model import Experiment

Kind = Literal["comparison", "capacity"]
Knob = Literal["clients.count", "producer.rate_per_second"]
DEFAULT_TRIES = 10
WHOLE = "clients.count"
"""The knob whose values are whole numbers."""


class CapacityOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a search for capacity proceeds: from the file's own value of the knob, doubled until an objective is missed.

    Then the interval is halved until it is as narrow as `precision`. Whatever the objectives, nothing may be lost.
    """

    objectives: Annotated[
        list[str],
        Meta(description="what figures must be, in seconds, bytes and parts of 1, at a value that is carried"),
    ] = []
    knob: Annotated[Knob, Meta(description="what is raised until an objective is missed")] = "clients.count"
    most: Annotated[float, Meta(gt=0, le=100_000, description="the highest value that is tried")] = 10_000
    precision: Annotated[
        float, Meta(ge=0.01, le=1, description="width of the interval that is found, as a part of its lower end")
    ] = 0.125
    repeats: Annotated[
        int, Meta(ge=1, le=99, description="trials that decide about a value near the limit, by majority: odd")
    ] = 3
    tries: Annotated[
        int, Meta(ge=1, le=99, description="trials at a value that do not count, until it is given up")
    ] = 3


FeedName = Literal["http", "nats"]


class Servers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many servers of a contestant there are, the limits of each of them, and how updates get there."""

    cpus: (
        Annotated[
            float,
            Meta(ge=0.01, le=64, description="CPU quota of each server, in cores; without it, as the machine gives"),
        ]
        | None
    ) = None
    replicas: Annotated[
        int,
        Meta(ge=1, le=16, description="servers of a contestant; the proxy of its path spreads clients over them"),
    ] = 1
    feed: Annotated[
        FeedName, Meta(description="how updates get to servers: from the producer, or by way of a NATS broker")
    ] = "http"

    @property
    def by_broker(self) -> bool:
        """Whether a broker brings the feed."""
        return self.feed != "http"


def rounded(knob: str, value: float) -> float:
    """Return a value of a knob as it can be set: whole numbers for clients, three digits for rates."""
    return round(value) if knob == WHOLE else float(f"{value:.3g}")


def highest_of(options: CapacityOptions) -> float:
    """Return the highest value that is tried: `most`, or the next lower one that can be set."""
    value = rounded(options.knob, options.most)
    if value <= options.most:
        return value
    step = 1.0 if options.knob == WHOLE else 10.0 ** (math.floor(math.log10(options.most)) - 2)
    return rounded(options.knob, value - step)


def knob_of(experiment: "Experiment") -> float:
    """Return the value that an experiment gives to the knob."""
    is_clients = experiment.capacity.knob == WHOLE
    return experiment.clients.count if is_clients else experiment.producer.rate_per_second


def check_capacity(experiment: "Experiment") -> None:
    """Raise BadInput, naming the key and the cure, when a search for capacity cannot be run as an experiment says."""
    options = experiment.capacity
    if experiment.kind != "capacity":
        if options != CapacityOptions():
            raise BadInput('capacity is for a search: write kind = "capacity" at the top, or leave [capacity] out')
        return
    if not options.objectives:
        raise BadInput(
            'capacity.objectives must say what a value must keep to: write objectives = ["latency.p99 < 0.2"]'
        )
    list(objectives_in(options.objectives, "capacity.objectives"))
    _check_rest(experiment)
    if experiment.population.is_visit:
        raise BadInput('population.kind must be "stay" in a search for capacity: visitors come and go')
    if experiment.clients.shape != "steady":
        raise BadInput(
            f'clients.shape must be "steady" in a search for capacity, got {shown(experiment.clients.shape)}'
        )
    if options.repeats % 2 == 0:
        raise BadInput(f"capacity.repeats must be odd, so that there is a majority, got {options.repeats}")
    start = knob_of(experiment)
    if start > options.most:
        raise BadInput(
            f"capacity.most must be at least {options.knob}, where the search begins, = {start:g}, got {options.most:g}"
        )
    if experiment.producer.arrivals == "trace" and options.knob != WHOLE:
        raise BadInput('capacity.knob: a trace has its own rate: use knob = "clients.count"')


def _check_rest(experiment: "Experiment") -> None:
    """Raise BadInput for what a comparison has and a search cannot have."""
    if experiment.objectives:
        raise BadInput("objectives: those of a search are in [capacity]: move them there")
    if experiment.repeats > 1 or experiment.valid_repeats is not None:
        key = "repeats" if experiment.valid_repeats is None else "valid_repeats"
        raise BadInput(f"{key}: a search repeats what is near the limit: leave it out, and set capacity.repeats")
    if experiment.tries != DEFAULT_TRIES:
        raise BadInput("tries: a search has its own: leave it out, and set capacity.tries")
    if experiment.faults:
        raise BadInput("faults: a search for capacity has none: leave them out")
