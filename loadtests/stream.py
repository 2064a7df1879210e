"""HTTP streaming: asks once and reads a line for each update, as a browser does with fetch."""

from loadtests.pushed import PushedUser
from loadtests.pushing import PushClient
from wirerace.errors import ConnectionLost
from wirerace.transports.stream import TRANSPORT, StreamOptions
from wirerace.wire.update import MOST_LINE_BYTES


class LineMessages:
    """What a stream of lines brings: each line that holds something."""

    __slots__ = ("_buffer",)
    content_type = "application/x-ndjson"

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a line."""
        return bool(self._buffer)

    @property
    def is_idle(self) -> bool:
        """Tell whether what comes next depends on nothing that was fed so far."""
        return not self._buffer

    def feed(self, body: bytes) -> list[bytes]:
        """Return the lines that become whole.

        Raises ConnectionLost when one has no end.
        """
        *lines, self._buffer = (self._buffer + body).split(b"\n")
        if len(self._buffer) > MOST_LINE_BYTES:
            raise ConnectionLost(f"no end of a line after {len(self._buffer)} bytes")
        return [line for line in lines if line]


class StreamUser(PushedUser):
    """Keeps one answer open."""

    __slots__ = ()
    transport = TRANSPORT
    options: StreamOptions

    def open(self) -> PushClient:
        """Return a connection whose answer is lines without end."""
        return self.speech.streaming(self.target(after=self.position()), LineMessages())
