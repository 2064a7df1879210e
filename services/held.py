"""Held requests: those with the same target wait together, get one answer, and have one timer."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from itertools import takewhile

from services.channel import Waiter
from services.fast import FastConnection
from services.ordinary import OrdinaryHead
from services.question import Asked, Question
from services.turns import Turns

TICK_SECONDS = 0.001  # The event loop counts in milliseconds.

logger = logging.getLogger(__name__)


class HeldRequests:
    """Requests for the same, in the order in which they came. That is the order of their deadlines, too."""

    __slots__ = ("_asked", "_connections", "_forget", "_head", "_question", "_timer", "_turns")

    def __init__(
        self, asked: Asked, question: Question, head: OrdinaryHead, turns: Turns, forget: Callable[[], object]
    ) -> None:
        """Begin with none; `forget` is called when none is left."""
        self._asked = asked
        self._question = question
        self._head = head
        self._turns = turns
        self._forget = forget
        self._connections: dict[FastConnection, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        position = question.channel.recent.position(question.after)
        question.channel.wait(self, Waiter(position, question.after, self._answer_all, self._end))

    def take(self, connection: FastConnection) -> None:
        """Hold a connection's request."""
        self._connections[connection] = None
        connection.held = self
        connection.held_at = self._turns.mark()
        self._asked.metrics.held_requests += 1
        if self._timer is None:
            self._set_timer(connection.since)

    def leave(self, connection: FastConnection) -> None:
        """Forget a connection, whose client has gone."""
        self._remove([connection])

    def end_one(self, connection: FastConnection) -> None:
        """Answer a connection as it is, and close it."""
        self._answer([connection], self._position, stays=False)

    def _answer_all(self, position: int) -> None:
        self._answer(list(self._connections), position)

    def _end(self) -> None:
        self._answer(list(self._connections), self._position, stays=False)

    @property
    def _position(self) -> int:
        return self._question.channel.recent.position(self._question.after)

    def _answer(self, connections: list[FastConnection], position: int, *, stays: bool = True) -> None:
        """Answer some of them. A defect costs these clients their connections, and no other client its answer."""
        self._remove(connections)
        asked = self._asked
        stays = stays and self._head.stays
        now = asyncio.get_running_loop().time()
        try:
            reply = asked.reply_to(self._question, position, asked.form_for(self._head.origin, stays=stays))
            written = sum([one.release(reply.encoded, now, stays=stays) for one in connections])
            reply.count_in(asked.metrics, written)
        except Exception:
            logger.exception("held requests failed")
            for connection in connections:
                connection.transport.abort()

    def _remove(self, connections: Iterable[FastConnection]) -> None:
        for connection in connections:
            del self._connections[connection]
            connection.held = None
            self._asked.metrics.held_requests -= 1
        if not self._connections:
            if self._timer is not None:
                self._timer.cancel()
            self._forget()
            self._question.channel.leave(self)

    def _set_timer(self, since: float) -> None:
        at = since + self._question.hold_seconds
        self._timer = asyncio.get_running_loop().call_at(at, self._look)

    def _look(self) -> None:
        """Answer those whose hold has ended, and look again when the next one's does."""
        latest = asyncio.get_running_loop().time() + TICK_SECONDS - self._question.hold_seconds
        due = list(takewhile(lambda connection: connection.since <= latest, self._connections))
        if due:
            self._answer(due, self._position)
        first = next(iter(self._connections), None)
        if first is not None:
            self._set_timer(first.since)
