"""One suite for all transports: a test that takes `stage` runs on each of them."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.feeds import Follow, Start, followers, producers
from tests.contract.stage import Stage
from wirerace.transports import TRANSPORTS


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make producers that start from now on send a heartbeat every 50 ms."""
    monkeypatch.setattr("services.producer.HEARTBEAT_SECONDS", 0.05)


@pytest.fixture
async def stage(transport: str) -> AsyncIterator[Stage]:
    """A producer and the link to it; no server yet."""
    stage = Stage(transport)
    await stage.start()
    yield stage
    await stage.close()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that starts a producer."""
    async with producers() as start:
        yield start


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    """Return a function that follows a producer's feed."""
    async with followers() as follow:
        yield follow
