"""Faults: what is killed, restarted, stalled, cut, dropped or filled during the window, and when."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import to_ns
from wirerace.errors import BadInput

FaultKind = Literal["kill", "restart", "stall", "cut", "drop", "fill"]
FaultPlace = Literal["server", "producer", "broker", "clients", "proxy", "feed"]
POSSIBLE: dict[FaultKind, tuple[FaultPlace, ...]] = {
    "kill": ("server", "producer", "broker", "proxy"),
    "restart": ("server", "producer", "broker", "proxy"),
    "stall": ("server", "producer", "broker", "proxy"),
    "cut": ("clients", "proxy"),
    "drop": ("feed",),
    "fill": ("producer",),
}
"""The parts that each kind can happen to. A load that is killed or stalled would lose its own ledgers and clocks."""
ALL_FAULTS: frozenset[tuple[FaultKind, FaultPlace]] = frozenset(
    (kind, place) for kind, places in POSSIBLE.items() for place in places
)
LASTING: dict[FaultKind, str] = {"stall": "above 0", "fill": "above 0", "drop": "0 or more"}
"""The kinds with a `lasts_seconds`, and which."""
ENDING: tuple[FaultKind, ...] = ("kill", "restart")
"""The kinds that end a part, which is then started again."""
SETTLE_SECONDS = 2.0
"""From the end of a part to its next fault, at least: a container's death is noticed within a second."""
CLOCK = (
    "faults[{0}].kind: a clock cannot be set: all parts share this machine's kernel clock, so every latency would be "
    "wrong, and the run would fail itself. Leave it out. It takes a producer on a machine of its own, and a server "
    "that compares clocks; here a stall shows what late updates do"
)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that goes wrong once, `at_seconds` after the window began.

    A part that is killed (SIGKILL), or restarted (SIGTERM: it ends in order), is started again as soon as it has ended.
    One that is stalled stands still for `lasts_seconds` (SIGSTOP, SIGCONT; a container is paused). A cut closes every
    connection: of the clients, which reconnect each at a time uniform over the next `jitter_seconds`, or at the proxy.
    A drop breaks the connection between producer and server, and keeps it broken for `lasts_seconds`. A fill lets the
    producer write nothing more to its record for `lasts_seconds`, as on a full disk.
    """

    kind: Annotated[FaultKind, Meta(description="what happens", extra={"example": '"stall"'})]
    on: Annotated[FaultPlace, Meta(description="which part it happens to")]
    at_seconds: Annotated[float, Meta(ge=0, le=86_400, description="when, from the beginning of the window")]
    lasts_seconds: Annotated[float, Meta(ge=0, le=60, description="how long a stall, a drop or a fill lasts")] = 0.0
    jitter_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time over which cut clients reconnect; 0 for all at once")
    ] = 0.0

    @property
    def ends_seconds(self) -> float:
        """When it is over, in seconds from the beginning of the window."""
        return self.at_seconds + self.lasts_seconds + self.jitter_seconds

    @property
    def ends_a_part(self) -> bool:
        """Return whether it ends a part, which is started again."""
        return self.kind in ENDING

    @property
    def said(self) -> str:
        """What it is, in a few words."""
        return f"{self.kind} of the {self.on}"


class AvailabilityOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as available in an experiment with faults: a client whose newest update is young enough."""

    age_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="a client is available while its age is at most this; an update that takes longer is late",
        ),
    ] = 1.0


def refuse_clock(faults: Any) -> None:
    """Raise BadInput for a fault that sets a clock, with the reason: one would expect that it exists."""
    for number, fault in enumerate(faults if isinstance(faults, list) else ()):
        if isinstance(fault, dict) and fault.get("kind") == "clock":
            raise BadInput(CLOCK.format(number))


def check_fault(fault: Fault, window_seconds: float) -> None:
    """Raise BadInput, naming the fault's key and the cure, when it cannot happen in a window of this length."""
    if fault.on not in POSSIBLE[fault.kind]:
        places = ", ".join(POSSIBLE[fault.kind])
        raise BadInput(f"on must be one of {places} for a {fault.kind}, got {fault.on}")
    wanted = LASTING.get(fault.kind, "left out")
    if (wanted == "above 0") > (fault.lasts_seconds > 0) or (wanted == "left out" and fault.lasts_seconds):
        raise BadInput(f"lasts_seconds must be {wanted} for a {fault.kind}, got {fault.lasts_seconds:g}")
    if fault.jitter_seconds and (fault.kind, fault.on) != ("cut", "clients"):
        at = " on the proxy" if fault.kind == "cut" else ""
        raise BadInput(f"jitter_seconds must be left out for a {fault.kind}{at}, got {fault.jitter_seconds:g}")
    if to_ns(fault.ends_seconds) > to_ns(window_seconds):
        raise BadInput(
            f"at_seconds: the {fault.kind} is over {fault.ends_seconds:g} s into the window: "
            f"window.measure_seconds must be at least that, got {window_seconds:g}"
        )


def check_availability(availability: AvailabilityOptions, faults: Sequence[Fault]) -> None:
    """Raise BadInput for a bound without any fault: nothing would be measured of it."""
    if not faults and availability != AvailabilityOptions():
        raise BadInput("availability.age_seconds: it is measured with faults only: add [[faults]], or leave it out")


def check_timeline(faults: Sequence[Fault]) -> None:
    """Raise BadInput when two faults meet on one part: the second would not find it as the file supposes.

    A drop is asked of the producer, so both count as one part.
    """
    places = {"feed": "producer"}
    for place in dict.fromkeys(places.get(fault.on, fault.on) for fault in faults):
        numbered = [(number, one) for number, one in enumerate(faults) if places.get(one.on, one.on) == place]
        ordered = sorted(numbered, key=lambda item: item[1].at_seconds)
        for (_, before), (number, fault) in pairwise(ordered):
            free_seconds = before.ends_seconds + (SETTLE_SECONDS if before.ends_a_part else 0.0)
            if to_ns(fault.at_seconds) < to_ns(free_seconds) or fault.at_seconds == before.at_seconds:
                raise BadInput(
                    f"faults[{number}].at_seconds: the {fault.said} at {fault.at_seconds:g} s meets the {before.said} "
                    f"at {before.at_seconds:g} s, which has it until {free_seconds:g} s: move one of them, or leave "
                    "it out"
                )
    _check_fills([(number, fault) for number, fault in enumerate(faults) if fault.on == "producer"])


def _check_fills(of_producer: Sequence[tuple[int, Fault]]) -> None:
    """Refuse to end a producer whose record has a hole: the next one would not know what was made."""
    filled = min((one.at_seconds for _, one in of_producer if one.kind == "fill"), default=None)
    for number, fault in of_producer:
        if filled is not None and fault.ends_a_part and fault.at_seconds > filled:
            raise BadInput(
                f"faults[{number}].at_seconds: the {fault.said} comes after a fill: what was made while its disk was "
                "full is in its memory only, and nobody could say what was lost; let it happen before the fill"
            )
