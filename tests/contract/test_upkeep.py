"""Upkeep: a server counts the CPU time of looks, heartbeats and pings, and of nothing else."""

import pytest

from tests.contract.clients import STREAM_TRANSPORTS, WEBSOCKET_TRANSPORTS
from tests.contract.feeds import Follow, Start
from tests.contract.stage import Running, Stage, until

UPKEEP = "upkeep_cpu_seconds_total"
SENT_OFTEN = [
    *((transport, {"heartbeat_seconds": 0.02}) for transport in STREAM_TRANSPORTS),
    *((transport, {"ping_interval_seconds": 0.02}) for transport in WEBSOCKET_TRANSPORTS),
]


@pytest.fixture
def no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 3600.0)


async def until_upkeep(server: Running) -> None:
    before = await server.metric(UPKEEP)

    async def has_grown() -> bool:
        return await server.metric(UPKEEP) > before

    await until(has_grown, f"{UPKEEP} has grown from {before:g}")


async def test_looks_at_connections_are_upkeep(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.watching.LOOK_SECONDS", 0.001)
    await stage.serve()
    await stage.subscribe()
    await until_upkeep(stage.server)


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize(("transport", "options"), SENT_OFTEN)
async def test_heartbeats_and_pings_are_upkeep(stage: Stage, options: dict[str, float]) -> None:
    await stage.serve(**options)
    await stage.subscribe()
    await until_upkeep(stage.server)


@pytest.mark.usefixtures("no_looks")
async def test_nothing_else_is_upkeep(stage: Stage) -> None:
    await stage.serve()
    client = await stage.subscribe()
    await stage.make_and_see(3)
    await client.receive(3)

    assert 0 == await stage.server.metric(UPKEEP)
    assert await stage.server.metric("cpu_seconds_total") > 0


@pytest.mark.usefixtures("no_looks", "quick_heartbeats")
async def test_heartbeats_of_a_producer_are_upkeep(start: Start, follow: Follow) -> None:
    producer = await start()
    await follow(producer)
    await until_upkeep(producer)
