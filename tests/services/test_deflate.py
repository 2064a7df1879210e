"""A compressor for each client: one client that fails, leaves or catches up costs no other anything."""

import asyncio
import zlib
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from services.deflate import Converted, DeflateSettings, OwnFanout
from services.fanout import CATCH_UP_UPDATES, Subscriber
from services.recent import Bounds, Kept, Recent
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.deflate import EMPTY_BLOCK, Inflater, InflatingReader
from wirerace.wire.frames import Opcode, encode_frame, payload_of
from wirerace.wire.negotiation import Agreement
from wirerace.wire.update import Cursor

AGREEMENT = Agreement(12, server_takes_over=True, client_window_bits=12, client_takes_over=True)
FRAME = encode_frame(Opcode.TEXT, b"an update")
UPDATE = Kept(1, FRAME, 9)


class Socket:
    """A transport as the fan-out uses it; it may fail at every write."""

    def __init__(self, *, fails: bool = False) -> None:
        self.written: list[bytes] = []
        self.aborted = False
        self._fails = fails
        self._decompressor = zlib.decompressobj(-12)

    def write(self, encoded: bytes) -> None:
        if self._fails:
            raise RuntimeError("the handle is closed")
        self.written.append(encoded)

    def unpacked(self) -> list[bytes]:
        return [self._decompressor.decompress(payload_of(frame) + EMPTY_BLOCK) for frame in self.written]

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
def metrics() -> ServiceMetrics:
    return ServiceMetrics(CollectorRegistry())


@pytest.fixture
def fanout(metrics: ServiceMetrics) -> OwnFanout:
    return OwnFanout(metrics, DeflateSettings(12, 5, 1000, b"bye"))


async def joined(
    fanout: OwnFanout, metrics: ServiceMetrics, socket: Socket, recent: Recent | None = None
) -> Subscriber:
    subscriber = Subscriber(cast("asyncio.Transport", socket), metrics)
    fanout.welcome(subscriber)
    fanout.add(subscriber, AGREEMENT)
    await fanout.subscribe(subscriber, recent or Recent(Bounds(1, 1)), 0, drain)
    return subscriber


async def test_socket_that_fails_is_given_up_and_the_others_get_everything(
    fanout: OwnFanout, metrics: ServiceMetrics
) -> None:
    sockets = [Socket(), Socket(fails=True), Socket()]
    for socket in sockets:
        await joined(fanout, metrics, socket)
    for _ in range(3):
        fanout.deliver([UPDATE])
    assert sockets[1].aborted
    assert [[b"an update"] * 3] * 2 == [sockets[0].unpacked(), sockets[2].unpacked()]
    assert (6, 54) == (metrics.deliveries, metrics.payload_bytes)
    assert sum(len(frame) for socket in sockets for frame in socket.written) == metrics.sent_bytes


async def test_updates_that_come_together_are_compressed_one_by_one_and_sent_in_one_write(
    fanout: OwnFanout, metrics: ServiceMetrics
) -> None:
    socket = Socket()
    await joined(fanout, metrics, socket)
    fanout.deliver([UPDATE] * 3)
    (written,) = socket.written
    reader = InflatingReader(Inflater(12, 1000, takes_over=True), masked=False, max_message_bytes=1000)
    assert [b"an update"] * 3 == [message.payload for message in reader.feed(written)]
    assert (3, 27, len(written)) == (metrics.deliveries, metrics.payload_bytes, metrics.sent_bytes)


async def test_client_that_leaves_gets_nothing_more_and_its_compressor_is_freed(
    fanout: OwnFanout, metrics: ServiceMetrics
) -> None:
    leaving, staying = Socket(), Socket()
    subscriber = await joined(fanout, metrics, leaving)
    await joined(fanout, metrics, staying)
    fanout.discard(subscriber)
    fanout.deliver([UPDATE])
    assert ([], [b"an update"]) == (leaving.written, staying.unpacked())
    assert 1 == len(fanout._deflaters)


async def test_client_that_is_closed_before_it_is_subscribed_gets_nothing(
    fanout: OwnFanout, metrics: ServiceMetrics
) -> None:
    subscriber = Subscriber(cast("asyncio.Transport", Socket()), metrics)
    fanout.welcome(subscriber)
    fanout.add(subscriber, AGREEMENT)
    fanout.cut(subscriber)
    await fanout.subscribe(subscriber, Recent(Bounds(1, 1)), 0, drain)
    assert not fanout.has_listeners


def test_kept_updates_that_grow_when_they_are_unpacked_are_returned_in_portions() -> None:
    """None is converted that is not returned: a compressor would refer back to it."""
    recent, converted = Recent(Bounds(100, 1_000_000)), list[bytes]()
    for seq in range(1, 11):
        recent.append(Cursor("e", seq), b"%d" % seq, 1)

    def convert(encoded: bytes) -> bytes:
        converted.append(encoded)
        return encoded * 100

    found = Converted(recent, convert).after(0, 256, 250)
    assert [1, 2, 3] == [kept.position for kept in found]
    assert [b"1", b"2", b"3"] == converted


async def test_others_have_their_turn_while_a_client_catches_up(fanout: OwnFanout, metrics: ServiceMetrics) -> None:
    """Compressing takes far longer than writing, and a client that reads fast is never waited for."""
    portions = 4
    recent = Recent(Bounds(portions * CATCH_UP_UPDATES, 1_000_000))
    for seq in range(1, portions * CATCH_UP_UPDATES + 1):
        recent.append(Cursor("e", seq), FRAME, 1)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    await joined(fanout, metrics, Socket(), recent)
    others.cancel()
    assert turns >= portions - 1
