"""Relay: a server passes its clients' messages on to the producer, which makes an update of each."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
import msgspec

from wirerace.errors import WireraceError, printable
from wirerace.wire.message import Passed, encode

MOST_WAITING = 10_000
"""The limit of messages that wait for the producer. Others are refused, and their clients try again."""
AT_ONCE_MESSAGES, AT_ONCE_BYTES = 1_000, 1024 * 1024
"""The bound of what one request carries. A single message may exceed it."""
PASS_SECONDS = 3.0

Then = Callable[[bool], None]
"""Called once, with whether the producer has made an update of the message."""

logger = logging.getLogger(__name__)


class NotPassed(WireraceError):
    """The producer did not take messages."""


class _Waiting(NamedTuple):
    message: Passed
    then: Then


class Relay:
    """Passes messages on in the order of their arrival. What came while a request was under way goes with the next.

    Nothing is tried again here: the client repeats a message that is not acknowledged, and its key counts once.
    """

    def __init__(self, producer_url: str) -> None:
        self._url = f"{producer_url}/messages"
        self._waiting: deque[_Waiting] = deque()
        self._wanted = asyncio.Event()
        self._is_failing = False

    def add(self, message: Passed, then: Then) -> None:
        """Pass a message on, and call `then` with the outcome: later, or now if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            then(False)
            return
        self._waiting.append(_Waiting(message, then))
        self._wanted.set()

    async def work(self) -> None:
        """Pass on what comes, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=PASS_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
            while True:
                await self._wanted.wait()
                while self._waiting:
                    await self._pass(session, self._portion())
                self._wanted.clear()

    def end(self) -> None:
        """Give up what waits: the server stops."""
        while self._waiting:
            self._waiting.popleft().then(False)

    def _portion(self) -> list[_Waiting]:
        portion: list[_Waiting] = []
        size_bytes = 0
        while self._waiting and len(portion) < AT_ONCE_MESSAGES and size_bytes < AT_ONCE_BYTES:
            portion.append(self._waiting.popleft())
            size_bytes += len(portion[-1].message.data)
        return portion

    async def _pass(self, session: aiohttp.ClientSession, portion: list[_Waiting]) -> None:
        outcomes = [False] * len(portion)
        try:
            outcomes = await self._asked(session, [waiting.message for waiting in portion])
            self._is_failing = False
        except (aiohttp.ClientError, TimeoutError, OSError, NotPassed) as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            logger.log(level, "messages are not passed on to %s: %s", self._url, printable(str(error)) or "no answer")
            self._is_failing = True
        finally:
            for waiting, is_made in zip(portion, outcomes, strict=True):
                waiting.then(is_made)

    async def _asked(self, session: aiohttp.ClientSession, messages: list[Passed]) -> list[bool]:
        """Return of each message whether the producer has made an update of it. Raises NotPassed."""
        async with session.post(self._url, data=encode(messages), allow_redirects=False) as response:
            answer = await response.read()
            if response.status != HTTPStatus.OK:
                raise NotPassed(f"it answers with {response.status}")
        try:
            made = msgspec.json.decode(answer, type=list[bool])
        except msgspec.DecodeError as error:
            raise NotPassed(f"its answer is none: {error}") from None
        if len(made) != len(messages):
            raise NotPassed(f"it answers for {len(made)} of {len(messages)} messages")
        return made
