"""`wirerace check`: check a server, of any make, against the delivery contract."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from typing import Annotated, NamedTuple

import typer

from wirerace.checking.address import CheckedAddress, address_in
from wirerace.checking.command import ServerCommand, command_in, takes_connections
from wirerace.checking.feed import OwnFeed
from wirerace.checking.promises import promises_for
from wirerace.checking.scene import Scene, wait_until
from wirerace.checking.suite import check
from wirerace.checking.talk import Patience
from wirerace.checking.target import look_at
from wirerace.checking.verdicts import PromiseFinding
from wirerace.errors import BadInput, shown
from wirerace.host.ports import free_port
from wirerace.report.checking import json_of, line_of, print_ending, print_list
from wirerace.similar import did_you_mean, similar
from wirerace.tls import authority_in
from wirerace.transports import TRANSPORTS

FEED_PORT = 8100
LOOPBACK = "127.0.0.1"


class CheckOptions(NamedTuple):
    """What was asked for."""

    transport: str
    address: CheckedAddress
    command: list[str] | None
    feed_host: str
    feed_port: int | None
    wait_seconds: float
    patience_seconds: float
    slow: bool
    only: tuple[str, ...]
    as_json: bool

    @property
    def url(self) -> str:
        """The server under test."""
        return self.address.url


def command(  # noqa: PLR0913 -- the options of a command
    url: Annotated[
        str | None, typer.Argument(help="The server, such as http://127.0.0.1:9000.", metavar="[URL]")
    ] = None,
    *,
    transport: Annotated[str, typer.Option(help=f"Its transport: {', '.join(TRANSPORTS)}.", metavar="NAME")],
    command_line: Annotated[
        str | None,
        typer.Option("--command", help="Start the server so, with {port} and {producer} filled in.", metavar="COMMAND"),
    ] = None,
    feed_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help=f"Port of the feed: {FEED_PORT}, or a free one with --command.")
    ] = None,
    feed_host: Annotated[str, typer.Option(help="Address of the feed, for a server in a container.")] = LOOPBACK,
    no_feed: Annotated[bool, typer.Option("--no-feed", help="Check only what needs no feed.")] = False,
    authority_file: Annotated[
        str,
        typer.Option(help="Authority of the server's certificate, as PEM, in place of the system's.", metavar="FILE"),
    ] = "",
    wait_seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How long to wait for the server, and for it to follow the feed.")
    ] = 30.0,
    patience_seconds: Annotated[
        float, typer.Option(min=0.1, max=60, help="How long to wait for what must come at once.")
    ] = 3.0,
    slow: Annotated[bool, typer.Option("--slow", help="Check also what takes more than ten seconds.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Check this promise only; may be repeated.")] = None,
    as_list: Annotated[bool, typer.Option("--list", help="Print the promises of the transport, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a server of your own, in any language, against the delivery contract, promise by promise.

    The server follows a producer that this command starts. docs/your_own_server.md takes you from nothing to there.

    **Examples:**

        wirerace check http://127.0.0.1:9000 --transport sse

        wirerace check --transport sse --command "node server.js --port {port} --producer-url {producer}"

        wirerace check http://127.0.0.1:9000 --transport websocket --no-feed --json

        wirerace check https://127.0.0.1:9443 --transport sse --authority-file authority.pem

    Exit codes: 0 no promise is broken; 1 a promise is not kept; 2 bad input; 5 the system refused something;
    129 SIGHUP; 130 Ctrl-C; 143 SIGTERM.
    """
    if transport not in TRANSPORTS:
        meant = did_you_mean(similar(transport, TRANSPORTS))
        raise BadInput(f"--transport {transport}: there is no such transport{meant} there are {', '.join(TRANSPORTS)}")
    promises = promises_for(transport, only or ())
    if as_list:
        print_list(promises)
        return
    options = CheckOptions(
        transport,
        _address(url, authority_file, has_command=command_line is not None),
        None if command_line is None else command_in(command_line, needs_producer=not (no_feed or feed_port)),
        feed_host,
        None if no_feed else (feed_port or (free_port() if command_line else FEED_PORT)),
        wait_seconds,
        patience_seconds,
        slow,
        tuple(only or ()),
        as_json,
    )
    if any(finding.verdict == "fail" for finding in _checked(options)):
        raise typer.Exit(1)


def _address(url: str | None, authority_file: str, *, has_command: bool) -> CheckedAddress:
    """Return the address of the server; with a command it may be any free one."""
    authority = authority_in(authority_file, "--authority-file") if authority_file else ""
    if url is not None:
        address = address_in(url, authority)
        if authority_file and address.tls is None:
            raise BadInput(f"--authority-file is for a server of TLS: write https://, got {shown(url)}")
        return address
    if authority_file:
        raise BadInput("--authority-file is for a server of TLS: name its URL, such as https://127.0.0.1:9443")
    if not has_command:
        raise BadInput("name the server's URL, such as http://127.0.0.1:9000, or start it with --command")
    return CheckedAddress(LOOPBACK, free_port())


def _checked(options: CheckOptions) -> Sequence[PromiseFinding]:
    """Check, print, and return the findings."""
    begun = time.monotonic()
    with (
        nullcontext() if options.command is None else closing(ServerCommand(options.command, options.address))
    ) as command:
        findings = asyncio.run(_check(options, command))
    if options.as_json:
        sys.stdout.buffer.write(json_of(findings, options.url, options.transport, time.monotonic() - begun))
    else:
        print_ending(findings, f"{TRANSPORTS[options.transport].title} at {options.url}")
    return findings


async def _check(options: CheckOptions, command: ServerCommand | None) -> list[PromiseFinding]:
    feed = None if options.feed_port is None else OwnFeed()
    scene = Scene(options.transport, options.address, Patience(options.patience_seconds), feed, command)
    try:
        if feed is not None and options.feed_port is not None:
            await feed.start(options.feed_host, options.feed_port)
        await _begin(options, scene, feed)
        findings: list[PromiseFinding] = []
        async for finding in check(scene, slow=options.slow, only=options.only):
            if not options.as_json:
                sys.stdout.write(f"{line_of(finding, findings[-1].why if findings else '')}\n")
                sys.stdout.flush()
            findings.append(finding)
        return findings
    finally:
        scene.tidy()
        if feed is not None:
            await feed.close()


async def _begin(options: CheckOptions, scene: Scene, feed: OwnFeed | None) -> None:
    """Start the server, or wait until it listens; then until it follows the feed.

    Raises BadInput when it cannot be checked. A server that does not follow is checked: that is a failure like others.
    """
    if scene.command is not None:
        if await takes_connections(options.address):
            raise BadInput(f"something listens at {options.url} already: end it, or leave out the URL")
        producer = feed.url if feed is not None else ""
        scene.command.set_values(port=str(options.address.port), producer=producer)
        await scene.command.start()
    else:
        await _find(options, feed)
    await look_at(scene)
    if feed is not None and not await feed.until_followed(options.wait_seconds):
        waited = f"after {options.wait_seconds:g} s"
        _say(f"nobody follows {feed.url} {waited}: start your server with that URL, or add --no-feed")


async def _find(options: CheckOptions, feed: OwnFeed | None) -> None:
    """Wait until something listens at the URL. Raises BadInput when nothing does."""
    try:
        await asyncio.get_running_loop().getaddrinfo(options.address.host, options.address.port)
    except OSError:
        raise BadInput(f"the name in {options.url} cannot be looked up: is it spelled right?") from None
    if feed is not None:
        _say(f"point your server's producer at {feed.url}, and start it at {options.url}")

    async def listens() -> bool:
        return await takes_connections(options.address)

    if not await wait_until(listens, options.wait_seconds if feed is not None else 0.0):
        raise BadInput(f"nothing listens at {options.url}: start your server there, or name another URL")


def _say(line: str) -> None:
    """Write a line for people, beside the findings."""
    sys.stderr.write(f"wirerace: {line}\n")
    sys.stderr.flush()
