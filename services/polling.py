"""Polling: each request is answered at once, with what is newer than its cursor or with 204."""

from aiohttp import web

from services import heads
from services.answers import Conditional
from services.channel import Channel
from services.host import Port
from services.parameters import latest_only_of, parameters_of, start_of
from services.transport import ServerOptions, TransportService
from wirerace.transports.polling import TRANSPORT


class PollingServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of the polling server."""

    port: Port = TRANSPORT.port


class Polling(TransportService):
    """The polling server."""

    name = TRANSPORT.name
    options_type = PollingServerOptions

    def __init__(self, options: PollingServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer now.

        A request without `after` may be conditional: its answer has the cursor as its ETag, and If-None-Match takes
        that back. Such a tag counts more than `last`, because the client keeps the URL.
        """
        parameters = parameters_of(request)
        after, condition = start_of(parameters, channel), None
        if "after" not in parameters or "If-None-Match" in request.headers:
            tags, given = heads.entity_tags_of(request), after if "after" in parameters else None
            condition = Conditional.of(tags, channel.recent.cursor, given)
            after = condition.cursor or after
        position, latest_only = channel.recent.position(after), latest_only_of(parameters)
        form = self.form_of(request)
        return self.answers[channel].since(position, after, form, latest_only=latest_only, condition=condition)


SERVICE = Polling
