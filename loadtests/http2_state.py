"""What an HTTP/2 connection begins with, how its bytes come and leave, and the names of its errors."""

from collections.abc import Callable, Iterable

import gevent
from gevent import get_hub, getcurrent
from gevent.event import Event
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from loadtests import wall
from loadtests.connection import Address, Stamp, StampedConnection
from loadtests.http2_frames import broken, no_http2
from loadtests.http2_headers import MOST_HEAD_BYTES, share_code
from loadtests.http2_streams import INITIAL_WINDOW_BYTES, STREAM_WINDOW_BYTES, Http2Stream, Unprocessed
from loadtests.opening import open_connection
from loadtests.tls import TlsFailed
from loadtests.traffic import Counters
from wirerace.errors import ConnectionLost, WireraceError, shown

CONNECTION_WINDOW_BYTES = 15 * 1024 * 1024  # as Chromium
CREDIT_BYTES = CONNECTION_WINDOW_BYTES // 2
MOST_WINDOW_BYTES = 2**31 - 1
STREAMS_BEFORE_SETTINGS = 100
"""How many streams a server is taken to allow until it says so: the least that RFC 9113, section 6.5.2, advises."""
MOST_STREAM_ID = 2**31 - 1
READY_SECONDS = 10.0


class HubReader:
    """Reads a connection to its end. All that comes is taken in the hub, which alone can wake clients."""

    def __init__(
        self,
        connection: StampedConnection,
        take: Callable[[bytes, Stamp], None],
        end: Callable[[Exception], None],
    ) -> None:
        """`take` is called with what each read brought, `end` at least once, with the reason."""
        self._connection = connection
        self._take = take
        self._end = end
        gevent.spawn(self._read)

    def _read(self) -> None:
        connection = self._connection
        try:
            while True:  # with TLS this greenlet may be handed something
                self._take_in_hub(connection.receive(self._take_in_hub), is_cut=connection.is_cut)
        except (OSError, WireraceError, ProtocolError) as error:
            self._end(error)
        finally:
            self._end(ConnectionLost("the connection has ended"))

    def _take_in_hub(self, data: bytes, *, is_cut: bool = False) -> bool:
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
        except (WireraceError, ProtocolError) as error:
            self._end(error)


class FrameWriter:
    """Hands frames to the kernel. What it does not take at once leaves later, in order.

    So a client that is stopped while it sends leaves no half of a frame behind, and the hub can send. `on_break` is
    called when the kernel takes no more. What had come before that can still be read, and then the reader learns it.

    While it `gathers`, requests wait, and leave together in one segment.
    """

    def __init__(self, connection: StampedConnection, on_break: Callable[[], None]) -> None:
        self._connection = connection
        self._on_break = on_break
        self._unsent = bytearray()
        self._is_busy = False
        self._gathered: list[bytes] = []
        self._leaving: list[Http2Stream] = []
        self.gathers = False

    def write_request(self, data: bytes, stream: Http2Stream) -> None:
        """Send a stream's request, and note when it leaves."""
        stream.out_bytes += len(data)
        self._leaving.append(stream)
        self.write(data)

    def write(self, data: bytes) -> None:
        """Send bytes. It never waits."""
        self._gathered.append(data)
        if not self.gathers:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered."""
        self.gathers = False
        if not self._gathered:
            return
        data = b"".join(self._gathered)
        self._gathered.clear()
        try:
            sealed = self._connection.sealed(data)
            if self._is_busy:
                self._unsent += sealed
            elif (sent := self._connection.offer(sealed)) < len(sealed):
                self._unsent += sealed[sent:]
                self._is_busy = True
                gevent.spawn(self._write_rest)
        except OSError:
            self._on_break()
        if self._leaving:
            sent_ns = wall.now_ns()
            for stream in self._leaving:
                stream.sent_ns = sent_ns
            self._leaving.clear()

    def _write_rest(self) -> None:
        try:
            while self._unsent:
                sealed = bytes(self._unsent)
                self._unsent.clear()
                self._connection.send_sealed(sealed)
        except (OSError, ConnectionLost):
            self._on_break()
        finally:
            self._is_busy = False


class ServerWindows:
    """How much data the server takes: on all streams together, and on each, which has it with it."""

    def __init__(self) -> None:
        self._together_bytes = INITIAL_WINDOW_BYTES
        self._opens = Event()

    def take(self, stream: Http2Stream, most_bytes: int) -> int:
        """Return how many bytes may leave on a stream now, `most_bytes` at most: these are taken."""
        size_bytes = max(0, min(self._together_bytes, stream.window_bytes, most_bytes))
        self._together_bytes -= size_bytes
        stream.window_bytes -= size_bytes
        return size_bytes

    def wait(self) -> None:
        """Wait until more may leave, or a stream has ended."""
        self._opens.clear()
        self._opens.wait()

    def note_end(self) -> None:
        """Let those that wait see whether their stream is still there."""
        self._opens.set()

    def open(self, stream: Http2Stream | None, increment: int) -> None:
        """Take what the server allows more on a stream, or on all together.

        Raises ConnectionLost when that is more than may be.
        """
        if stream is None:
            self._together_bytes += increment
        else:
            stream.window_bytes += increment
        if max(self._together_bytes, 0 if stream is None else stream.window_bytes) > MOST_WINDOW_BYTES:
            raise broken("a window of 2 GiB or more")
        self._opens.set()

    def resize(self, streams: Iterable[Http2Stream], more_bytes: int) -> None:
        """Take another initial size of the windows of streams: those that are open change, too."""
        for stream in streams:
            stream.window_bytes += more_bytes
        self._opens.set()


def connected(address: Address, counters: Counters | None) -> StampedConnection:
    """Return a connection to a server on which HTTP/2 can begin: with TLS, both have agreed on it.

    Raises OSError, ConnectionLost, or BadAnswer when TLS agrees on another protocol, or on none.
    """
    try:
        connection = open_connection(address, counters, ("h2",))
    except TlsFailed as error:
        if "application protocol" not in str(error):
            raise
        raise no_http2("TLS refuses 'h2' (ALPN)") from None
    if address.tls is not None and connection.alpn != "h2":
        connection.close()
        raise no_http2(f"TLS agreed on {shown(connection.alpn or 'no protocol')} (ALPN), not on 'h2'")
    return connection


def begun() -> H2Connection:
    """Return the state of a connection on which the preface is ready to leave."""
    state = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    state.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES,
            SettingCodes.MAX_HEADER_LIST_SIZE: MOST_HEAD_BYTES,
        },
    )
    del state.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]  # only servers send it
    state.decoder.max_header_list_size = MOST_HEAD_BYTES
    share_code(state.encoder)
    state.initiate_connection()
    state.increment_flow_control_window(CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES)
    return state


def reset_by(code: int) -> ConnectionLost:
    """Return what it means that the server has reset a stream."""
    if code == ErrorCodes.REFUSED_STREAM:
        return Unprocessed("the server refused the stream")
    return ConnectionLost(f"the server reset the stream: {name_of(code)}")


def name_of(code: int) -> str:
    """Return the name of an error code."""
    return ErrorCodes(code).name if code in list(ErrorCodes) else f"error {code}"
