"""HTTP streaming of other people's servers: lines, chunks, or updates with nothing between them."""

from loadtests.foreign.clients import BareObjects, BareStream
from loadtests.foreign.pushed import ForeignPushedUser
from loadtests.pushing import PushClient
from loadtests.stream import StreamUser


class ForeignStreamUser(ForeignPushedUser, StreamUser):
    """Keeps one answer open, and finds the updates in it."""

    __slots__ = ()

    def open(self) -> PushClient:
        """Return a connection whose answer brings updates, however they are separated."""
        headers = "TE: chunked\r\n" if self.load.dialect == "nchan" else ""
        target = self.target(after=None)
        return BareStream(
            self.load.address_of(self.transport),
            target,
            BareObjects(),
            self.load.counters_of(self.transport),
            headers=headers,
            accepts=self.load.compression,
            on_held=self.note_held,
        )
