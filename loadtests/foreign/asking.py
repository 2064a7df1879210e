"""The base of users that ask other people's servers: validators are sent back, and 304 means nothing new."""

from locust.env import Environment

from loadtests.asking import AskingUser
from loadtests.foreign.clients import SUBSCRIBED, BareHttp, HeldWatch
from loadtests.http import Response
from loadtests.pushed import updates_of
from loadtests.user import Received
from wirerace.errors import BadAnswer, shown
from wirerace.observe.ledger import NOWHERE
from wirerace.wire.objects import ObjectReader, ObjectTooLarge
from wirerace.wire.update import NO_UPDATE, Cursor, Update


class ForeignAskingUser(AskingUser):
    """Asks one URL again and again, with the validators of the last answer that had any."""

    __slots__ = ()  # of the concrete classes: two bases cannot both have some
    abstract = True
    asks_until_empty = False
    """Whether an answer with one new update may leave more behind, so that the client asks again at once."""
    holding: HeldWatch
    newest: Update | None
    validators: str

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.validators = ""
        self.newest = None
        self.holding = HeldWatch(self.note_held)

    def new_client(self) -> BareHttp:
        """Return what its requests go over: each client has a connection of its own."""
        return BareHttp(
            self.load.address_of(self.transport),
            self.load.counters_of(self.transport),
            keep_alive=self.options.keep_alive,
            extra_header_bytes=self.options.extra_header_bytes,
            repeats_lost=self.repeats_lost,
            accepts=self.load.compression,
        )

    def ask(self, target: str, sent_ns: int, headers: str = "") -> Received:
        """Ask, whatever our own server would be asked for."""
        del target, headers
        if not self.is_connected:
            self.holding.begin()
        try:
            received = super().ask(self.load.path_of(self.transport), sent_ns, self.validators)
        finally:
            self.holding.end()
        self.validators, self.cursor = self.cursor or self.validators, SUBSCRIBED
        return received

    def note_held(self) -> None:
        """Note that the request has left, and is held: nothing else says that a client is subscribed."""
        if self.client.sent_ns < self.asked_ns:  # it is still connecting
            self.holding.begin()
        elif not self.is_connected:
            self.cursor = SUBSCRIBED
            self.connected(None, self.client, self.client.sent_ns)

    def first_in(self, updates: list[Update], response: Response) -> Cursor | None:
        """Return None: the answer has no cursor."""
        del updates, response
        return None

    def updates_in(self, response: Response) -> list[Update]:
        """Return the updates in an answer.

        Raises BadAnswer when there is something else in it.
        """
        self.has_more = False
        if response.status != 200:
            return []
        reader = ObjectReader()
        try:
            messages = reader.feed(response.body + b"\n")
            updates = self.checked([update for message in messages for update in updates_of(message)])
        except (*NO_UPDATE, ObjectTooLarge) as error:
            raise BadAnswer(f"no updates: {error}; it begins {shown(response.body)}") from None
        if updates:
            is_single = len(messages) == 1 and not messages[0].startswith(b"[")
            self.has_more = self.asks_until_empty and is_single and updates[-1] != self.newest
            self.newest = updates[-1]
        return updates

    def position(self) -> Cursor | None:
        """Return the newest update's key, or nowhere."""
        return NOWHERE if self.newest is None else Cursor(self.newest.epoch, self.newest.seq)
