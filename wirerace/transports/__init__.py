"""The transports: each module of this package except `transport.py` is one, and is found by its name."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from wirerace.transports.transport import Transport

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
