"""Polling: each request is answered at once, with what is newer than its cursor or with 204."""

from aiohttp import web

from services import heads
from services.answers import Conditional
from services.channel import Channel
from services.host import Port
from services.transport import ServerOptions, TransportService, cursor_of, latest_only_of, parameters_of
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
        that back.
        """
        parameters = parameters_of(request)
        after, condition = cursor_of(parameters), None
        if after is None or "If-None-Match" in request.headers:
            condition = Conditional.of(heads.entity_tags_of(request), channel.recent.cursor, after)
            after = condition.cursor
        position, latest_only = channel.recent.position(after), latest_only_of(parameters)
        return self.answers[channel].since(
            position,
            after,
            keep_alive=self.stays(request),
            latest_only=latest_only,
            condition=condition,
            headers=self.sharing.headers_for(request),
        )


SERVICE = Polling
