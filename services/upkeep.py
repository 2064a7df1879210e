"""Upkeep: what a service does for its connections besides delivering. Its CPU time is counted."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wirerace.observe.metrics import ServiceMetrics

CpuClock = Callable[[], float]
"""Returns the CPU time of this thread so far, in seconds."""


@contextmanager
def counted_as_upkeep(metrics: ServiceMetrics, cpu_seconds: CpuClock = time.thread_time) -> Iterator[None]:
    """Count the CPU time of a block, in which nothing may be awaited."""
    began = cpu_seconds()
    yield
    metrics.upkeep_cpu_seconds += cpu_seconds() - began


async def send_as_upkeep(
    send: Callable[[], None], metrics: ServiceMetrics, cpu_seconds: CpuClock = time.thread_time
) -> None:
    """Send what only keeps connections open, and count its CPU time.

    The event loop writes to the sockets at the end of its turn, so the time counts up to the next one. If updates are
    delivered in that turn, only the time before the writing counts: too little, but never the sends of an update.
    """
    began, deliveries = cpu_seconds(), metrics.deliveries
    send()
    spent_seconds = cpu_seconds() - began
    await asyncio.sleep(0)
    if metrics.deliveries == deliveries:
        spent_seconds = cpu_seconds() - began
    metrics.upkeep_cpu_seconds += spent_seconds
