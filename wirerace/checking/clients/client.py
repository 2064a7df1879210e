"""Clients of the server under test: they subscribe, receive and remember the cursor at which they would resume.

They take whatever form an update comes in. That each form is right is a promise of its own, so that one fault is one
failure.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import msgspec

from wirerace.checking.http import Answer
from wirerace.checking.talk import Talk
from wirerace.checking.verdicts import Unkept
from wirerace.wire.update import NO_UPDATE, Update, decode_update

Connect = Callable[[], Awaitable[Talk]]
Spell = Callable[..., bytes]
"""Returns the transport's request for a query and headers."""


class Receipt(msgspec.Struct, frozen=True):
    """One update as it came, and the cursor that came with it: its event's id, or that of the answer."""

    update: Update
    encoded: bytes
    cursor: str


class ContractClient(ABC):
    """One client. `cursor` is where it would resume, `first` its first answer, `receipts` all that it received."""

    first: Answer

    def __init__(self, connect: Connect, spell: Spell, after: str = "", query: str = "", headers: str = "") -> None:
        self.cursor = after
        self.receipts: list[Receipt] = []
        self.ended = ""
        """How the connection ended, empty while it is open."""
        self.taken = 0
        self._connect = connect
        self._spell = spell
        self._query = query
        self._headers = [headers] if headers else []
        self._talk: Talk | None = None

    @property
    def talk(self) -> Talk:
        """The connection."""
        assert self._talk is not None  # noqa: S101 -- it has subscribed
        return self._talk

    @abstractmethod
    async def subscribe(self) -> Answer:
        """Ask for updates, and return the first answer.

        Raises Unkept when it is a refusal.
        """

    @abstractmethod
    async def listen(self, within: float) -> bool:
        """Read what comes next; return whether there may be more. `ended` says why there is not."""

    async def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Read until `holds` returns true, or the time is over; return whether it does."""
        deadline = time.monotonic() + within
        while not holds() and (left := deadline - time.monotonic()) > 0:
            if not await self.listen(left):
                break
        return holds()

    async def receive(self, count: int, within: float) -> list[Receipt]:
        """Return the next `count` updates, or fewer if no more come in time."""
        await self.until(lambda: len(self.receipts) >= self.taken + count, within)
        found = self.receipts[self.taken : self.taken + count]
        self.taken += len(found)
        return found

    def close(self) -> None:
        """Go away at once."""
        if self._talk is not None:
            self._talk.close()

    async def begin(self) -> Answer:
        """Connect, ask and return the head of the answer."""
        self._talk = await self._connect()
        query = "&".join(filter(None, (f"after={self.cursor}" if self.cursor else "", self._query)))
        await self._talk.send(self._spell(query, *self._headers))
        return await self._talk.head()

    def keep(self, encoded: bytes, cursor: str = "") -> None:
        """Keep an update that came. Raises Unkept when it is none."""
        update = update_in(encoded)
        self.cursor = cursor or f"{update.epoch}-{update.seq}"
        self.receipts.append(Receipt(update, encoded, cursor))


def update_in(encoded: bytes) -> Update:
    """Return an update.

    Raises Unkept when it is none.
    """
    try:
        return decode_update(encoded)
    except NO_UPDATE as error:
        raise Unkept("one update as a JSON object", f"something else ({error})", encoded) from None


def expect_status(answer: Answer, *statuses: int) -> Answer:
    """Return an answer, if it has one of these statuses. Raises Unkept otherwise."""
    if answer.status not in statuses:
        raise Unkept(f"status {' or '.join(map(str, statuses))}", f"{answer.status}", answer.seen)
    return answer
