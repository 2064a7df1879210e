"""A clock that follows another host's: corrected while it is read, and compared afterwards with all that was probed."""

from bisect import bisect_right
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, Clock
from wirerace.observe.clock_line import ClockLine, Probes, fit, pieces

FIT_NS = 30 * NS_PER_SECOND
"""The correction follows the line through the probes of this time."""
SLEW_NS = NS_PER_SECOND
"""In this time the correction comes to the line, so that the clock never jumps."""
STEP_NS = 1_000_000
"""By more than this it steps in any case: a clock was set, or did not answer for long."""


class Stretch(NamedTuple):
    """What is added to our host's clock from an instant on, and by how much that grows in each nanosecond."""

    since_ns: int
    ahead_ns: int
    slope: float

    def ahead(self, host_ns: int) -> float:
        """Return what is added at an instant."""
        return self.ahead_ns + (host_ns - self.since_ns) * self.slope


class Correction(NamedTuple):
    """How a clock was corrected over a time: what was added in its middle, the drift, and the largest error."""

    ahead_ns: int
    drift: float
    error_ns: int


class FollowingClock:
    """Our host's clock, corrected to another host's by lines through probes.

    It steps to each line at first. When it `is_steady` it is continuous, unless it is found to be wrong by `STEP_NS`.
    """

    is_steady = False

    def __init__(self, host: Clock) -> None:
        self._host = host
        self._now = Stretch(host(), 0, 0.0)
        self._stretches = [self._now]

    def now_ns(self) -> int:
        """Return the time by the other host's clock."""
        return self.of(self._host())

    def of(self, host_ns: int) -> int:
        """Return what the other host's clock said at an instant of ours, which was just now."""
        since_ns, ahead_ns, slope = self._now
        return host_ns + ahead_ns + int((host_ns - since_ns) * slope)

    def take(self, probes: Probes) -> None:
        """Follow the line through the latest probes from now on."""
        found = fit(probes.latest(FIT_NS))
        if found is not None:
            self.follow(found.line)

    def follow(self, line: ClockLine) -> None:
        """Follow a line from now on."""
        at_ns = self._host()
        ahead_ns = self._now.ahead(at_ns)
        off_ns = line.ahead(at_ns) - ahead_ns
        if not self.is_steady or abs(off_ns) > STEP_NS:
            self._now = Stretch(at_ns, round(line.ahead(at_ns)), line.drift)
        else:
            self._now = Stretch(at_ns, round(ahead_ns), line.drift + off_ns / SLEW_NS)
        self._stretches.append(self._now)

    def host_time(self, other_ns: int) -> int:
        """Return what our host's clock said when the other one said something."""
        at_ns = other_ns - self._now.ahead_ns
        return other_ns - round(self._stretch_at(at_ns).ahead(at_ns))

    def correction(self, probes: Probes, from_ns: int, to_ns: int) -> Correction | None:
        """Return how the clock was corrected between two instants of ours; None without probes before and after.

        The error is that of the worst piece: how wrong the line through its probes may be, and how far what was added
        was from that line.
        """
        whole = fit(probes.between(from_ns, to_ns))
        if whole is None or not probes.surround(from_ns, to_ns):
            return None
        middle_ns, error_ns = (from_ns + to_ns) // 2, 0.0
        for piece_from_ns, piece_to_ns in pieces(from_ns, to_ns):
            found = fit(probes.between(piece_from_ns, piece_to_ns))
            if found is None:
                return None
            edges = self._edges(piece_from_ns, piece_to_ns)
            off_ns = max(abs(found.line.ahead(at_ns) - ahead_ns) for at_ns, ahead_ns in edges)
            error_ns = max(error_ns, found.error_ns + off_ns)
        added_ns = round(self._stretch_at(middle_ns).ahead(middle_ns))
        return Correction(added_ns, whole.line.drift, -int(-error_ns // 1))

    def _stretch_at(self, host_ns: int) -> Stretch:
        index = bisect_right(self._stretches, host_ns, key=_since)
        return self._stretches[max(0, index - 1)]

    def _edges(self, from_ns: int, to_ns: int) -> list[tuple[int, float]]:
        """Return what was added where it changed its slope, and at both ends: it is straight in between."""
        first, last = self._stretch_at(from_ns), self._stretch_at(to_ns)
        begin, end = (bisect_right(self._stretches, at_ns, key=_since) for at_ns in (from_ns, to_ns))
        inside = self._stretches[begin:end]
        before = [first, *inside]
        edges = [(from_ns, first.ahead(from_ns)), (to_ns, last.ahead(to_ns))]
        edges += [(one.since_ns, float(one.ahead_ns)) for one in inside]
        return edges + [(one.since_ns, had.ahead(one.since_ns)) for had, one in zip(before, inside, strict=False)]


def _since(stretch: Stretch) -> int:
    return stretch.since_ns
