"""Contestants: what is compared. Each is a transport with its options and its network path, under an id."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wirerace.decoding import convert
from wirerace.errors import BadInput, shown
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.servers import ForeignServer, foreign_server
from wirerace.transports import TRANSPORTS
from wirerace.transports.transport import Transport, TransportOptions

MOST_ID = 40
_ID = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


class ContestantTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A contestant besides the names in `transports`: a transport with other options, or on another path."""

    id: Annotated[str, Meta(description="its name in files and in result.json: a to z, 0 to 9 and single hyphens")]
    transport: Annotated[str, Meta(description="the name of its transport")]
    title: Annotated[str, Meta(description="its name in tables; empty: the transport, and the id in brackets")] = ""
    options: Annotated[
        dict[str, Any],
        Meta(description="options that differ from the transport's own table, for example `keep_alive = false`"),
    ] = {}
    path: Annotated[str, Meta(description="its network path, a name in `[paths]`; empty: that of the experiment")] = ""
    server: (
        Annotated[
            ForeignServer,
            Meta(description="somebody else's server, in place of ours", extra={"example": '{ start = "nchan" }'}),
        ]
        | None
    ) = None


class Contestant(msgspec.Struct, frozen=True):
    """A transport with its options and its network path, under an id; `title` is for people.

    `server` is somebody else's; None for ours.
    """

    id: str
    title: str
    transport: Transport
    options: TransportOptions
    path: NetworkPath = NetworkPath()
    server: ForeignServer | None = None


def is_id(text: str) -> bool:
    """Return whether a text can name a contestant."""
    return len(text) <= MOST_ID and _ID.fullmatch(text) is not None


def shorthand(name: str, options: TransportOptions, path: NetworkPath) -> Contestant:
    """Return the contestant that a name in `transports` stands for: its id is the transport's name."""
    transport = TRANSPORTS[name]
    return Contestant(name, transport.title, transport, options, path)


def contestant_of(table: ContestantTable, plain: TransportOptions, path: NetworkPath, at: str) -> Contestant:
    """Return the contestant in a table. `plain` are its transport's options; errors call the table `at`.

    Raises BadInput, naming the key and the cure.
    """
    if not is_id(table.id):
        raise BadInput(f"{at}.id must be 1 to {MOST_ID} of a to z, 0 to 9 and single hyphens, got {shown(table.id)}")
    transport = TRANSPORTS[table.transport]
    options = convert(msgspec.to_builtins(plain) | table.options, transport.options, f"{at}.options")
    title = table.title or f"{transport.title} ({table.id.removeprefix(f'{transport.name}-')})"
    server = None if table.server is None else foreign_server(table.server, transport, options, f"{at}.server")
    if server is not None and server.has_tls:
        path = msgspec.structs.replace(path, tls=True)
    return Contestant(table.id, title, transport, options, path, server)


def transport_options(name: str, at: str, given: TransportOptions | None) -> TransportOptions:
    """Return the options of a transport from its table, or their defaults.

    Raises BadInput, naming all transports, when there is none of this name.
    """
    if name not in TRANSPORTS:
        raise BadInput(f"{at}: there is no {shown(name)}; there are {', '.join(TRANSPORTS)}")
    return TRANSPORTS[name].options() if given is None else given
