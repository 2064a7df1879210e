"""What an HTTP/2 connection begins with, how its bytes leave, and the names of its errors."""

from collections.abc import Callable

import gevent
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from loadtests.connection import StampedConnection
from loadtests.http2_headers import share_code
from loadtests.http2_streams import INITIAL_WINDOW_BYTES, STREAM_WINDOW_BYTES, Http2Stream, Unprocessed
from wirerace.clock import now_ns
from wirerace.errors import ConnectionLost

CONNECTION_WINDOW_BYTES = 15 * 1024 * 1024  # as Chromium
CREDIT_BYTES = CONNECTION_WINDOW_BYTES // 2
MOST_WINDOW_BYTES = 2**31 - 1
MOST_HEAD_BYTES = 65_536
STREAMS_BEFORE_SETTINGS = 100
"""How many streams a server is taken to allow before it has said so: the least that RFC 9113, section 6.5.2, advises."""
MOST_STREAM_ID = 2**31 - 1
READY_SECONDS = 10.0


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
            sent_ns = now_ns()
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
