"""The base of users that other people's servers push to: updates as they are, without a cursor."""

import msgspec

from loadtests import wall
from loadtests.connection import Stamp
from loadtests.foreign.clients import SUBSCRIBED
from loadtests.pushed import PushedUser
from loadtests.pushing import PushClient
from wirerace.errors import ConnectionLost, shown
from wirerace.observe.ledger import NOWHERE
from wirerace.wire.update import Cursor, Update


class Unanswered(msgspec.Struct):
    """A client whose request was sent, and has no answer yet. Whether TLS was established is not known."""

    opened_ns: int
    sent_ns: int
    secured_ns: int = 0


class ForeignPushedUser(PushedUser):
    """Keeps one connection open. It is subscribed when its server has answered, or holds the answer back."""

    __slots__ = ()
    abstract = True

    def subscribed(self, client: PushClient, answered_ns: int) -> None:
        """Note that the server has answered."""
        self.cursor = SUBSCRIBED
        if not self.is_connected:
            self.connected(None, client, answered_ns)

    def note_held(self) -> None:
        """Note that the server holds its answer back until there is an update."""
        self.cursor = SUBSCRIBED
        if not self.is_connected:
            self.connected(None, Unanswered(self.asked_ns, self.asked_ns), wall.now_ns())

    def updates_in(self, messages: list[bytes], stamp: Stamp) -> list[Update]:
        """Return the updates in what one read brought; an error shows what else it was.

        Raises ConnectionLost.
        """
        try:
            return super().updates_in(messages, stamp)
        except ConnectionLost as error:
            raise ConnectionLost(f"{error}; it begins {shown(messages[0])}") from None

    def position(self) -> Cursor | None:
        """Return the newest update's key, or nowhere."""
        return NOWHERE if self.newest is None else Cursor(self.newest.epoch, self.newest.seq)
