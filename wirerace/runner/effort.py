"""Effort: what server, reverse proxy and load spend while clients come, to say which is at its limit if they do not."""

import time
from typing import NamedTuple

from wirerace.analysis.capacity.found import MOST_CPUS, cpus_of
from wirerace.analysis.capacity.mark import SPENT
from wirerace.experiment.capacity import Servers
from wirerace.runner.targets.target import Child, LoadChild


class AtLimit(NamedTuple):
    """The part that was at its limit, and a clause that says so; both are empty if none was."""

    part: str = ""
    said: str = ""


NOTHING = AtLimit()


class Effort:
    """The CPU time of server, reverse proxy and load from now on."""

    def __init__(self, server: Child, load: LoadChild, servers: Servers) -> None:
        self._server, self._load = server, load
        self._cpus = cpus_of(servers)
        reverse = load.reverse
        self._proxy_cpus = MOST_CPUS if reverse is None or reverse.cpus is None else reverse.cpus
        self._began = (time.monotonic(), *self._cpu_seconds())

    def spent(self) -> AtLimit:
        """Return which part was at its limit since then: the server, its proxy, or the load's busiest process."""
        began, server_before, proxy_before, load_before = self._began
        server, proxy, load = self._cpu_seconds()
        seconds = time.monotonic() - began
        busiest = max(map(_difference, load, load_before), default=0.0)
        for part, spent, cpus in (
            ("server", _difference(server, server_before), self._cpus),
            ("reverse proxy", _difference(proxy, proxy_before), self._proxy_cpus),
            ("load", busiest, 1.0),
        ):
            share = spent / seconds / cpus
            if share > SPENT:
                return AtLimit(part, f"; the {part} was busy {100 * share:.0f} % of the time that it may use")
        return NOTHING

    def _cpu_seconds(self) -> tuple[float | None, float | None, list[float | None]]:
        """Return the CPU time of the server, of a reverse proxy, and of each process of the load."""
        reverse = self._load.reverse
        proxy = None if reverse is None else reverse.part.cpu_seconds()
        return self._server.part.cpu_seconds(), proxy, [part.cpu_seconds() for part in self._load.crew.members]


def _difference(after: float | None, before: float | None) -> float:
    """Return what was spent in between, 0 if it is not known."""
    return 0.0 if after is None or before is None else after - before
