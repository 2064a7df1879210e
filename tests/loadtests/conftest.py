"""Fixtures of the load side's tests."""

from collections.abc import Iterator

import pytest

from loadtests.user import SubscriberUser
from tests.loadtests.script import Answer, Script, Serve
from tests.loadtests.swarm import ALWAYS, Start, Swarm
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
