"""Keeping the producer's time on another host: its clock is probed before, during and after the window."""

import logging
import platform
from collections.abc import Mapping

import gevent
import msgspec

from loadtests import wall
from loadtests.following import FollowingClock
from loadtests.probing import Answering, Prober
from wirerace.observe.account import NO_WINDOW, Window
from wirerace.observe.clock_line import fit
from wirerace.observe.clocks import HostClock, Meeting

EVERY_SECONDS, FIRST_SECONDS = 1.0, 0.2
"""Between rounds of probes: from the time on when a window is set, and before."""

logger = logging.getLogger("wirerace")


class HostPlace(msgspec.Struct, frozen=True):
    """Where a load process is: its host's name, the address that the producer's host sees, and where it answers."""

    host: str
    address: str
    port: int


class ClockKeeper:
    """Keeps this process's clock at the producer's time, from now on.

    It answers probes of other load hosts, too, and probes those that the master names. A clock that does not answer
    is named in the log once, and asked again every second.
    """

    def __init__(self, place: str) -> None:
        """Probe the clock at a place such as `10.0.0.1:5558`, and set this process's clock by it.

        Raises OSError when the place cannot be found.
        """
        host, _, port = place.rpartition(":")
        self._clocks = wall.host_clocks()
        self._clock = FollowingClock(self._clocks.now_ns)
        self._prober = Prober((host.strip("[]"), int(port)), self._clocks)
        self._answering = Answering(self._prober.own_host, self._clocks)
        self._meetings: dict[HostPlace, Prober] = {}
        self._found: HostClock | None = None
        self.place = HostPlace(platform.node(), self._prober.own_host, self._answering.port)
        wall.follow(self._clock, self._clocks)
        self._prober.burst()
        self._clock.take(self._prober.found)
        if not self._prober.found.answered:
            logger.warning(
                "The clock of %s does not answer over UDP: this host's clock is not corrected, and no latency can be "
                "trusted. Let UDP through to that port",
                place,
            )
        self._greenlet = gevent.spawn(self._keep)

    def settle(self) -> None:
        """Let the clock be continuous from now on: a window is set."""
        self._clock.is_steady = True

    def meet(self, others: list[HostPlace]) -> None:
        """Compare this host's clock with those of other load hosts, too, from now on."""
        for other in others:
            if other not in self._meetings:
                prober = self._meetings[other] = Prober((other.address, other.port), self._clocks)
                gevent.spawn(prober.burst)

    def finish(self, window: Window) -> HostClock:
        """Probe once more, and return how the clock was corrected in the window."""
        if self._found is None:
            self._greenlet.kill()
            probers = [self._prober, *self._meetings.values()]
            gevent.joinall([gevent.spawn(prober.burst) for prober in probers])
            self._found = self._compared(window)
            self._answering.close()
            for prober in probers:
                prober.close()
        return self._found

    def _keep(self) -> None:
        while True:
            gevent.sleep(EVERY_SECONDS if self._clock.is_steady else FIRST_SECONDS)
            gevent.joinall([gevent.spawn(one.probe) for one in (self._prober, *self._meetings.values())])
            self._clock.take(self._prober.found)

    def _compared(self, window: Window) -> HostClock:
        probes = self._prober.found
        least = min((probe.round_trip_ns for probe in probes.kept), default=None)
        clock = HostClock(
            host=self.place.host,
            address=self.place.address,
            port=self.place.port,
            probes=probes.sent,
            answers=probes.answered,
            least_round_trip_ns=least,
        )
        if window == NO_WINDOW:
            return clock
        from_ns, to_ns = self._clock.host_time(window.from_ns), self._clock.host_time(window.to_ns)
        meetings = [self._met(other, prober, from_ns, to_ns) for other, prober in self._meetings.items()]
        found = self._clock.correction(probes, from_ns, to_ns)
        if found is None:
            return msgspec.structs.replace(clock, meetings=meetings)
        return msgspec.structs.replace(
            clock, corrected_ns=found.ahead_ns, drift=found.drift, error_ns=found.error_ns, meetings=meetings
        )

    @staticmethod
    def _met(other: HostPlace, prober: Prober, from_ns: int, to_ns: int) -> Meeting:
        found = fit(prober.found.between(from_ns, to_ns))
        if found is None or not prober.found.surround(from_ns, to_ns):
            return Meeting(other.host, other.address, other.port)
        ahead_ns = round(found.line.ahead((from_ns + to_ns) // 2))
        return Meeting(other.host, other.address, other.port, ahead_ns, -int(-found.error_ns // 1))


def keep_clock(place: str) -> ClockKeeper | None:
    """Return what keeps this process's clock at that of another host; None if the host's own is the producer's.

    A place that cannot be found is named in the log; then the trial has no record of this clock, and is invalid.
    """
    wall.follow_none()
    if not place:
        return None
    try:
        return ClockKeeper(place)
    except OSError as error:
        logger.warning("The clock of %s cannot be asked: %s", place, error.strerror or error)
        return None


def meetings_of(places: Mapping[str, list[HostPlace]]) -> list[tuple[str, HostPlace]]:
    """Return which workers are to meet which load hosts, from where each worker answers.

    The first worker of each host meets the next host, and the last one meets the first: with the producer's host, every
    two neighbours make a triangle.
    """
    first: dict[tuple[str, str], tuple[str, HostPlace]] = {}
    for worker, of_worker in sorted(places.items()):
        for place in of_worker:
            first.setdefault((place.host, place.address), (worker, place))
    hosts = list(first.values())
    following = hosts[1:] + (hosts[:1] if len(hosts) > 2 else [])
    return [(worker, other) for (worker, _), (_, other) in zip(hosts, following, strict=False)]
