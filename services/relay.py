"""Relay: a server passes its clients' messages on to the producer, which makes an update of each."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from services.feeds import Ask, NotPassed, feed_at
from wirerace.errors import printable
from wirerace.wire.message import Passed, encode
from wirerace.wire.update import NO_UPDATE

MOST_WAITING, MOST_WAITING_BYTES = 10_000, 16 * 1024 * 1024
"""The limits of what waits for the producer. Other messages are refused, and their clients try again."""
AT_ONCE_MESSAGES, AT_ONCE_BYTES = 1_000, 1024 * 1024
"""The bound of what one request carries. A single message may exceed it."""
MOST_ANSWER_BYTES = 16 * AT_ONCE_MESSAGES
"""The limit of the producer's answer, which is a list of true and false."""
PASS_SECONDS = 3.0
"""How long the producer may take to answer."""

Then = Callable[[bool], None]
"""Called once, with whether the producer has made an update of the message."""

logger = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    message: Passed
    then: Then

    @property
    def size_bytes(self) -> int:
        """The bytes of the payload, or more."""
        data = self.message.data
        return len(data) if data.isascii() else 4 * len(data)

    def settle(self, *, is_made: bool) -> None:
        """Report the outcome. A failure of one client must not affect the others."""
        try:
            self.then(is_made)
        except Exception:
            logger.exception("a client could not be answered")


class Relay:
    """Passes messages on in the order of their arrival. What came while a request was under way goes with the next.

    Nothing is tried again here: the client repeats a message that is not acknowledged, and its key counts once. When
    the producer does not take some, those that wait behind them are refused at once.
    """

    def __init__(self, producer_url: str) -> None:
        self._url = producer_url
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._under_way: list[_Waiting] = []
        self._wanted = asyncio.Event()
        self._is_failing = False
        self._has_ended = False

    def add(self, message: Passed, then: Then) -> None:
        """Pass a message on, and call `then` with the outcome: later, or now if too many wait."""
        waiting = _Waiting(message, then)
        if self._has_ended or len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES:
            waiting.settle(is_made=False)
            return
        self._waiting.append(waiting)
        self._waiting_bytes += waiting.size_bytes
        self._wanted.set()

    async def work(self) -> None:
        """Pass on what comes, until cancelled."""
        async with feed_at(self._url).passing(self._url, PASS_SECONDS, MOST_ANSWER_BYTES) as ask:
            while True:
                await self._wanted.wait()
                while self._waiting:
                    await self._pass(ask, self._portion())
                self._wanted.clear()

    def end(self) -> None:
        """Refuse what has no answer yet: the server stops. The producer may have it: its key counts once even so."""
        self._has_ended = True
        self._settle([False] * len(self._under_way))
        self._refuse_all()

    def _settle(self, outcomes: list[bool]) -> None:
        """Report the outcomes of what is under way, in order, unless that is done already."""
        settled, self._under_way = self._under_way, []
        for waiting, is_made in zip(settled, outcomes, strict=False):
            waiting.settle(is_made=is_made)

    def _refuse_all(self) -> None:
        while self._waiting:
            self._next().settle(is_made=False)

    def _next(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._waiting_bytes -= waiting.size_bytes
        return waiting

    def _portion(self) -> list[_Waiting]:
        portion: list[_Waiting] = []
        size_bytes = 0
        while self._waiting and len(portion) < AT_ONCE_MESSAGES and size_bytes < AT_ONCE_BYTES:
            portion.append(self._next())
            size_bytes += portion[-1].size_bytes
        return portion

    async def _pass(self, ask: Ask, portion: list[_Waiting]) -> None:
        self._under_way = portion
        outcomes = [False] * len(portion)
        try:
            answer = await ask(encode([waiting.message for waiting in portion]))
            outcomes = outcomes_in(answer, len(portion))
            self._is_failing = False
        except (OSError, NotPassed) as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            logger.log(level, "messages are not passed on to %s: %s", self._url, printable(str(error)) or "no answer")
            self._is_failing = True
        finally:
            self._settle(outcomes)
        if self._is_failing:
            self._refuse_all()


def outcomes_in(answer: bytes, count: int) -> list[bool]:
    """Return what the producer answers for `count` messages. Raises NotPassed when that is none."""
    try:
        outcomes = msgspec.json.decode(answer, type=list[bool])
    except NO_UPDATE as error:
        raise NotPassed(f"its answer is none: {error}") from None
    if len(outcomes) != count:
        raise NotPassed(f"it answers for {len(outcomes)} of {count} messages")
    return outcomes
