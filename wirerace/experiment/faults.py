"""Faults: what is killed, stalled or cut during the window, and when."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirerace.clock import to_ns
from wirerace.errors import BadInput

FaultKind = Literal["kill", "stall", "cut"]
FaultPlace = Literal["server", "producer", "clients", "proxy"]
POSSIBLE: dict[FaultKind, tuple[FaultPlace, ...]] = {
    "kill": ("server", "producer", "proxy"),
    "stall": ("server", "producer", "proxy"),
    "cut": ("clients",),
}
"""The parts that each kind can happen to. A load that is killed or stalled would lose its own ledgers and clocks."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that goes wrong once, `at_seconds` after the window began.

    A part that is killed (SIGKILL) is started again at once. A part that is stalled stands still for `lasts_seconds`
    (SIGSTOP, SIGCONT; a container is paused). A cut closes every connection of the clients. Each client reconnects at
    a time uniform over the next `jitter_seconds`.
    """

    kind: Annotated[FaultKind, Meta(description="what happens", extra={"example": '"stall"'})]
    on: Annotated[FaultPlace, Meta(description="which part it happens to")]
    at_seconds: Annotated[float, Meta(ge=0, le=86_400, description="when, from the beginning of the window")]
    lasts_seconds: Annotated[float, Meta(ge=0, le=60, description="how long a stall lasts")] = 0.0
    jitter_seconds: Annotated[
        float, Meta(ge=0, le=3600, description="time over which cut clients reconnect; 0 for all at once")
    ] = 0.0

    @property
    def ends_seconds(self) -> float:
        """When it is over, in seconds from the beginning of the window."""
        return self.at_seconds + self.lasts_seconds + self.jitter_seconds


def check_fault(fault: Fault, window_seconds: float) -> None:
    """Raise BadInput, naming the fault's key and the cure, when it cannot happen in a window of this length."""
    if fault.on not in POSSIBLE[fault.kind]:
        places = ", ".join(POSSIBLE[fault.kind])
        raise BadInput(f"on must be one of {places} for a {fault.kind}, got {fault.on}")
    if (fault.kind == "stall") != (fault.lasts_seconds > 0):
        wanted = "above 0 for a stall" if fault.kind == "stall" else f"left out for a {fault.kind}"
        raise BadInput(f"lasts_seconds must be {wanted}, got {fault.lasts_seconds:g}")
    if fault.jitter_seconds and fault.kind != "cut":
        raise BadInput(f"jitter_seconds must be left out for a {fault.kind}, got {fault.jitter_seconds:g}")
    if to_ns(fault.ends_seconds) > to_ns(window_seconds):
        raise BadInput(
            f"at_seconds: the {fault.kind} is over {fault.ends_seconds:g} s into the window: "
            f"window.measure_seconds must be at least that, got {window_seconds:g}"
        )
