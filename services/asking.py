"""Asking: what the servers have in common whose clients ask, and get one answer to each request."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

from msgspec import Meta

from services.answers import Form, Reply
from services.channel import Channel
from services.connection import ServerConnection
from services.fast import FastConnection
from services.parameters import channel_of, parameters_in
from services.prompt import PromptAnswers
from services.question import Question
from services.transport import ServerOptions, TransportService
from services.watching import Looked
from wirerace.errors import BadInput
from wirerace.transports.transport import Serving


class AskedServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of servers whose clients ask."""

    serving: Annotated[
        Serving, Meta(description="how requests are answered: fast, or each by way of aiohttp (plain)")
    ] = "fast"


class AskedService(TransportService):
    """A server that is asked. With fast serving, aiohttp gets only what `PromptAnswers` has no answer to."""

    options: AskedServerOptions

    def __init__(self, options: AskedServerOptions, path: str) -> None:
        super().__init__(options, path)
        self._path = path
        self._prompt: PromptAnswers | None = None

    @abstractmethod
    def question_of(self, parameters: dict[str, str], channel: Channel, tags: Sequence[str] | None = None) -> Question:
        """Return what the parameters of a query ask for; `tags` are those of If-None-Match, None without it.

        Raises BadInput when one is malformed.
        """

    def question(self, query: str, tags: Sequence[str] | None) -> Question | None:
        """Return what a query asks for, with entity tags; None when the answer is an error, or cannot be given yet."""
        if self.ending or not self.feed.caught_up:
            return None
        try:
            parameters = parameters_in(query)
            channel = self.feed.channels.get(channel_of(parameters))
            return None if channel is None else self.question_of(parameters, channel, tags)
        except BadInput:
            return None

    def form_for(self, origin: str, *, stays: bool) -> Form:
        """Return the form of an answer, to a page of that origin, or to a program, whose origin is empty."""
        return Form(stays, self.sharing.headers_for_origin(origin))

    def reply_to(self, question: Question, position: int, form: Form) -> Reply:
        """Return the reply to a question of a client that has everything up to `position`."""
        return self.answers[question.channel].find(
            position, question.after, form, latest_only=question.latest_only, condition=question.condition
        )

    def accept(self, new_connection: Callable[[], ServerConnection]) -> asyncio.Protocol:
        """Return what takes the bytes of a new client."""
        if self.options.serving == "plain":
            return new_connection()
        if self._prompt is None:
            self._prompt = PromptAnswers(self, self._path, self.options.keep_alive_seconds, new_connection)
        return FastConnection(self._prompt)

    def connections(self) -> Iterable[Looked]:
        """Return the fast connections."""
        return () if self._prompt is None else self._prompt.connections

    def end(self) -> None:
        """Answer the held requests, and close the fast connections."""
        super().end()
        if self._prompt is not None:
            self._prompt.end()
