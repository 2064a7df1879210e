"""Long polling: each request is held until there is an update newer than its cursor, or its hold ends with 204."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from services.answers import Encoded
from services.channel import Channel
from services.connection import ServerConnection
from services.host import Port
from services.parameters import latest_only_of, parameters_of, seconds_of, start_of
from services.transport import ServerOptions, TransportService
from wirerace.transports.longpolling import TRANSPORT

MOST_HOLD_SECONDS = 3600.0


class LongPollingServerOptions(ServerOptions, frozen=True, kw_only=True):
    """Options of the long-polling server."""

    port: Port = TRANSPORT.port
    hold_seconds: Annotated[
        float, Meta(ge=0, le=MOST_HOLD_SECONDS, description="how long a request without `hold` is held")
    ] = 25.0


class LongPolling(TransportService):
    """The long-polling server."""

    name = TRANSPORT.name
    options_type = LongPollingServerOptions
    options: LongPollingServerOptions

    def __init__(self, options: LongPollingServerOptions) -> None:
        super().__init__(options, TRANSPORT.path)

    async def deliver(self, request: web.BaseRequest, channel: Channel) -> web.StreamResponse:
        """Answer as soon as there is a newer update."""
        parameters = parameters_of(request)
        after, latest_only = start_of(parameters, channel), latest_only_of(parameters)
        hold_seconds = seconds_of(parameters, "hold", self.options.hold_seconds, MOST_HOLD_SECONDS)
        connection = request.protocol
        if not isinstance(connection, ServerConnection):
            raise ConnectionResetError("the client has gone")
        if connection.has_ended:  # Its sending side has ended: a held request would look abandoned.
            hold_seconds = 0.0

        answers = self.answers[channel]

        def answer(position: int) -> Encoded:
            return answers.since(position, after, self.form_of(request), latest_only=latest_only)

        connection.is_left_at_end = True
        written = await channel.once_newer(after, hold_seconds, lambda position: answer(position).written_to(request))
        connection.is_left_at_end = False
        return written or answer(channel.recent.position(after))


SERVICE = LongPolling
