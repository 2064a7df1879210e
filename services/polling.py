"""Polling: each request is answered at once, with what is newer than its cursor or with 204."""

from collections.abc import Sequence

from aiohttp import web

from services.answers import Conditional, Encoded
from services.asking import AskedServerOptions, AskedService
from services.channel import Channel
from services.heads import TAGS_HEADER, entity_tags_in
from services.host import Port
from services.parameters import latest_only_of, parameters_of, start_of
from services.question import Question
from wirerace.transports.polling import TRANSPORT


class PollingServerOptions(AskedServerOptions, frozen=True, kw_only=True):
    """Options of the polling server."""

    port: Port = TRANSPORT.port


class Polling(AskedService):
    """The polling server."""

    name = TRANSPORT.name
    options_type = PollingServerOptions

    def __init__(self, options: PollingServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer now."""
        tags = entity_tags_in(request.headers) if TAGS_HEADER in request.headers else None
        question = self.question_of(parameters_of(request), channel, tags)
        form = self.form_of(request)
        reply = self.reply_to(question, channel.recent.position(question.after), form)
        reply.count_in(self.metrics)
        return Encoded(reply.encoded, keep_alive=form.keep_alive)

    def question_of(self, parameters: dict[str, str], channel: Channel, tags: Sequence[str] | None = None) -> Question:
        """Return what is asked for.

        A request without `after` may be conditional: its answer has the cursor as its ETag, and If-None-Match takes
        that back. Such a tag counts more than `last`, because the client keeps the URL.
        """
        after, condition = start_of(parameters, channel), None
        if tags is not None or "after" not in parameters:
            given = after if "after" in parameters else None
            condition = Conditional.of(tags or (), channel.recent.cursor, given)
            after = condition.cursor or after
        return Question(channel, after, latest_only_of(parameters), condition=condition)


SERVICE = Polling
