"""Fan-out: one socket that fails costs no other subscriber anything."""

import asyncio
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from services.fanout import Fanout, Subscriber
from services.recent import Recent
from wirerace.observe.metrics import ServiceMetrics


class Socket:
    """A transport as the fan-out uses it; it may fail at every write."""

    def __init__(self, *, fails: bool = False) -> None:
        self.written: list[bytes] = []
        self.aborted = False
        self._fails = fails

    def write(self, encoded: bytes) -> None:
        if self._fails:
            raise RuntimeError("the handle is closed")
        self.written.append(encoded)

    def write_eof(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return 0


async def drain() -> None:
    pass


@pytest.fixture
async def sockets() -> list[Socket]:
    return [Socket(), Socket(fails=True), Socket()]


@pytest.fixture
async def fanout(sockets: list[Socket]) -> Fanout:
    metrics = ServiceMetrics(CollectorRegistry())
    fanout = Fanout(metrics, 1000, b"bye")
    for socket in sockets:
        subscriber = Subscriber(cast("asyncio.Transport", socket), metrics)
        fanout.welcome(subscriber)
        await fanout.subscribe(subscriber, Recent(1, 1), 0, drain)
    return fanout


async def test_socket_that_fails_is_given_up_and_the_others_get_everything(
    fanout: Fanout, sockets: list[Socket], caplog: pytest.LogCaptureFixture
) -> None:
    assert [2, 2] == [fanout.send(b"one"), fanout.send(b"two")]
    assert [[b"one", b"two"], [], [b"one", b"two"]] == [socket.written for socket in sockets]
    assert [False, True, False] == [socket.aborted for socket in sockets]
    assert 1 == len(caplog.records)


async def test_socket_that_fails_at_the_end_keeps_no_other_from_its_farewell(
    fanout: Fanout, sockets: list[Socket]
) -> None:
    fanout.end(b"bye")
    assert [[b"bye"], [], [b"bye"]] == [socket.written for socket in sockets]
    assert sockets[1].aborted
