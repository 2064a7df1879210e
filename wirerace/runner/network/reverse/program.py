"""A program that is a reverse proxy, and what it is to do, as values."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.experiment.paths import NetworkPath

NO_VALUES: Mapping[str, str] = {}


LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 -- of a container, which publishes what it chooses


class Certificate(NamedTuple):
    """The files of a certificate, as PEM: it and those that signed it, and its key.

    HAProxy looks for the key beside the chain, in a file whose name is the chain's and `.key`.
    """

    chain: Path
    key: Path


class Route(NamedTuple):
    """What a reverse proxy is to do: forward from a port to servers' addresses for a number of clients.

    `servers` are such as `127.0.0.1:8001`, one or several replicas. `path` says how, `directory` is for everything that
    the program writes. In a container clients come from outside, it is not root, and has what Debian installs.
    Else they come to an `address` of this machine.
    """

    port: int
    servers: Sequence[str]
    clients: int
    path: NetworkPath
    directory: Path
    certificate: Certificate | None = None
    is_contained: bool = False
    address: str = LOOPBACK

    @property
    def host(self) -> str:
        """The address at which it listens."""
        address = EVERYWHERE if self.is_contained else self.address
        return f"[{address}]" if ":" in address else address


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
