"""Long polling: each request is held until there is an update newer than its cursor, or its hold ends with 204."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.answers import Encoded
from services.asking import AskedServerOptions, AskedService
from services.channel import Channel
from services.connection import ServerConnection
from services.host import Port
from services.parameters import latest_only_of, parameters_of, seconds_of, start_of
from services.question import Question
from wirerace.transports.longpolling import TRANSPORT

MOST_HOLD_SECONDS = 3600.0


class LongPollingServerOptions(AskedServerOptions, frozen=True, kw_only=True):
    """Options of the long-polling server."""

    port: Port = TRANSPORT.port
    hold_seconds: Annotated[
        float, Meta(ge=0, le=MOST_HOLD_SECONDS, description="how long a request without `hold` is held")
    ] = 25.0


class LongPolling(AskedService):
    """The long-polling server."""

    name = TRANSPORT.name
    options_type = LongPollingServerOptions
    options: LongPollingServerOptions

    def __init__(self, options: LongPollingServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer as soon as there is a newer update."""
        question = self.question_of(parameters_of(request), channel)
        connection, hold_seconds = request.protocol, question.hold_seconds
        if not isinstance(connection, ServerConnection):
            raise ConnectionResetError("the client has gone")
        if connection.has_ended:  # Its sending side has ended: a held request would look abandoned.
            hold_seconds = 0.0

        def answer(position: int) -> Encoded:
            form = self.form_of(request)
            reply = self.reply_to(question, position, form)
            reply.count_in(self.metrics)
            return Encoded(reply.encoded, keep_alive=form.keep_alive)

        def write(position: int) -> Encoded:
            return answer(position).written_to(request)

        connection.is_left_at_end = True
        written = await channel.once_newer(question.after, hold_seconds, write)
        connection.is_left_at_end = False
        return written or answer(channel.recent.position(question.after))

    def question_of(
        self,
        parameters: dict[str, str],
        channel: Channel,
        tags: Sequence[str] | None = None,  # noqa: ARG002 -- they are for requests that are not held
    ) -> Question:
        """Return what is asked for, and for how long the request is held."""
        after, latest_only = start_of(parameters, channel), latest_only_of(parameters)
        hold_seconds = seconds_of(parameters, "hold", self.options.hold_seconds, MOST_HOLD_SECONDS)
        return Question(channel, after, latest_only, hold_seconds)


SERVICE = LongPolling
