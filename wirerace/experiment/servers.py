"""Other people's servers as contestants: where clients subscribe, in which dialect, and how updates get there."""

import shlex
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from wirerace.addresses import is_host
from wirerace.errors import BadInput, shown
from wirerace.experiment.shipped import Publisher, shipped_servers
from wirerace.options import fields_at
from wirerace.transports.transport import Transport, TransportOptions
from wirerace.wire.dialect import Dialect

OURS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are this machine."""
SECURE = frozenset({"https", "wss"})
"""Schemes of URLs whose clients speak TLS."""
SOME_PORTS = {"port": "9000", "publish_port": "9001"}
"""In place of the ports that a trial chooses."""


class ForeignServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Somebody else's server, in place of Wirerace's own: one that runs already, or one that each trial starts."""

    start: Annotated[
        str, Meta(description="a server that Wirerace comes with and starts; the other keys have their values then")
    ] = ""
    url: Annotated[
        str, Meta(description="where clients subscribe, path included; `{port}` is the port of the `command`")
    ] = ""
    authority_file: Annotated[
        str,
        Meta(description="a file with the authority of its certificate, as PEM, for https; empty: the system's"),
    ] = ""
    dialect: Annotated[Dialect, Meta(description="how it says its updates: as docs/contract.md, or as they are")] = (
        "contract"
    )
    publisher: Annotated[
        Publisher,
        Meta(description="how Wirerace publishes each update to it; none: it follows the producer's feed itself"),
    ] = "none"
    publish_url: Annotated[str, Meta(description="where updates are published")] = ""
    topic: Annotated[str, Meta(description="the topic of updates, for mercure")] = ""
    token_file: Annotated[
        str, Meta(description="a file with the publisher's bearer token, in place of $WIRERACE_PUBLISH_TOKEN")
    ] = ""
    command: Annotated[
        str, Meta(description="starts it for each trial; `{port}`, `{publish_port}` and `{producer}` are filled in")
    ] = ""
    pid: Annotated[
        int,
        Meta(
            ge=0,
            le=4_194_304,
            description="its process, whose CPU time and memory are read, those of its children included",
        ),
    ] = 0
    container: Annotated[str, Meta(description="its Docker container, in place of `pid`")] = ""
    node_modules: Annotated[
        str, Meta(description="where packages of Node.js lie, for a shipped server that needs them")
    ] = ""

    @property
    def is_started(self) -> bool:
        """Whether Wirerace starts and stops it."""
        return bool(self.start or self.command)

    @property
    def is_local(self) -> bool:
        """Whether clients reach it on this machine."""
        return self.placed(SOME_PORTS).address[0] in OURS

    @property
    def has_tls(self) -> bool:
        """Whether its clients speak TLS."""
        return self.url.partition(":")[0] in SECURE

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect to it; it has been placed, or needs no placing."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if self.has_tls else 80)

    @property
    def follows_contract(self) -> bool:
        """Whether clients talk to it as to our own servers."""
        return self.dialect == "contract"

    def placed(self, values: Mapping[str, str]) -> "ForeignServer":
        """Return it with placeholders filled in, by their names."""
        filled = {}
        for key in ("url", "publish_url", "command"):
            filled[key] = getattr(self, key)
            for name, value in values.items():
                filled[key] = filled[key].replace(f"{{{name}}}", value)
        return msgspec.structs.replace(self, **filled)


def foreign_server(given: ForeignServer, transport: Transport, options: TransportOptions, at: str) -> ForeignServer:
    """Return the server of a contestant, with the values of a shipped one filled in. Errors call its table `at`.

    Raises BadInput, naming the key and the cure.
    """
    server = _shipped(given, transport, at) if given.start else given
    _check_source(server, at)
    _check_publisher(server, at)
    if server.command:
        _check_command(server.command, f"{at}.command")
    for key in ("url", "publish_url"):
        if value := getattr(server, key):
            _check_url(value, f"{at}.{key}", has_port=bool(server.command))
    _check_options(server, options, at)
    return server


def _shipped(given: ForeignServer, transport: Transport, at: str) -> ForeignServer:
    known = shipped_servers()
    if given.start not in known:
        raise BadInput(f"{at}.start: there is no {shown(given.start)}; there are {', '.join(known)}")
    others = set(msgspec.to_builtins(given)) - {"start", "node_modules"}
    if others:
        raise BadInput(f"{at}.{min(others)}: {given.start} has its own: take it out, or take start out")
    shipped = known[given.start]
    if transport.name not in shipped.paths:
        raise BadInput(f"{at}.start: {given.start} has no {transport.name}; it has {', '.join(shipped.paths)}")
    return msgspec.structs.replace(
        given,
        url=f"http://127.0.0.1:{{port}}{shipped.paths[transport.name]}",
        dialect=shipped.dialect,
        publisher=shipped.publisher,
        publish_url=shipped.publish_url if shipped.publisher != "none" else "",
        command=shipped.command,
    )


def _check_source(server: ForeignServer, at: str) -> None:
    if not server.url:
        raise BadInput(f'{at}.url must say where clients subscribe, for example url = "http://127.0.0.1:9000/updates"')
    named = [key for key in ("command", "pid", "container") if getattr(server, key)]
    if len(named) > 1:
        raise BadInput(f"{at}.{named[1]}: the server is known by its {named[0]} already: take one of them out")
    if server.node_modules and not server.start:
        raise BadInput(f"{at}.node_modules is for a shipped server: set NODE_PATH for your own command")
    if server.authority_file and not server.has_tls:
        raise BadInput(f"{at}.authority_file is for a server of TLS: write https:// in url, or take it out")


def _check_publisher(server: ForeignServer, at: str) -> None:
    publisher = server.publisher
    if publisher == "none":
        for key in ("publish_url", "topic", "token_file"):
            if getattr(server, key):
                raise BadInput(f'{at}.{key} needs a publisher: write publisher = "post", or take it out')
        return
    if not server.publish_url:
        raise BadInput(f"{at}.publish_url must say where updates are published, because publisher is {publisher}")
    if publisher == "mercure" and not server.topic:
        raise BadInput(f'{at}.topic must name the topic of updates for mercure, for example topic = "updates"')
    for key in ("topic", "token_file") if publisher != "mercure" else ():
        if getattr(server, key):
            raise BadInput(f"{at}.{key} is for mercure, and publisher is {publisher}: take it out")


def _check_command(command: str, at: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadInput(f"{at} is no command line: {error}") from None
    if not words:
        raise BadInput(f"{at} is empty: name the program first")
    if "{port}" not in command and "{configuration}" not in command:
        raise BadInput(f"{at} must have {{port}}, which is another one in each trial, got {shown(command)}")


def _check_url(url: str, at: str, *, has_port: bool) -> None:
    if "port}" in url and not has_port:
        raise BadInput(f"{at}: {{port}} is the port of a command, and there is none: write the port")
    try:
        parts = urlsplit(ForeignServer(url=url).placed(SOME_PORTS).url)
        is_address = parts.port != 0 and is_host(parts.hostname or "")
    except ValueError:
        parts, is_address = urlsplit(""), False
    if parts.scheme in SECURE and at.endswith("publish_url"):
        raise BadInput(f"{at}: publications go without TLS: write http://, got {shown(url)}")
    if parts.scheme not in {"http", "ws", *SECURE} or not is_address or "@" in parts.netloc or parts.fragment:
        raise BadInput(f"{at} must be like http://127.0.0.1:9000/updates, without a user, got {shown(url)}")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput(f"{at} must be ASCII without spaces: write them as %20, got {shown(url)}")


def _check_options(server: ForeignServer, options: TransportOptions, at: str) -> None:
    """Raise BadInput for an option that only our own server knows."""
    table = at.removesuffix(".server")
    for field in fields_at(type(options), "server"):
        if getattr(options, field.name) != field.default:
            raise BadInput(f"{table}.options.{field.name} is of Wirerace's own server: take it out, or take server out")
    if options.latest_only and not server.follows_contract:
        raise BadInput(f'{table}.options.deliver: a server that speaks {server.dialect} delivers all: write "all"')
