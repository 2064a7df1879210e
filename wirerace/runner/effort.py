"""Effort: what server and load spend while clients come, to say which of them is at its limit if they do not."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from wirerace.analysis.capacity.found import MOST_CPUS
from wirerace.analysis.capacity.mark import SPENT
from wirerace.runner.targets.target import Child, LoadChild


class AtLimit(NamedTuple):
    """The part that was at its limit, and a clause that says so; both are empty if none was."""

    part: str = ""
    said: str = ""


NOTHING = AtLimit()


class Effort:
    """The CPU time of server and load from now on. `cpus` is the server's quota in cores, None without one."""

    def __init__(self, server: Child, load: LoadChild, cpus: float | None) -> None:
        self._server, self._load = server, load
        self._cpus = min(cpus or MOST_CPUS, MOST_CPUS)
        self._began = (time.monotonic(), *self._cpu_seconds())

    def spent(self) -> AtLimit:
        """Return which part was at its limit since then: the server, or the busiest process of the load."""
        began, server_before, load_before = self._began
        server, load = self._cpu_seconds()
        seconds = time.monotonic() - began
        for part, after, before, cpus in (
            ("server", server, server_before, self._cpus),
            ("load", load, load_before, 1.0),
        ):
            if after is None or before is None:
                continue
            share = (after - before) / seconds / cpus
            if share > SPENT:
                return AtLimit(part, f"; the {part} was busy {100 * share:.0f} % of the time that it may use")
        return NOTHING

    def _cpu_seconds(self) -> tuple[float | None, float | None]:
        """Return the CPU time of the server, and that of the busiest process of the load."""
        return self._server.part.cpu_seconds(), _most(part.cpu_seconds() for part in self._load.crew.members)


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
