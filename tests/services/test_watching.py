"""A look at all clients goes in portions, so that updates are delivered in between."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.watching import AT_ONCE, watch_connections
from wirerace.observe.metrics import ServiceMetrics

CLIENTS = 5 * AT_ONCE + 1


class Client:
    """A client for whom bytes wait."""

    def __init__(self, looks: list[str], waiting_bytes: int) -> None:
        self._looks = looks
        self._waiting_bytes = waiting_bytes

    def look(self, now: float) -> int:
        assert now
        self._looks.append("look")
        return self._waiting_bytes


async def test_look_at_10_000_clients_lets_updates_pass_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.0)
    looks: list[str] = []
    clients = [Client(looks, waiting_bytes=2) for _ in range(CLIENTS)]
    metrics = ServiceMetrics(CollectorRegistry())
    watching = asyncio.ensure_future(watch_connections(lambda: clients, metrics))
    while not metrics.waiting_bytes:
        looks.append("other")
        await asyncio.sleep(0)
    watching.cancel()

    portions = "".join("." if one == "look" else " " for one in looks).split()
    assert 6 <= len(portions)
    assert max(map(len, portions)) <= AT_ONCE
    assert 2 * CLIENTS == metrics.waiting_bytes
