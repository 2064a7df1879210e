"""Network paths: what lies between clients and server."""

from typing import Annotated

import msgspec
from msgspec import Meta

from wirerace.transports.transport import TransportOptions


class NetworkPath(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The path between clients and server. It adds `delay_seconds` in each direction."""

    delay_seconds: Annotated[
        float, Meta(ge=0, le=5, description="delay in each direction, added by a proxy; 0 for no proxy")
    ] = 0.0

    @property
    def has_proxy(self) -> bool:
        """Return whether there is a proxy on it."""
        return self.delay_seconds > 0

    @property
    def round_trip_seconds(self) -> float:
        """How much longer an answer takes."""
        return 2 * self.delay_seconds

    def opening_seconds(self, options: TransportOptions) -> float:
        """Return how much longer a request takes because it opens a connection: 0 if connections are kept."""
        return self.round_trip_seconds if options.opens_anew else 0.0
