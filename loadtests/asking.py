"""The base of users that ask: one request at a time, each with one answer, good or bad."""

from gevent.lock import BoundedSemaphore
from locust.env import Environment

from loadtests import wall
from loadtests.http import Response
from loadtests.remembering import Remembering
from loadtests.speech import AskingClient
from loadtests.user import Received, SubscriberUser
from wirerace.errors import BadAnswer, BadCursor, Refused, shown
from wirerace.observe.account import Outcome
from wirerace.wire.update import CURSOR_HEADER, NO_UPDATE, Batch, Cursor, Update, decode_batch

NOTHING_NEW = Batch([])
batch_of = Remembering(decode_batch)
cursor_of = Remembering(Cursor.parse)


class AskingUser(SubscriberUser):
    """A client that asks."""

    __slots__ = ("client", "has_more", "is_asking", "turn")
    abstract = True
    request_method = "GET"
    together = True
    repeats_lost = False
    """Whether a lost request was certainly not held, so that it is sent again."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.has_more = False  # the last answer was partial
        self.is_asking = False
        self.turn: BoundedSemaphore | None = None  # of the connection, while it carries messages, too
        self.client = self.new_client()

    def new_client(self) -> AskingClient:
        """Return what its requests go over."""
        return self.speech.asking(
            keep_alive=self.options.keep_alive,
            extra_header_bytes=self.options.extra_header_bytes,
            repeats_lost=self.repeats_lost,
        )

    def ask(self, target: str, sent_ns: int, headers: str = "") -> Received:
        """Ask for `target`; the request was due to leave at `sent_ns`. A 204 or 304 yields no updates."""
        account, client, turn = self.account, self.client, self.turn
        self.requests += 1
        account.request(sent_ns)
        connects, repeats = client.connects, client.repeats
        if turn is not None:
            turn.acquire()
        self.is_asking = True
        self.asked_ns = wall.now_ns()
        try:
            response = client.get(target, headers)
            updates = self.updates_in(response)
        except Refused:
            self.note_refusal()
            raise
        finally:
            self.is_asking = False
            if turn is not None:
                turn.release()
            if client.connects != connects:
                account.totals.connects += client.connects - connects
                account.totals.repeated_requests += client.repeats - repeats
        self.has_newer = response.stamp.is_bound
        arrival_ns = response.stamp.arrival_ns
        took_ns = arrival_ns - self.asked_ns
        self.note_request(took_ns, len(response.body))
        outcome: Outcome = "data" if updates else "empty"
        account.response(outcome, arrival_ns, took_ns, is_partial=self.has_more)
        if not self.is_connected:
            self.connected(self.first_in(updates, response), client, arrival_ns)
        self.asked_ns = 0
        self.cursor = response.cursor
        return updates, response.stamp

    def first_in(self, updates: list[Update], response: Response) -> Cursor | None:
        """Return where a subscription begins: before an answer's updates, though its cursor lies after them."""
        return Cursor(updates[0].epoch, updates[0].seq - 1) if updates else cursor_of(response.cursor)

    def note_late(self, received: Received, late_ns: int) -> None:
        """Note what waited for a request that left `late_ns` late, because the answer before it had lain unread.

        A request that is answered at once was at the server half-way between its leaving and its answer. What was made
        before has waited for it. A request that was held left long before its update was made, and so lies the middle.
        """
        updates, stamp = received
        if updates and 2 * updates[0].ts < self.client.sent_ns + stamp.arrival_ns:  # the first is the oldest
            self.account.asked_late(updates, late_ns, (self.client.sent_ns + stamp.arrival_ns) // 2)

    def updates_in(self, response: Response) -> list[Update]:
        """Return the updates in an answer, which must have a cursor to continue from.

        Raises BadAnswer when the answer is malformed.
        """
        try:
            if response.cursor != self.cursor or not self.cursor:
                cursor_of(response.cursor)
            batch = batch_of(response.body) if response.status == 200 else NOTHING_NEW
        except BadCursor:
            raise BadAnswer(f"{CURSOR_HEADER} is no cursor, got {shown(response.cursor)}") from None
        except NO_UPDATE as error:
            raise BadAnswer(f"no batch of updates: {error}") from None
        self.has_more = batch.more
        if batch.more and not self._goes_on(batch.updates, response.cursor):
            raise BadAnswer(f"an answer with more to come must end at its last update, not at {shown(response.cursor)}")
        return self.checked(batch.updates)

    def _goes_on(self, updates: list[Update], cursor: str) -> bool:
        """Return whether the client asks again at once: after a partial answer with something new."""
        return bool(updates) and f"{updates[-1].epoch}-{updates[-1].seq}" == cursor != self.cursor

    @property
    def is_open(self) -> bool:
        """Return whether the connection was kept, or a request is under way."""
        return self.client.is_open

    def hang_up(self) -> None:
        """Close the connection."""
        self.client.close()
