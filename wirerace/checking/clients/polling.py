"""Polling: it asks again and again."""

import asyncio
import time

import msgspec

from wirerace.checking.clients.client import ContractClient, expect_status
from wirerace.checking.http import Answer
from wirerace.checking.verdicts import Unkept
from wirerace.wire.update import NO_UPDATE

POLL_SECONDS = 0.01
HEADERS: tuple[str, ...] = ()
NOTHING_NEW = 204


class RawBatch(msgspec.Struct, frozen=True):
    """The answer to a poll, whose updates are left as they are spelled."""

    updates: list[msgspec.Raw]
    more: bool = False


class PollClient(ContractClient):
    """Polls. A connection that the server has closed is opened again, as HTTP allows."""

    hold = ""

    async def subscribe(self) -> Answer:
        """Poll once, without a hold."""
        self._talk = await self._connect()
        self.first = self._take(await self._ask("hold=0" if self.hold else "", within=None))
        return self.first

    async def listen(self, within: float) -> bool:
        """Poll again."""
        begun, before = time.monotonic(), len(self.receipts)
        try:
            self._take(await self._ask(self.hold, within))
        except Unkept as unkept:
            if time.monotonic() - begun < within or not unkept.is_silent:
                raise
            self.talk.close()
            self._talk = await self._connect()  # The answer may still come, to a question that is no longer asked.
            return False
        if len(self.receipts) == before:
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _ask(self, hold: str, within: float | None) -> Answer:
        if self.talk.has_ended:
            self._talk = await self._connect()
        query = "&".join(filter(None, (f"after={self.cursor}" if self.cursor else "", self._query, hold)))
        answer = await self.talk.ask(self._spell(query, *self._headers), within)
        if answer.ends_the_connection:
            self.talk.close()
            self._talk = await self._connect()
        return answer

    def _take(self, answer: Answer) -> Answer:
        expect_status(answer, 200, NOTHING_NEW)
        if answer.status == NOTHING_NEW:
            self.cursor = answer.cursor or self.cursor
            return answer
        *others, last = updates_in(answer)
        for encoded in others:
            self.keep(encoded)
        self.keep(last, answer.cursor)
        self._query = "&".join(part for part in self._query.split("&") if not part.startswith("last="))
        return answer


def updates_in(answer: Answer) -> list[bytes]:
    """Return the updates in an answer, each encoded.

    Raises Unkept when it is no batch, or has none.
    """
    try:
        updates = msgspec.json.decode(answer.body, type=RawBatch).updates
    except NO_UPDATE as error:
        raise Unkept('{"updates": [...]}', f"something else ({error})", answer.seen) from None
    if not updates:
        raise Unkept("at least one update in an answer of status 200, or 204", "none", answer.seen)
    return [bytes(update) for update in updates]


Client = PollClient
