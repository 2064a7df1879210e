"""Polling: each request is answered at once, with what is newer than its cursor or with 204."""

from aiohttp import web

from services.host import Port
from services.transport import ServerOptions, TransportService, cursor_of, parameters_of
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

    async def deliver(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer at once."""
        after = cursor_of(parameters_of(request))
        return self.newer(request, self.feed.recent.position(after), after)


SERVICE = Polling
