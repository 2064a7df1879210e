"""What the live page watches and controls, wherever it runs: a producer, and a server for each transport."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from wirerace.errors import BadInput, shown
from wirerace.experiment.paths import NetworkPath
from wirerace.transports.transport import Transport, TransportOptions
from wirerace.watch.vitals import Watchable
from wirerace.workload.schedule import Rate, Schedule

MOST_CROWD = 200
"""The most clients of the crowd on each transport."""
StallSeconds = Annotated[float, Meta(ge=0.1, le=30)]
CrowdCount = Annotated[int, Meta(ge=0, le=MOST_CROWD)]


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The updates that the page asks for. Everything else of the schedule stays as it is."""

    rate_per_second: Rate
    arrivals: Literal["periodic", "poisson", "bursty"]

    def applied_to(self, schedule: Schedule) -> Schedule:
        """Return a schedule that makes updates as the page asks for, from now on. A trace ends."""
        changed = msgspec.structs.asdict(self) | {"trace": [], "trace_file": None, "speed": 1.0, "start_ns": None}
        return msgspec.structs.replace(schedule, **changed)


class Lane(NamedTuple):
    """One transport: what its client may choose, the URL to which the page connects, and the server behind it."""

    transport: Transport
    options: TransportOptions
    url: str
    server: Watchable


class Abilities(msgspec.Struct, frozen=True):
    """What the page can do here. Without `cut`, the page closes its own connections.

    `otherwise` is for people: what cannot be done here, and where it can. `crowd_url` is where a crowd is started if
    `crowd`, the most clients of each transport, is 0.
    """

    delay: bool = True
    stall: bool = True
    cut: bool = True
    crowd: int = MOST_CROWD
    crowd_url: str = ""
    otherwise: str = ""


class CrowdState(msgspec.Struct, frozen=True):
    """The crowd: how many clients each transport should have, whether they come still, and what they took so far.

    `trouble` says why the last crowd ended by itself; empty if none did.
    """

    clients: int = 0
    coming: bool = False
    cpu_seconds: float | None = None
    trouble: str = ""


class Contest(Protocol):
    """All parts. The page's server calls it from any thread."""

    path: NetworkPath
    abilities: Abilities

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """The transports, by name."""

    @property
    def producer(self) -> Watchable:
        """What makes the updates."""

    def read_schedule(self) -> Schedule | None:
        """Return what the producer makes; None if it makes nothing, or does not answer."""

    def offer(self, wanted: Offer) -> None:
        """Make updates as the page asks for, from now on.

        Raises BadInput when that is too much, TrialFailed when the producer does not answer.
        """

    def set_path(self, path: NetworkPath) -> None:
        """Change the delay of every lane.

        Raises BadInput when there is no such control here, TrialFailed when a proxy does not answer.
        """

    def cut(self, transport: str | None) -> int:
        """Cut the connections of a lane, or of all, and return how many there were.

        Raises BadInput when there is no such lane or control, TrialFailed when a proxy does not answer.
        """

    def stall(self, transport: str, seconds: float) -> None:
        """Stop a server soon, for a time.

        Raises BadInput when there is no such lane or control, or when its server stands still already.
        """

    def set_crowd(self, clients: int) -> None:
        """Have that many synthetic clients on each transport soon.

        Raises BadInput when that is too much, or when there is no such control here.
        """

    def crowd_state(self) -> CrowdState:
        """Return what the crowd is now."""


def lane_of(lanes: Mapping[str, Lane], transport: str) -> Lane:
    """Return a lane.

    Raises BadInput when there is none.
    """
    if (found := lanes.get(transport)) is None:
        raise BadInput(f"transport must be one of {', '.join(lanes)}, got {shown(transport)}")
    return found
