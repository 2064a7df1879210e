"""An HTTP/2 connection that clients share. All reading happens in the hub, for all streams; the kernel stamps it.

h2 keeps the connection (preface, settings, pings) and hpack the headers. Streams are our own: with h2, a request took
the load five times the CPU time of one over HTTP/1.1.
"""

import copy

from gevent import get_hub
from gevent.event import Event
from h2.errors import ErrorCodes
from h2.events import RemoteSettingsChanged
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from loadtests import http2_frames as wire
from loadtests.connection import Address, ClosedHere, Stamp
from loadtests.http2_frames import DATA, END_STREAM, HEAD_BYTES, PADDED, Farewell, FrameSplitter, WireFrame
from loadtests.http2_headers import Headers, HeadReader
from loadtests.http2_state import (
    CREDIT_BYTES,
    MOST_STREAM_ID,
    READY_SECONDS,
    STREAMS_BEFORE_SETTINGS,
    FrameWriter,
    HubReader,
    ServerWindows,
    begun,
    connected,
    name_of,
    reset_by,
)
from loadtests.http2_streams import Http2Stream, Unprocessed
from loadtests.traffic import Counters
from wirerace.errors import BadAnswer, ConnectionLost, shown


class Http2Connection:
    """One TCP connection, and the streams on it. `opened_ns` is when it was open, `secured_ns` when its TLS was.

    It ends by itself when the server has said that it goes, and the last stream has ended.
    """

    def __init__(self, address: Address, counters: Counters | None = None) -> None:
        """Connect. Raises OSError, ConnectionLost, or BadAnswer when TLS agrees on another protocol."""
        self.streams: dict[int, Http2Stream] = {}
        self.is_closed = False
        self.is_leaving = False
        self._connection = connected(address, counters)
        self.opened_ns, self.secured_ns = self._connection.opened_ns, self._connection.secured_ns
        self._state = begun()
        self._splitter = FrameSplitter()
        self._writer = FrameWriter(self._connection, self._break)
        self._settled = Event()  # the server's SETTINGS have come, or the connection has ended
        self.is_ready = False  # they have come
        self._heads = HeadReader(self._state.decoder)
        self._windows = ServerWindows()
        self._uncredited_bytes = 0
        self._next_id = 1
        self._leaves_with = ""
        self._error: Exception | None = None
        self._writer.write(self._state.data_to_send())
        self._reader = HubReader(self._connection, self._take, self._end_with)

    @property
    def takes_requests(self) -> bool:
        """Return whether it is open and the server has not said that it goes."""
        return not (self.is_closed or self.is_leaving) and self._next_id <= MOST_STREAM_ID

    @property
    def most_streams(self) -> int:
        """The most streams that the server allows at a time."""
        return self._state.remote_settings.max_concurrent_streams if self.is_ready else STREAMS_BEFORE_SETTINGS

    @property
    def has_room(self) -> bool:
        """Return whether the server allows one more stream."""
        return len(self.streams) < self.most_streams

    @property
    def takes_websockets(self) -> bool:
        """Return whether the server lets a stream become a WebSocket (RFC 8441). It waits for the server's SETTINGS.

        Raises OSError, ConnectionLost, or BadAnswer when the server speaks no HTTP/2.
        """
        if not self._settled.wait(READY_SECONDS):
            raise wire.no_http2(f"its SETTINGS have not come in {READY_SECONDS:g} s")
        self._check_open()
        return bool(self._state.remote_settings.enable_connect_protocol)

    def request(self, headers: Headers, body: bytes = b"", *, stays_open: bool = False) -> Http2Stream:
        """Send a request and return its stream. With `stays_open` data may follow.

        Raises OSError or ConnectionLost.
        """
        self._check_open()
        stream_id, self._next_id = self._next_id, self._next_id + 2
        is_end = not (body or stays_open)
        block = self._state.encoder.encode(headers)
        stream = Http2Stream(self, stream_id, self._state.remote_settings.initial_window_size, is_sent=is_end)
        self.streams[stream_id] = stream
        frames = wire.head_frames(stream_id, block, self._state.max_outbound_frame_size, is_end=is_end)
        self._writer.write_request(frames, stream)
        if body:
            stream.send(body, is_end=True)
        return stream

    def send_data(self, stream: Http2Stream, data: bytes, *, is_end: bool) -> None:
        """Send data as the server's windows let it."""
        while data or is_end:
            self._check_open()
            if stream.id not in self.streams:
                break  # it has ended meanwhile, and its client finds out how
            size = self._windows.take(stream, min(len(data), self._state.max_outbound_frame_size))
            if data and not size:
                self._windows.wait()
                continue
            part, data = data[:size], data[size:]
            is_last, is_end = is_end and not data, is_end and bool(data)
            self._writer.write_request(wire.frame_of(DATA, END_STREAM * is_last, stream.id, part), stream)

    def credit(self, stream: Http2Stream, size_bytes: int) -> None:
        """Let the server send more on a stream."""
        frame = wire.numbered_frame(wire.WINDOW_UPDATE, stream.id, size_bytes)
        stream.out_bytes += len(frame)
        self._writer.write(frame)

    def leave(self, stream_id: int) -> None:
        """Give up a stream that has not ended. The connection stays."""
        if self.streams.pop(stream_id, None) is not None and not self.is_closed:
            self._writer.write(wire.numbered_frame(wire.RST_STREAM, stream_id, ErrorCodes.CANCEL))
            self._close_if_done()

    def close(self) -> None:
        """Close at once. All streams that have not ended learn it."""
        self._end(ClosedHere("this side has closed the connection"))

    def _check_open(self) -> None:
        if self._error is not None:
            raise copy.copy(self._error)

    def _end_with(self, error: Exception) -> None:
        self._end(self._named(error))

    def _named(self, error: Exception) -> Exception:
        """Return what the end of the connection means."""
        if isinstance(error, ProtocolError):
            return wire.broken(str(error))
        if self._leaves_with:
            return ConnectionLost(self._leaves_with)
        if not self.is_ready and isinstance(error, ConnectionLost) and not isinstance(error, ClosedHere):
            tail = self._splitter.unfinished
            why = f"it answered {shown(tail.decode('latin-1'))}" if tail else "it closed the connection without a word"
            return wire.no_http2(why)
        return error

    def _break(self) -> None:
        self.is_leaving = True

    def _end(self, error: Exception) -> None:
        if self.is_closed:
            return
        self.is_closed, self._error = True, error
        self._connection.close()
        self._settled.set()
        self._windows.note_end()
        streams, self.streams = self.streams, {}
        for stream in streams.values():  # each wakes its client, which only the hub can do
            get_hub().loop.run_callback(stream.fail, error)

    def _take(self, data: bytes, stamp: Stamp) -> None:
        """Take what one read brought, in the hub. Requests that clients answer it with leave together."""
        early, streams = stamp.bound(), self.streams
        self._writer.gathers = True
        try:
            for frame in self._splitter.feed(data):
                stream = streams.get(frame.stream_id)
                of_frame = stamp if frame.is_last else early
                if stream is not None:
                    stream.in_bytes += len(frame.wire)
                    if frame.kind == DATA and not self._heads.is_within:
                        self._take_data(stream, frame, of_frame)
                    else:
                        self._take_other(frame, of_frame)
                elif frame.kind == DATA and frame.stream_id & 1 and frame.stream_id < self._next_id:
                    self._credit(len(frame.wire) - HEAD_BYTES)  # it was on its way when its client left
                else:
                    self._take_other(frame, of_frame)
                if self.is_closed:
                    break
        finally:
            self._writer.flush()

    def _take_data(self, stream: Http2Stream, frame: WireFrame, stamp: Stamp) -> None:
        flow_bytes = len(frame.wire) - HEAD_BYTES
        self._credit(flow_bytes)
        if not stream.head:
            raise wire.broken("data before headers")
        is_end = frame.flags & END_STREAM
        if is_end:
            self._forget(stream)
        stream.on_data(frame.payload if frame.flags & PADDED else frame.wire[HEAD_BYTES:], flow_bytes, stamp)
        if is_end:
            stream.on_end(stamp)
            self._close_if_done()

    def _take_other(self, frame: WireFrame, stamp: Stamp) -> None:
        kind, stream_id = frame.kind, frame.stream_id
        if kind == wire.HEADERS or self._heads.is_within:
            self._add_head(frame, stamp)
        elif kind == wire.RST_STREAM:
            self._fail(stream_id, reset_by(frame.number))
        elif kind == wire.WINDOW_UPDATE:
            self._open_window(stream_id, frame.number)
        elif kind == wire.GOAWAY:
            self._farewell(wire.farewell_in(frame.payload))
        elif kind in {wire.SETTINGS, wire.PING}:
            self._settle(frame)
        elif kind in {DATA, wire.PUSH_PROMISE, wire.CONTINUATION}:
            raise wire.broken(f"a frame of type {kind} on stream {stream_id}")

    def _add_head(self, frame: WireFrame, stamp: Stamp) -> None:
        """Take headers, or a part of them."""
        found = self._heads.feed(frame)
        if found is None:
            return
        stream = self.streams.get(frame.stream_id)
        if stream is not None:
            self._take_head(stream, found.head, stamp, is_end=found.is_end)
        elif not frame.stream_id & 1 or frame.stream_id >= self._next_id:
            raise wire.broken(f"a stream {frame.stream_id} that nobody has opened")

    def _take_head(self, stream: Http2Stream, head: dict[bytes, bytes], stamp: Stamp, *, is_end: bool) -> None:
        status, is_first = head.get(b":status", b""), not stream.head  # after the first come trailers
        if is_end:
            self._forget(stream)
        if is_first and not (status.isdigit() and len(status) == 3):
            self.leave(stream.id)
            stream.fail(BadAnswer("an answer without a status"))
        elif is_first and (is_end or not status.startswith(b"1")):  # 1xx says something for the meantime
            stream.on_head(head, stamp)
        if is_end:
            stream.on_end(stamp)
            self._close_if_done()

    def _settle(self, frame: WireFrame) -> None:
        """Let h2 take SETTINGS or a PING, and answer them."""
        events = self._state.receive_data(frame.wire)
        self._writer.write(self._state.data_to_send())
        for event in events:
            if isinstance(event, RemoteSettingsChanged):
                self.is_ready = True
                self._settled.set()
                if (size := event.changed_settings.get(SettingCodes.INITIAL_WINDOW_SIZE)) is not None:
                    self._windows.resize(self.streams.values(), size.new_value - (size.original_value or 0))

    def _open_window(self, stream_id: int, increment: int) -> None:
        stream = self.streams.get(stream_id)
        if stream is not None or not stream_id:
            self._windows.open(stream, increment)

    def _forget(self, stream: Http2Stream) -> None:
        """Take out a stream whose answer has ended. Nobody reads the rest of a request that was to be sent."""
        self.streams.pop(stream.id, None)
        if not stream.is_sent:
            self._writer.write(wire.numbered_frame(wire.RST_STREAM, stream.id, ErrorCodes.CANCEL))
            self._windows.note_end()

    def _fail(self, stream_id: int, error: Exception) -> None:
        stream = self.streams.pop(stream_id, None)
        if stream is not None:
            self._windows.note_end()
            stream.fail(error)
            self._close_if_done()

    def _farewell(self, farewell: Farewell) -> None:
        """Take no more requests. What the server has not looked at may be sent again elsewhere."""
        self.is_leaving = True
        if farewell.code:
            words = f": {farewell.words}" if farewell.words else ""
            self._leaves_with = f"the server closed the connection: {name_of(farewell.code)}{words}"
        for stream_id in [one for one in self.streams if one > farewell.last_stream_id]:
            self._fail(stream_id, Unprocessed("the server closes the connection, and did not take the request"))
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self.is_leaving and not self.streams:
            self._end(ConnectionLost(self._leaves_with or "the server closed the connection"))

    def _credit(self, size_bytes: int) -> None:
        """Let the server send as much more as has come, whether its client has taken it or not."""
        self._uncredited_bytes += size_bytes
        if self._uncredited_bytes >= CREDIT_BYTES and not self.is_closed:
            self._writer.write(wire.numbered_frame(wire.WINDOW_UPDATE, 0, self._uncredited_bytes))
            self._uncredited_bytes = 0
