"""The transports: each module of this package but `transport.py` is one, and is found by its name."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from wirerace.transports.longpolling import LongPollingOptions
from wirerace.transports.polling import PollingOptions
from wirerace.transports.transport import HttpOptions, Transport, TransportOptions
from wirerace.transports.websocket import WebSocketOptions

# The options of single transports are here for code that names these transports. Those of a new one need not be.
__all__ = [
    "PRODUCER_PORT",
    "TRANSPORTS",
    "HttpOptions",
    "LongPollingOptions",
    "PollingOptions",
    "Transport",
    "TransportOptions",
    "WebSocketOptions",
    "title_of",
]

PRODUCER_PORT = 8000


def _found() -> Iterator[Transport]:
    """Yield the transport of each module."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if module.name != Transport.__module__:
            yield import_module(module.name).TRANSPORT


TRANSPORTS: dict[str, Transport] = {
    transport.name: transport for transport in sorted(_found(), key=lambda transport: transport.port)
}
"""All of them by name, in the order of their ports: tables, charts and help list them so."""


def title_of(transport: str, variant: str) -> str:
    """Return what people see of a transport at one setting."""
    title = TRANSPORTS[transport].title
    return f"{title} ({variant})" if variant else title
