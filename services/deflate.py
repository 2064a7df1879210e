"""Compressed updates: a fan-out for the clients that agreed on compression, beside a plain one for the others."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple

from services.batching import Batcher
from services.channel import Listener
from services.fanout import Fanout, Members, Subscriber, pieces_of, written_to
from services.recent import History, Kept
from wirerace.observe.metrics import ServiceMetrics
from wirerace.transports.websocket import Deflate
from wirerace.wire.deflate import Deflater, Inflater, InflatingReader, inflated
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.negotiation import Agreement, agreed


class DeflateSettings:
    """How the fan-outs of a server compress, and where they cut off slow readers."""

    def __init__(self, window_bits: int, memory_level: int, high_water_bytes: int, farewell: bytes) -> None:
        self.window_bits = window_bits
        self.memory_level = memory_level
        self.high_water_bytes = high_water_bytes
        self.farewell = farewell

    @cached_property
    def deflater(self) -> Deflater:
        """What compresses for several clients: it takes no context over, so it can serve all channels."""
        return Deflater(self.window_bits, self.memory_level, takes_over=False)


class DeflateFanout(Fanout):
    """The clients that agreed on compression. `plain` has the others."""

    shared: ClassVar[bool]

    def __init__(self, metrics: ServiceMetrics, settings: DeflateSettings, plain: Fanout) -> None:
        super().__init__(metrics, settings.high_water_bytes, settings.farewell)
        self.plain = plain
        self._settings = settings

    def agreed(self, offers: str) -> tuple[Agreement, str] | None:
        """Return what is agreed on with a client, and the answer to its offers; None when all are declined.

        Raises BadInput when the header is malformed.
        """
        return agreed(offers, self._settings.window_bits, shared=self.shared) if offers else None

    @abstractmethod
    def listener(self, batcher: Batcher | None) -> Listener:
        """Return what takes updates as they are kept."""

    def add(self, subscriber: Subscriber, agreement: Agreement) -> None:
        """Prepare for a client that has agreed."""

    def _flush_before_joining(self, batcher: Batcher | None) -> None:
        if batcher is not None:
            self.before_joining = self.plain.before_joining = batcher.flush


class SharedFanout(DeflateFanout):
    """Each update is compressed once, for all clients, and kept so. `plain` unpacks it while it has clients."""

    shared = True

    def __init__(self, metrics: ServiceMetrics, settings: DeflateSettings) -> None:
        super().__init__(metrics, settings, UnpackingFanout(metrics, settings.high_water_bytes, settings.farewell))
        self._deflater = settings.deflater

    def listener(self, batcher: Batcher | None) -> Listener:
        """Return what takes compressed updates. Batches are made of plain ones, and compressed as a whole."""
        self._flush_before_joining(batcher)
        return self._deliver_packed if batcher is None else lambda packed: batcher.add(unpacked(packed))

    def deliver_all(self, pieces: list[bytes], payload_bytes: int, updates: int) -> None:
        """Send plain frames to the clients that want all updates, each in its form."""
        self.plain.deliver_all(pieces, payload_bytes, updates)
        super().deliver_all([self._deflater.frame(piece) for piece in pieces], payload_bytes, updates)

    def deliver_latest(self, newest: Kept, updates: int = 1) -> None:
        """Send a plain frame to the clients that want the newest update only, each in its form."""
        self.plain.deliver_latest(newest, updates)
        if self._latest_only:
            super().deliver_latest(newest._replace(encoded=self._deflater.frame(newest.encoded)), updates)

    def _deliver_packed(self, packed: Sequence[Kept]) -> None:
        super().deliver_all(*pieces_of(packed))
        for update in packed:
            super().deliver_latest(update)
        if self.plain.has_listeners:
            self.plain.deliver(unpacked(packed))


class OwnFanout(DeflateFanout):
    """Each client has its own compressor, which refers back to earlier updates, so that each gets different bytes."""

    shared = False

    def __init__(self, metrics: ServiceMetrics, settings: DeflateSettings) -> None:
        super().__init__(metrics, settings, Fanout(metrics, settings.high_water_bytes, settings.farewell))
        self._deflaters: dict[asyncio.Transport, Deflater] = {}

    def listener(self, batcher: Batcher | None) -> Listener:
        """Return what takes plain updates."""
        self._flush_before_joining(batcher)
        return self.deliver if batcher is None else batcher.add

    def add(self, subscriber: Subscriber, agreement: Agreement) -> None:
        """Make the client's compressor."""
        self._deflaters[subscriber.transport] = Deflater(
            agreement.server_window_bits, self._settings.memory_level, takes_over=agreement.server_takes_over
        )

    def discard(self, subscriber: Subscriber) -> None:
        """Send nothing more to a subscriber, and free its compressor."""
        super().discard(subscriber)
        self._deflaters.pop(subscriber.transport, None)

    def written(self, subscriber: Subscriber, recent: History) -> History:
        """Return what is kept as it is compressed for a subscriber."""
        return Converted(recent, self._deflaters[subscriber.transport].frame)

    def deliver_all(self, pieces: list[bytes], payload_bytes: int, updates: int) -> None:
        """Send plain frames to the clients that want all updates, compressed for each that has agreed."""
        self.plain.deliver_all(pieces, payload_bytes, updates)
        super().deliver_all(pieces, payload_bytes, updates)

    def deliver_latest(self, newest: Kept, updates: int = 1) -> None:
        """Send a plain frame to the clients that want the newest update only, compressed for each that has agreed."""
        self.plain.deliver_latest(newest, updates)
        super().deliver_latest(newest, updates)

    def _write_updates(self, members: Members, pieces: list[bytes], most_unread_bytes: int) -> list[asyncio.Transport]:
        """Write to each member's socket, compressed for it. A compressor must see no update that is not sent."""
        slow: list[asyncio.Transport] = []
        for transport in list(members):
            if not transport.is_closing() and transport.get_write_buffer_size() > most_unread_bytes:
                slow.append(transport)
                continue
            compress, alone = self._deflaters[transport].frame, {transport: members[transport]}
            encoded = b"".join([compress(piece) for piece in pieces])
            written_to(alone, encoded, most_unread_bytes)
            if alone:
                self._metrics.sent_bytes += len(encoded)
            else:
                del members[transport]
        return slow


class UnpackingFanout(Fanout):
    """Clients without compression, where what is kept is compressed."""

    def written(self, subscriber: Subscriber, recent: History) -> History:  # noqa: ARG002 -- as its base
        """Return what is kept, unpacked."""
        return Converted(recent, inflated)


def unpacked(packed: Sequence[Kept]) -> list[Kept]:
    """Return compressed updates without their compression."""
    return [update._replace(encoded=inflated(update.encoded)) for update in packed]


class Converted(NamedTuple):
    """Kept updates, each converted when it is asked for."""

    recent: History
    convert: Callable[[bytes], bytes]

    @property
    def head(self) -> int:
        """The newest position."""
        return self.recent.head

    def after(self, position: int, most_updates: int, most_bytes: int) -> list[Kept]:
        """Return what is kept after `position`, as it is written. Its last update may exceed `most_bytes`."""
        found: list[Kept] = []
        size_bytes = 0
        for kept in self.recent.after(position, most_updates, most_bytes):
            found.append(kept._replace(encoded=self.convert(kept.encoded)))
            size_bytes += len(found[-1].encoded)
            if size_bytes > most_bytes:  # A compressor must see no update that is not sent.
                break
        return found


FANOUTS: dict[Deflate, type[SharedFanout | OwnFanout]] = {"shared": SharedFanout, "per-client": OwnFanout}


def reader_of(agreement: Agreement | None, max_message_bytes: int, most_frames: int) -> FrameReader:
    """Return what reads the frames of a client."""
    if agreement is None:
        return FrameReader(masked=True, max_message_bytes=max_message_bytes, most_frames=most_frames)
    inflater = Inflater(agreement.client_window_bits, max_message_bytes, takes_over=agreement.client_takes_over)
    return InflatingReader(inflater, masked=True, max_message_bytes=max_message_bytes, most_frames=most_frames)
