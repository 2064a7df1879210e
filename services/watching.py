"""What a service watches while it works: its event loop, its file descriptors, its parent."""

import asyncio
import errno
import os
import resource

from services.troubles import Troubles
from wirerace.observe.metrics import ServiceMetrics

LAG_EVERY_SECONDS = 0.25
PARENT_EVERY_SECONDS = 1.0
SPARE_DESCRIPTORS = 4
"""Reserved for the feed, for reading /proc and the like. With fewer left, the next client may be turned away."""


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
