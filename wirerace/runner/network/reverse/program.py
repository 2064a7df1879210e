"""A program that is a reverse proxy, and what it is to do, as values."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from wirerace.experiment.paths import NetworkPath

NO_VALUES: Mapping[str, str] = {}


class Certificate(NamedTuple):
    """The files of a certificate, as PEM: it and those that signed it, and its key."""

    chain: Path
    key: Path


class Route(NamedTuple):
    """What a reverse proxy is to do: forward from a port to the server's, on loopback, for a number of clients.

    `path` says how, `directory` is for everything that the program writes.
    """

    port: int
    server_port: int
    clients: int
    path: NetworkPath
    directory: Path
    certificate: Certificate | None = None


class Program(NamedTuple):
    """A reverse proxy. `{file}` and `{directory}` in arguments are its configuration, and where it may write.

    `values` returns what the configuration needs besides the route, and raises BadInput for what is not installed.
    """

    name: str
    package: str
    """Debian's name for it."""
    ending: str
    """That of its configuration files."""
    start: tuple[str, ...]
    check: tuple[str, ...]
    """What says whether a configuration is valid, and exits with 0 if it is."""
    version: tuple[str, ...]
    values: Callable[[Route], Mapping[str, str]] = lambda _: NO_VALUES
    variables: tuple[str, ...] = ()
    """Environment variables that name the directory in which it may write."""
