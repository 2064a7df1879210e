"""Connections to servers without cursors: what they answer is read, and nothing of ours is expected in it."""

from collections.abc import Callable, Mapping
from typing import Any

from gevent import get_hub

from loadtests.answers import AnswerReader
from loadtests.bodies import MessageReader
from loadtests.connection import Address
from loadtests.http import GOOD, HttpClient
from loadtests.sse import EventMessages
from loadtests.streaming import StreamingClient
from loadtests.traffic import Counters
from loadtests.unpacking import Accepted
from loadtests.ws import WebSocketClient
from wirerace.errors import ConnectionLost
from wirerace.observe.ledger import NOWHERE
from wirerace.wire.objects import ObjectReader, ObjectTooLarge
from wirerace.wire.update import Cursor

HELD_SECONDS = 0.25
"""A request that has no answer for so long is held by its server: its client is subscribed."""
SUBSCRIBED = "subscribed"
"""In place of a cursor: the server has answered."""
TIMED_OUT = 408
"""The answer of nchan to a request that was held too long."""
_VALIDATORS = {b"etag": b"If-None-Match: ", b"last-modified": b"If-Modified-Since: "}
"""Headers of an answer, and those that send them back (RFC 9110, section 13.1)."""


class HeldWatch:
    """Calls back when a request is held: when nothing has ended the wait for `HELD_SECONDS`."""

    __slots__ = ("_call", "_timer")

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._timer: Any = None

    def begin(self) -> None:
        """Wait from now on."""
        self.end()
        self._timer = get_hub().loop.timer(HELD_SECONDS)
        self._timer.start(self._call)

    def end(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None


class BareWebSocket(WebSocketClient):
    """A WebSocket whose 101 has no cursor."""

    __slots__ = ()

    def _cursor_in(self, headers: Mapping[str, str]) -> Cursor:
        del headers
        return NOWHERE


class BareStream(StreamingClient):
    """An answer without end and without a cursor. `on_held` is called when its head does not come at once."""

    __slots__ = ("_holding",)

    def __init__(  # noqa: PLR0913 -- what a request has
        self,
        address: Address,
        target: str,
        messages: MessageReader,
        counters: Counters | None = None,
        *,
        headers: str = "",
        accepts: Accepted = "off",
        on_held: Callable[[], None],
    ) -> None:
        self._holding = HeldWatch(on_held)
        try:
            super().__init__(address, target, messages, counters, headers=headers, accepts=accepts)
        finally:
            self._holding.end()

    def _has_asked(self) -> None:
        self._holding.begin()

    def _cursor_in(self, head: Mapping[bytes, bytes]) -> Cursor:
        del head
        return NOWHERE


class ValidatorReader(AnswerReader):
    """Reads answers with validators: its `cursor` is the headers that send them back."""

    __slots__ = ()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a validator, and whether the head says where the body ends."""
        header = _VALIDATORS.get(name.lower())
        if header is None:
            cursor = self.cursor
            super().on_header(name, value)
            self.cursor = cursor
        else:
            self.cursor += header + value + b"\r\n"


class BareHttp(HttpClient):
    """Asks a server whose answers have validators in place of our cursor. To be held too long is no refusal."""

    __slots__ = ()
    good = GOOD | {TIMED_OUT}
    _new_reader = ValidatorReader


class BareEvents(EventMessages):
    """Events with ids that mean something to their server alone; `last_id` is what it gets back."""

    __slots__ = ()

    @property
    def last_id(self) -> str:
        """The id of the last event."""
        return self._reader.last_id

    @property
    def is_idle(self) -> bool:
        """Tell whether a read may be skipped that another client has taken apart: not where it has an id."""
        return not self.last_id and super().is_idle


class BareObjects:
    """What a stream brings without saying where an update ends: lines, chunks, or objects without anything between."""

    __slots__ = ("_reader",)
    content_type = ""

    def __init__(self) -> None:
        self._reader = ObjectReader()

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside an object."""
        return self._reader.is_cut

    @property
    def is_idle(self) -> bool:
        """Tell whether what comes next depends on nothing that was fed so far."""
        return not self._reader.is_cut

    def feed(self, body: bytes) -> list[bytes]:
        """Return the objects that become whole.

        Raises ConnectionLost when one has no end.
        """
        try:
            return self._reader.feed(body)
        except ObjectTooLarge as error:
            raise ConnectionLost(str(error)) from None
