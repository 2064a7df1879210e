"""An HTTP/2 connection that clients share: h2 keeps the protocol's state, the kernel stamps what arrives.

All reading happens in the hub, for all streams. Frames of data, nearly all that a fan-out brings, do without h2.
"""

import copy
from collections.abc import Iterable

import gevent
from gevent import get_hub, getcurrent
from gevent.event import Event
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from loadtests.connection import Address, ClosedHere, Stamp
from loadtests.http2_frames import (
    DATA,
    END_STREAM,
    GOAWAY,
    HEAD_BYTES,
    PADDED,
    Farewell,
    FrameSplitter,
    farewell_in,
    no_http2,
    unpadded,
    window_update,
)
from loadtests.http2_state import (
    CREDIT_BYTES,
    MOST_STREAM_ID,
    READY_SECONDS,
    STREAMS_BEFORE_SETTINGS,
    FrameWriter,
    Headers,
    begun,
    name_of,
    reset_by,
)
from loadtests.http2_streams import Http2Stream, Unprocessed
from loadtests.opening import open_connection
from loadtests.traffic import Counters
from wirerace.errors import BadAnswer, ConnectionLost, WireraceError, shown

class Http2Connection:
    """One TCP connection, and the streams on it. `opened_ns` is when it was open, `secured_ns` when its TLS was.

    It ends by itself when the server has said that it goes, and the last stream has ended.
    """

    def __init__(self, address: Address, counters: Counters | None = None) -> None:
        """Connect. Raises OSError, ConnectionLost, or BadAnswer when TLS agrees on another protocol."""
        self.streams: dict[int, Http2Stream] = {}
        self.is_closed = False
        self.is_leaving = False
        self.address = address
        self._connection = open_connection(address, counters, ("h2",))
        self.opened_ns, self.secured_ns = self._connection.opened_ns, self._connection.secured_ns
        if address.tls is not None and self._connection.alpn != "h2":
            self._connection.close()
            raise no_http2(f"TLS agreed on {shown(self._connection.alpn or 'no protocol')} (ALPN), not on 'h2'")
        self._h2 = begun()
        self._splitter = FrameSplitter()
        self._settled = Event()  # the server's SETTINGS have come, or the connection has ended
        self._is_ready = False
        self._window = Event()  # set when the server has let more data through
        self._uncredited_bytes = 0
        self._writer = FrameWriter(self._connection, self._break)
        self._next_id = 1
        self._leaves_with = ""
        self._error: Exception | None = None
        self._flush()
        gevent.spawn(self._pump)

    @property
    def is_ready(self) -> bool:
        """Return whether the server's SETTINGS have come."""
        return self._is_ready

    @property
    def takes_requests(self) -> bool:
        """Return whether it is open and the server has not said that it goes."""
        return not (self.is_closed or self.is_leaving) and self._next_id <= MOST_STREAM_ID

    @property
    def most_streams(self) -> int:
        """The most streams that the server allows at a time."""
        return self._h2.remote_settings.max_concurrent_streams if self._is_ready else STREAMS_BEFORE_SETTINGS

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
            raise no_http2(f"its SETTINGS have not come in {READY_SECONDS:g} s")
        self._check_open()
        return bool(self._h2.remote_settings.enable_connect_protocol)

    def request(self, headers: Headers, body: bytes = b"", *, stays_open: bool = False) -> Http2Stream:
        """Send a request and return its stream. With `stays_open` data may follow.

        Raises OSError or ConnectionLost.
        """
        self._check_open()
        stream_id, self._next_id = self._next_id, self._next_id + 2
        try:
            self._h2.send_headers(stream_id, headers, end_stream=not (body or stays_open))
        except ProtocolError as error:
            raise ConnectionLost(f"no stream could be opened: {error}") from None
        stream = self.streams[stream_id] = Http2Stream(self, stream_id, is_sent=not (body or stays_open))
        stream.out_bytes = self._flush()
        if body:
            stream.send(body, is_end=True)
        return stream

    def send_data(self, stream_id: int, data: bytes, *, is_end: bool) -> int:
        """Send data, when the server's windows let it, and return the bytes of its frames."""
        sent_bytes = 0
        while data or is_end:
            self._check_open()
            if stream_id not in self.streams:
                break  # it has ended meanwhile, and its client finds out how
            room = min(self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size)
            if data and room <= 0:
                self._window.clear()
                self._window.wait()
                continue
            part, data = data[:room], data[room:]
            self._h2.send_data(stream_id, part, end_stream=is_end and not data)
            is_end = is_end and bool(data)
            sent_bytes += self._flush()
        return sent_bytes

    def credit(self, stream_id: int, size_bytes: int) -> int:
        """Let the server send more on a stream, and return the bytes of the frame that says so."""
        return self._writer.write(window_update(stream_id, size_bytes))

    def leave(self, stream_id: int) -> None:
        """Give up a stream that has not ended. The connection stays."""
        if self.streams.pop(stream_id, None) is not None and not self.is_closed:
            self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
            self._flush()
            self._close_if_done()

    def close(self) -> None:
        """Close at once. All streams that have not ended learn it."""
        self._end(ClosedHere("this side has closed the connection"))

    def _check_open(self) -> None:
        if self._error is not None:
            raise copy.copy(self._error)

    def _pump(self) -> None:
        """Wait for the end of the connection: all that arrives before is taken in the hub."""
        try:
            while True:
                self._take_in_hub(self._connection.receive(self._take_in_hub), is_cut=self._connection.is_cut)
        except (OSError, WireraceError, ProtocolError) as error:
            self._end(self._named(error))
        finally:
            self._end(ConnectionLost("the connection has ended"))

    def _named(self, error: Exception) -> Exception:
        """Return what the end of the connection means."""
        if isinstance(error, ProtocolError):
            self._flush()  # the GOAWAY that says so
            return ConnectionLost(f"the server broke HTTP/2: {error}")
        if self._leaves_with:
            return ConnectionLost(self._leaves_with)
        if not self._is_ready and isinstance(error, ConnectionLost):
            tail = self._splitter.unfinished
            why = f"it answered {shown(tail.decode('latin-1'))}" if tail else "it closed the connection without a word"
            return no_http2(why)
        return error

    def _break(self) -> None:
        self.is_leaving = True

    def _end(self, error: Exception) -> None:
        if self.is_closed:
            return
        self.is_closed, self._error = True, error
        self._connection.close()
        self._settled.set()
        self._window.set()
        streams, self.streams = self.streams, {}
        for stream in streams.values():  # each wakes its client, which only the hub can do
            get_hub().loop.run_callback(stream.fail, error)

    def _take_in_hub(self, data: bytes, *, is_cut: bool = False) -> bool:
        """Take what was read. Only the hub can wake clients: with TLS the reader itself may be here."""
        stamp = self._connection.stamp.bound() if is_cut else self._connection.stamp
        hub = get_hub()
        if getcurrent() is hub:
            self._take(data, stamp)
        else:
            hub.loop.run_callback(self._take_later, data, stamp)
        return True

    def _take_later(self, data: bytes, stamp: Stamp) -> None:
        try:
            self._take(data, stamp)
        except (OSError, WireraceError, ProtocolError) as error:
            self._end(self._named(error))

    def _take(self, data: bytes, stamp: Stamp) -> None:
        """Take what was read, in the hub."""
        early = stamp.bound()
        streams = self.streams
        for kind, flags, stream_id, wire, is_last in self._splitter.feed(data):
            stream = streams.get(stream_id)
            if stream is not None:
                stream.in_bytes += len(wire)
            is_plain = kind == DATA and not flags & END_STREAM
            if is_plain and stream is not None and not stream.is_counted:
                data = unpadded(wire) if flags & PADDED else wire[HEAD_BYTES:]
                stream.on_data(data, len(wire) - HEAD_BYTES, stamp if is_last else early)
                self._credit(len(wire) - HEAD_BYTES)
            elif is_plain and stream is None and stream_id & 1 and stream_id < self._next_id:
                self._credit(len(wire) - HEAD_BYTES)  # it was on its way when its client left
            elif kind == GOAWAY:
                self._farewell(farewell_in(wire[HEAD_BYTES:]))
            else:
                self._control(wire, stamp if is_last else early)
            if self.is_closed:
                break

    def _control(self, wire: bytes, stamp: Stamp) -> None:
        """Let h2 take a frame, and act on what it means."""
        events = self._h2.receive_data(wire)
        self._flush()  # what h2 answers by itself
        for event in events:
            if isinstance(event, ResponseReceived):
                self._begin_answer(event.stream_id, event.headers, stamp)
            elif isinstance(event, DataReceived):
                self._take_counted(event, stamp)
            elif isinstance(event, StreamEnded):
                self._end_answer(event.stream_id, stamp)
            elif isinstance(event, StreamReset):
                self._fail(event.stream_id, reset_by(event.error_code))
            elif isinstance(event, RemoteSettingsChanged):
                self._is_ready = True
                self._settled.set()
                self._window.set()
            elif isinstance(event, WindowUpdated):
                self._window.set()

    def _begin_answer(self, stream_id: int, headers: Iterable[tuple[bytes, bytes]], stamp: Stamp) -> None:
        stream, head = self.streams.get(stream_id), dict(headers)
        if stream is None:
            return
        if not head.get(b":status", b"").isdigit():
            self.leave(stream_id)
            stream.fail(BadAnswer("an answer without a status"))
        else:
            stream.on_head(head, stamp)

    def _take_counted(self, event: DataReceived, stamp: Stamp) -> None:
        """Take data that h2 counts: the end of a body, or part of one whose length the head has announced."""
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.on_data(event.data, 0, stamp)
        if event.flow_controlled_length and not self.is_closed:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._flush()

    def _end_answer(self, stream_id: int, stamp: Stamp) -> None:
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return
        if not stream.is_sent:  # nobody reads the rest of what was to be sent
            self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
            self._flush()
            self._window.set()
        stream.on_end(stamp)
        self._close_if_done()

    def _fail(self, stream_id: int, error: Exception) -> None:
        stream = self.streams.pop(stream_id, None)
        if stream is not None:
            self._window.set()
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
            self._writer.write(window_update(0, self._uncredited_bytes))
            self._uncredited_bytes = 0

    def _flush(self) -> int:
        """Send what h2 has to send, and return its bytes."""
        data = self._h2.data_to_send()
        return self._writer.write(data) if data else 0
