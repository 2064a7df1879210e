"""Server-Sent Events of other people's servers: ids are opaque, and the last one is sent back."""

from locust.env import Environment

from loadtests.foreign.clients import BareEvents, BareStream
from loadtests.foreign.pushed import ForeignPushedUser
from loadtests.pushing import PushClient
from loadtests.sse import SseUser


class ForeignSseUser(ForeignPushedUser, SseUser):
    """Keeps one answer open; comes back with the id of its last event."""

    __slots__ = ("events",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.events = BareEvents()

    def open(self) -> PushClient:
        """Return a connection whose answer is an event stream."""
        last_id, self.events = self.events.last_id, BareEvents()
        headers = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        target = self.target(after=None)
        return BareStream(
            self.load.address_of(self.transport),
            target,
            self.events,
            self.load.counters_of(self.transport),
            headers=headers,
            accepts=self.load.compression,
            on_held=self.note_held,
        )
