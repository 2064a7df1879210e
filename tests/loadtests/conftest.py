"""Fixtures of the load side's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from loadtests.user import SubscriberUser
from tests.loadtests.http2_server import Exchange, Http2Server, StartHttp2
from tests.loadtests.script import Answer, Script, Serve
from tests.loadtests.swarm import ALWAYS, PATIENCE_SECONDS, Start, Swarm
from wirerace.observe.account import Window


@pytest.fixture
def serve() -> Iterator[Serve]:
    scripts: list[Script] = []

    def start(*answers: Answer, piece_bytes: int = 0, host: str = "127.0.0.1") -> Script:
        scripts.append(Script(*answers, piece_bytes=piece_bytes, host=host))
        return scripts[-1]

    yield start
    for script in scripts:
        script.stop()


@pytest.fixture
def start() -> Iterator[Start]:
    swarms: list[Swarm] = []

    def start(user: type[SubscriberUser], script: Script, *flags: str, window: Window = ALWAYS) -> Swarm:
        swarms.append(Swarm(user, script.address, *flags, window=window))
        return swarms[-1]

    yield start
    for swarm in swarms:
        swarm.close()


@pytest.fixture
def in_time() -> Iterator[None]:
    """Fail, and do not hang."""
    with gevent.Timeout(PATIENCE_SECONDS):
        yield


@pytest.fixture
def http2() -> Iterator[StartHttp2]:
    servers: list[Http2Server] = []

    def start(answer: Callable[[Exchange], None], **given: Any) -> Http2Server:
        servers.append(Http2Server(answer, **given))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
