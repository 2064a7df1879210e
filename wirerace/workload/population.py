"""The population: clients that stay, or visitors that come at times fixed beforehand, take some updates and leave."""

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import NS_PER_SECOND
from wirerace.streams import stream
from wirerace.workload.arrivals import periodic, poisson

SEEDS = 2**52


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who comes, when, and for how long: clients that stay, as `[clients]` says, or visitors.

    Each visitor opens a connection of its own, asks for the newest update, takes `updates` − 1 more as they are made,
    closes, and is gone. One that has not left after `timeout_seconds` gives up. All keys but `kind` are for visitors.
    """

    kind: Annotated[
        Literal["stay", "visit"], Meta(description="clients that stay, or visitors", extra={"example": '"visit"'})
    ] = "stay"
    per_second: Annotated[float, Meta(ge=0.01, le=2000, description="visitors that come in a second, on average")] = (
        10.0
    )
    arrivals: Annotated[
        Literal["periodic", "poisson"], Meta(description="how visitors arrive: evenly, or with exponential gaps")
    ] = "poisson"
    updates: Annotated[
        int, Meta(ge=1, le=10_000, description="updates that each visitor takes: the newest, and the next ones")
    ] = 1
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="after this time, from its arrival, a visitor gives up")
    ] = 30.0

    @property
    def is_visit(self) -> bool:
        """Whether its clients are visitors."""
        return self.kind == "visit"


class Share(msgspec.Struct, frozen=True):
    """A load process's part of all visitors: every `of`-th of them, from `number` on, which counts from 0."""

    number: int = 0
    of: int = 1


WHOLE = Share()


def visits_of(population: Population, seed: int, start_ns: int, end_ns: int, share: Share = WHOLE) -> Iterator[int]:
    """Yield when visitors are to arrive, Unix nanoseconds, in order, from `start_ns` on and before `end_ns`.

    They are computed from the start, so they do not drift. They depend on the seed alone, and on no other arrivals of
    that seed.
    """
    rate, own_seed = population.per_second, stream(seed, "visits").randrange(SEEDS)
    blocks = periodic(rate, 0.0) if population.arrivals == "periodic" else poisson(rate, own_seed, 0.0)
    due_ns = (start_ns + round(seconds * NS_PER_SECOND) for block in blocks for seconds in block.seconds)
    return itertools.islice(itertools.takewhile(end_ns.__gt__, due_ns), share.number, None, share.of)
