"""Clients of a server under test: one module for each transport, found by its name.

Each has a class `Client` and the lines of its requests' heads, `HEADERS`.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from wirerace.errors import BadInput


def client_module(transport: str) -> Any:
    """Return the module of a transport's client.

    Raises BadInput when there is none.
    """
    name = f"{__name__}.{transport}"
    if find_spec(name) is None:
        raise BadInput(f"--transport {transport} cannot be checked yet: it has no {name.replace('.', '/')}.py")
    return import_module(name)
