"""Upkeep: the CPU time of what a server does for its connections besides delivering. The clock is the test's own."""

import asyncio
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from services.upkeep import counted_as_upkeep, send_as_upkeep
from services.watching import AT_ONCE, watch_connections
from wirerace.observe.metrics import ServiceMetrics


class Cpu:
    """A thread's CPU clock: it moves when something works."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def work(self, seconds: float) -> None:
        self.seconds += seconds


class Client:
    """A client that takes 2 s to look at."""

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu

    def look(self, now: float) -> int:
        assert now
        self._cpu.work(2.0)
        return 1


@pytest.fixture
def metrics() -> ServiceMetrics:
    return ServiceMetrics(CollectorRegistry())


@pytest.fixture
def cpu() -> Cpu:
    return Cpu()


def test_what_a_block_takes_is_upkeep(metrics: ServiceMetrics, cpu: Cpu) -> None:
    cpu.work(7.0)
    with counted_as_upkeep(metrics, cpu):
        cpu.work(0.25)
    cpu.work(7.0)
    with counted_as_upkeep(metrics, cpu):
        cpu.work(0.5)

    assert 0.75 == metrics.upkeep_cpu_seconds


async def test_look_at_connections_is_upkeep_and_what_comes_between_its_portions_is_not(
    metrics: ServiceMetrics, cpu: Cpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.0)
    clients = [Client(cpu) for _ in range(2 * AT_ONCE + 1)]
    looked = asyncio.Event()

    def connections() -> Iterable[Client]:
        cpu.work(1.0)
        if metrics.waiting_bytes:
            looked.set()
            return []
        return clients

    watching = asyncio.ensure_future(watch_connections(connections, metrics, cpu))
    while not looked.is_set():
        cpu.work(10.0)
        await asyncio.sleep(0)
    watching.cancel()

    assert 1.0 + 2.0 * len(clients) <= metrics.upkeep_cpu_seconds <= 3.0 + 2.0 * len(clients)


async def test_heartbeats_are_upkeep_up_to_the_end_of_the_turn_in_which_they_are_written(
    metrics: ServiceMetrics, cpu: Cpu
) -> None:
    """The event loop writes to the sockets when everything in its turn has run."""

    def send() -> None:
        cpu.work(0.5)
        asyncio.get_running_loop().call_soon(cpu.work, 4.0)

    await send_as_upkeep(send, metrics, cpu)

    assert 4.5 == metrics.upkeep_cpu_seconds


async def test_updates_that_are_delivered_in_the_turn_of_a_heartbeat_are_no_upkeep(
    metrics: ServiceMetrics, cpu: Cpu
) -> None:
    def deliver() -> None:
        metrics.deliveries += 1
        cpu.work(4.0)

    def send() -> None:
        cpu.work(0.5)
        asyncio.get_running_loop().call_soon(deliver)

    await send_as_upkeep(send, metrics, cpu)

    assert 0.5 == metrics.upkeep_cpu_seconds
