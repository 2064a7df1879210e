"""Fan-out: one socket that fails costs no other subscriber anything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, cast

import pytest
from prometheus_client import CollectorRegistry

from services.fanout import Drain, Fanout, Subscriber
from services.recent import Bounds, Kept, Recent
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor


class Socket:
    """A transport as the fan-out uses it; it may fail at every write."""

    def __init__(self, *, fails: bool = False, unread: int = 0) -> None:
        self.written: list[bytes] = []
        self.unread = unread
        self.fills_at = 0  # with this many writes something stays unread
        self.aborted = False
        self._fails = fails

    def write(self, encoded: bytes) -> None:
        if self._fails:
            raise RuntimeError("the handle is closed")
        self.written.append(encoded)
        if len(self.written) == self.fills_at:
            self.unread = 1

    def write_eof(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unread

    def set_write_buffer_limits(self, high: int) -> None:
        assert 0 == high


async def drain() -> None:
    pass


@pytest.fixture
async def sockets() -> list[Socket]:
    return [Socket(), Socket(fails=True), Socket()]


@pytest.fixture
def metrics() -> ServiceMetrics:
    return ServiceMetrics(CollectorRegistry())


@pytest.fixture
async def fanout(sockets: list[Socket], metrics: ServiceMetrics) -> Fanout:
    fanout = Fanout(metrics, 1000, b"bye")
    for socket in sockets:
        subscriber = Subscriber(cast("asyncio.Transport", socket), metrics)
        fanout.welcome(subscriber)
        await fanout.subscribe(subscriber, Recent(Bounds(1, 1)), 0, drain)
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


async def test_updates_that_come_together_are_one_write_to_each_socket(
    fanout: Fanout, sockets: list[Socket], metrics: ServiceMetrics
) -> None:
    fanout.deliver([Kept(1, b"one", 1), Kept(2, b"two", 2)])
    fanout.deliver([Kept(3, b"three", 3)])
    assert [[b"onetwo", b"three"], [], [b"onetwo", b"three"]] == [socket.written for socket in sockets]
    assert (6, 12, 22) == (metrics.deliveries, metrics.payload_bytes, metrics.sent_bytes)


async def test_slow_reader_is_cut_off_before_updates_that_come_together(
    fanout: Fanout, sockets: list[Socket], metrics: ServiceMetrics
) -> None:
    sockets[0].unread = 1001
    fanout.deliver([Kept(1, b"one", 1), Kept(2, b"two", 2)])
    assert [[b"bye"], [b"onetwo"]] == [sockets[0].written, sockets[2].written]
    assert (1, 2) == (metrics.slow_readers, metrics.deliveries)


class Latest(NamedTuple):
    """A subscriber to the latest update; what it gets lies in its socket."""

    recent: Recent
    fanout: Fanout
    socket: Socket
    subscriber: Subscriber
    metrics: ServiceMetrics
    following: asyncio.Task[None]


@pytest.fixture
async def latest() -> AsyncIterator[Callable[..., Awaitable[Latest]]]:
    """Subscribe somebody to the latest update of one that is kept; `drain` is how its socket is read."""
    tasks: list[asyncio.Task[None]] = []

    async def subscribe(drain: Drain, unread: int = 0) -> Latest:
        metrics, socket, recent = ServiceMetrics(CollectorRegistry()), Socket(unread=unread), Recent(Bounds(9, 999))
        recent.append(Cursor("e", 1), b"one", 1)
        fanout = Fanout(metrics, 1000, b"bye")
        subscriber = Subscriber(cast("asyncio.Transport", socket), metrics)
        fanout.welcome(subscriber)
        tasks.append(asyncio.ensure_future(fanout.subscribe_to_latest(subscriber, recent, 0, drain)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return Latest(recent, fanout, socket, subscriber, metrics, tasks[-1])

    yield subscribe
    for task in tasks:
        task.cancel()


@pytest.mark.long
async def test_reader_of_the_latest_that_reads_anything_in_time_stays(
    latest: Callable[..., Awaitable[Latest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 0.3)
    sizes = [60, 20, 0]
    readers: list[Latest] = []

    subscribed, drained = asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        await subscribed.wait()
        readers[0].socket.unread = sizes.pop(0)
        if sizes:
            await asyncio.sleep(60)
        drained.set()

    readers.append(await latest(drain, 100))
    subscribed.set()
    await asyncio.wait_for(drained.wait(), 30)

    assert (0, True) == (readers[0].metrics.slow_readers, readers[0].subscriber.open)


async def test_reader_of_the_latest_that_falls_behind_among_updates_that_come_together_gets_the_newest(
    latest: Callable[..., Awaitable[Latest]],
) -> None:
    """It has read the first of four when the second does not fit: the second and the third are superseded."""
    reader = await latest(drain)
    reader.socket.fills_at = 2
    reader.fanout.deliver([reader.recent.append(Cursor("e", seq), b"%d" % seq, 1) for seq in (2, 3, 4, 5)])
    assert [b"one", b"2"] == reader.socket.written
    reader.socket.unread = 0
    for _ in range(3):
        await asyncio.sleep(0)
    assert [b"one", b"2", b"5"] == reader.socket.written
    assert (3, 2) == (reader.metrics.deliveries, reader.metrics.superseded)


async def test_reader_of_the_latest_that_reads_nothing_is_cut_off(
    latest: Callable[..., Awaitable[Latest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fanout.CATCH_UP_SECONDS", 0.01)
    reader = await latest(lambda: asyncio.sleep(60), 100)
    await asyncio.wait_for(reader.following, 10)

    assert (1, False) == (reader.metrics.slow_readers, reader.subscriber.open)
    assert [b"one", b"bye"] == reader.socket.written


async def test_ping_that_is_not_written_is_not_waited_for(latest: Callable[..., Awaitable[Latest]]) -> None:
    reader = await latest(drain)
    reader.socket.unread = 5
    for _ in range(5):
        reader.fanout.ping(b"ping", b"bye")

    assert (0, 0) == (reader.subscriber.unanswered_pings, reader.metrics.ping_timeouts)
    assert 0 == reader.metrics.heartbeat_bytes
    reader.socket.unread = 0
    reader.fanout.ping(b"ping", b"bye")
    assert (1, 4) == (reader.subscriber.unanswered_pings, reader.metrics.heartbeat_bytes)
    assert [b"one", b"ping"] == reader.socket.written


async def test_lost_reader_of_the_latest_gets_no_heartbeat(latest: Callable[..., Awaitable[Latest]]) -> None:
    reader = await latest(drain)
    reader.socket.aborted = True
    reader.fanout.send_heartbeat(b":")

    assert 0 == reader.metrics.heartbeat_bytes
