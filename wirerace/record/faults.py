"""Faults in results: when each really happened, and what it did to the clients of a trial."""

from typing import Literal

import msgspec

from wirerace.experiment.faults import FaultKind, FaultPlace
from wirerace.record.durations import Times


class FaultTime(msgspec.Struct, frozen=True):
    """When a fault happened, Unix nanoseconds. `number` is its place in the experiment, from 0.

    It happened between `from_ns` and `done_ns`, and was over at `after_ns`. `cuts` is how many connections it broke, if
    that is known. A part is told to restart at `from_ns`. That is done, and over, when it has ended, which may take it
    seconds.
    """

    number: int
    from_ns: int
    done_ns: int
    after_ns: int
    cuts: int | None = None

    def by(self, ahead_ns: int) -> "FaultTime":
        """Return the same by a clock that is ahead of the one by which it was noted."""
        from_ns, done_ns, after_ns = (at_ns + ahead_ns for at_ns in (self.from_ns, self.done_ns, self.after_ns))
        return FaultTime(self.number, from_ns, done_ns, after_ns, self.cuts)


class RecoveryBounds(msgspec.Struct, frozen=True):
    """How long recovering should take, given when updates were made: the least, the mean, and the most.

    None where it depends on something that is not known, such as how long a producer takes to start. A `fit` has taken
    from the same trial how long the part was down: from the first client that was back.
    """

    least: float
    mean: float | None = None
    most: float | None = None
    kind: Literal["prediction", "fit"] = "prediction"


class FaultOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault did to the clients. `at_seconds` counts from the beginning of the window to when it happened.

    `recover_seconds` is how long each client was without an update made after the fault was over. Its p99 and max are
    None if too few of the `clients` ever got one. What was lost, came again or came late is counted by the making of
    the update: from the age bound before this fault to the same before the next one. `availability` is the part of the
    clients' time from this fault to the next one, or the end of the window, in which their age was within the bound.
    """

    number: int
    kind: FaultKind
    on: FaultPlace
    at_seconds: float
    lasts_seconds: float = 0.0
    jitter_seconds: float = 0.0
    cuts: int | None = None
    clients: int
    recover_seconds: Times
    expected_seconds: RecoveryBounds | None = None
    availability: float | None = None
    lost: int | None = None
    duplicated: int
    late: int


class BeforeFaults(msgspec.Struct, frozen=True):
    """What was lost, came again or came late of updates that no fault could touch."""

    lost: int | None
    duplicated: int
    late: int


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the clients' time in the window in which their age was at most `age_seconds`.

    `late` counts the deliveries that took longer than that, of updates made in the window. `before` are the updates
    made before the first fault could touch them: what was lost, came again or came late there.
    """

    age_seconds: float
    fraction: float | None
    late: int
    before: BeforeFaults
