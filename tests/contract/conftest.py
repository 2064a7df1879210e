"""One suite for all transports: a test that takes `stage` runs on each of them, and on both ways of serving.

Some run over TLS, too.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from secrets import token_hex
from typing import NamedTuple

import pytest

from tests.contract.brokers import BrokerProcess
from tests.contract.feeds import Follow, Start, followers, producers
from tests.contract.secured import OVER_TLS, secured
from tests.contract.stage import Secured, Stage
from wirerace.transports import TRANSPORTS

WAYS = (pytest.param("fast", id=pytest.HIDDEN_PARAM), pytest.param("plain", marks=pytest.mark.twice))
"""How a server whose clients ask may serve. Other servers know one way."""
TLS_WAYS = ("fast-tls", "plain-tls")
OVER_NATS = ("test_channels", "test_delivery", "test_epochs", "test_fan_out", "test_fan_out_faults", "test_resume")
"""The modules with what a server promises about its feed: they run on each kind of feed."""
HTTP_ONLY = {"test_followers_that_vanish_while_updates_are_made_harm_no_other"}
"""The tests of the feed that speak HTTP themselves."""
NATS_FEED = pytest.param("nats", marks=(pytest.mark.processes, pytest.mark.long))
NATS_WAY = pytest.param("fast-nats", marks=(pytest.mark.processes, pytest.mark.long))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test that takes `stage` run on each way, or on those that its module names."""
    if "serving" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        ways = [*getattr(metafunc.module, "WAYS", WAYS)]
        ways += TLS_WAYS if f"{module}.{metafunc.function.__name__}" in OVER_TLS else ()
        ways += [NATS_WAY] if module in OVER_NATS else []
        metafunc.parametrize("serving", ways)
    if metafunc.module.__name__.endswith(".test_feed") and "follow" in metafunc.fixturenames:
        kinds = [pytest.param("http", id=pytest.HIDDEN_PARAM)]
        kinds += [] if metafunc.function.__name__ in HTTP_ONLY else [NATS_FEED]
        metafunc.parametrize("feed_kind", kinds)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what a server does not know."""
    items[:] = [item for item in items if not is_twofold(item)]


def is_twofold(item: pytest.Item) -> bool:
    """Return whether it would be the same test again."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    transport = str(params.get("transport"))
    asks = transport in TRANSPORTS and TRANSPORTS[transport].asks
    return params.get("serving") in {"plain", "plain-tls"} and not asks


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make producers that start from now on send a heartbeat every 50 ms."""
    monkeypatch.setattr("services.producer.HEARTBEAT_SECONDS", 0.05)


@pytest.fixture(scope="session")
def certificate() -> Iterator[Secured]:
    """A certificate for servers."""
    with secured() as made:
        yield made


_brokers: list[BrokerProcess] = []
"""The broker of all tests of this process that need one. Each of them has a name of its own there."""


class FeedAt(NamedTuple):
    """A broker, and a name there."""

    broker: BrokerProcess
    name: str


def followers_at(place: FeedAt) -> AbstractAsyncContextManager[Follow]:
    """Yield a function that follows a feed by way of a broker; the library is there only with one."""
    made: AbstractAsyncContextManager[Follow] = import_module("tests.contract.nats_feeds").nats_followers(*place)
    return made


async def _broker() -> BrokerProcess:
    if not _brokers:
        _brokers.append(await BrokerProcess.started())
    return _brokers[0]


@pytest.fixture(scope="session", autouse=True)
def brokers() -> Iterator[None]:
    """Stop the broker in the end."""
    yield
    while _brokers:
        _brokers.pop().close()


@pytest.fixture
async def stage(transport: str, serving: str, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A producer and the link to it; no server yet."""
    way, _, more = serving.partition("-")
    certificate = request.getfixturevalue("certificate") if more == "tls" else None
    stage = Stage(transport, way, certificate, await _broker() if more == "nats" else None)
    await stage.start()
    yield stage
    await stage.close()


@pytest.fixture
def feed_kind() -> str:
    """The kind of the feed, where a module does not run on each."""
    return "http"


@pytest.fixture
async def place(feed_kind: str) -> FeedAt | None:
    """The broker and the name there, None for the feed over HTTP."""
    return None if feed_kind == "http" else FeedAt(await _broker(), f"feed-{token_hex(4)}")


@pytest.fixture
async def start(place: FeedAt | None) -> AsyncIterator[Start]:
    """Return a function that starts a producer."""
    async with producers("" if place is None else place.broker.url(place.name)) as start:
        yield start


@pytest.fixture
async def follow(place: FeedAt | None) -> AsyncIterator[Follow]:
    """Return a function that follows a producer's feed."""
    async with followers() if place is None else followers_at(place) as follow:
        yield follow
