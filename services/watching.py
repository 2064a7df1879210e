"""What a service watches while it works: its event loop, its connections, its file descriptors, its parent."""

import asyncio
import errno
import os
import resource
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from services.troubles import Troubles
from services.upkeep import CpuClock, counted_as_upkeep
from wirerace.observe.metrics import ServiceMetrics

LAG_EVERY_SECONDS = 0.25
LOOK_SECONDS = 1.0
"""How often unfinished requests and unread answers are looked for."""
AT_ONCE = 500
"""The connections of one portion of a look. A look at 10,000 takes 5 ms, in which nobody would get an update."""
PARENT_EVERY_SECONDS = 1.0
SPARE_DESCRIPTORS = 4
"""Reserved for the feed, for reading /proc and the like. With fewer left, the next client may be turned away."""


class Looked(Protocol):
    """A client's connection."""

    def look(self, now: float) -> int:
        """End the connection if something on it is late; return the bytes that wait for its client.

        It may have been lost since the look began.
        """


async def watch_connections(
    connections: Callable[[], Iterable[Looked]], metrics: ServiceMetrics, cpu_seconds: CpuClock = time.thread_time
) -> None:
    """Look for requests that are not whole in time, and for answers that are not read, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now, waiting_bytes = loop.time(), 0
        with counted_as_upkeep(metrics, cpu_seconds):
            there = list(connections())
        for first in range(0, len(there), AT_ONCE):
            with counted_as_upkeep(metrics, cpu_seconds):
                waiting_bytes += sum([connection.look(now) for connection in there[first : first + AT_ONCE]])
            await asyncio.sleep(0)
        metrics.waiting_bytes = waiting_bytes


async def watch_loop(metrics: ServiceMetrics, troubles: Troubles) -> None:
    """Measure how late the event loop is, and check for free file descriptors, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        metrics.event_loop_lag.observe(max(0.0, loop.time() - due))
        look_for_descriptors(troubles)


def look_for_descriptors(troubles: Troubles) -> None:
    """Note whether file descriptors are left: without one, clients are turned away, and nothing reports it.

    The kernel gives the lowest free descriptor, so at least as many as its number are in use.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
        os.close(lowest)
    except OSError as error:
        if error.errno not in {errno.EMFILE, errno.ENFILE}:
            return
        lowest = most
    if most == resource.RLIM_INFINITY or most - lowest > SPARE_DESCRIPTORS:
        troubles.end("descriptors", "there are file descriptors again")
    else:
        line = (
            f"at most {SPARE_DESCRIPTORS} of {most} file descriptors are left, clients are turned away; raise ulimit -n"
        )
        troubles.begin("descriptors", line)


async def outlive(parent_pid: int) -> None:
    """Return when the parent has ended, so that an experiment that was killed leaves no services behind."""
    while os.getppid() == parent_pid:  # noqa: ASYNC110 -- a process gets no event when its parent ends
        await asyncio.sleep(PARENT_EVERY_SECONDS)
