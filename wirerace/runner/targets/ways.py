"""What lies between the clients of a trial and its server, as processes: a link, and a reverse proxy."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from wirerace.addresses import spelled
from wirerace.errors import TrialFailed
from wirerace.experiment.plans import Plan
from wirerace.options import fields_at
from wirerace.runner.network.certificates import RunCertificate
from wirerace.runner.network.control import place_of
from wirerace.runner.network.reverse.configuration import Installed
from wirerace.runner.network.reverse.program import LOOPBACK, Certificate, Route
from wirerace.runner.network.reverse.starting import (
    ReverseChild,
    Start,
    new_directory,
    refuse_without_upgrade,
    start_reverse,
)
from wirerace.runner.parts.broker import NAME as BROKER
from wirerace.runner.parts.broker import BrokerChild, BrokerProgram, start_broker
from wirerace.runner.parts.family import Family
from wirerace.runner.parts.process import Process
from wirerace.runner.parts.replicas import peers_of
from wirerace.runner.peer import Peer
from wirerace.runner.progress import TICK_SECONDS
from wirerace.runner.targets.descriptors import connections_of
from wirerace.runner.targets.locust import target_of
from wirerace.stopping import whole

LINK_SECONDS = 60.0  # for a path's link to come up


def server_arguments(plan: Plan, producer_url: str, origins: Sequence[str]) -> list[str]:
    """Return the options of a plan's server of ours; pages of the origins may read updates."""
    own = {field.name: getattr(plan.options, field.name) for field in fields_at(plan.transport.options, "server")}
    arguments = ["--producer-url", producer_url, "--contestant", msgspec.json.encode(own).decode()]
    return arguments + (["--allowed-origins", ",".join(origins)] if origins else [])


def server_peer(plan: Plan, entry: tuple[str, int], any_port: Callable[[], int]) -> Peer:
    """Return where a server of a plan is to listen: at the entry of clients, unless something stands before it."""
    (address, port), is_first = entry, not plan.path.is_forwarded
    own = port if is_first and not plan.path.tls else 0
    return Peer(plan.transport.name, own or any_port(), host=address if is_first else LOOPBACK)


def on_loopback(port: int) -> str:
    """Return the address of a port of this machine's own."""
    return f"{LOOPBACK}:{port}"


def server_address(server: Peer) -> str:
    """Return where a server takes connections, as what lies before it connects there.

    Raises TrialFailed when it takes none.
    """
    try:
        return spelled(*place_of(*server.client_address))
    except OSError as error:
        raise TrialFailed(f"{server.name} cannot be reached at {spelled(*server.client_address)}: {error}") from None


def link_command(plan: Plan, path: Peer, control: Peer, server: Peer) -> list[str]:
    """Return the arguments to Python that start the link of a plan's path before a server."""
    return link_arguments(plan, spelled(*path.client_address), control.port, server_address(server))


def link_arguments(plan: Plan, listen: str, control_port: int, server: str) -> list[str]:
    """Return the same between addresses such as `127.0.0.1:8001`, for any host."""
    link = msgspec.json.encode(plan.path).decode()
    return ["-m", "wirerace.runner.network.control", listen, str(control_port), server, link, str(plan.seed)]


def wait_until_open(part: Process, *peers: Peer) -> None:
    """Wait until all ports of a part are open.

    Raises TrialFailed when they do not open.
    """
    deadline = time.monotonic() + LINK_SECONDS
    while not all(peer.is_open() for peer in peers):
        if part.has_ended() or time.monotonic() > deadline:
            raise part.failure("does not come up")
        time.sleep(TICK_SECONDS)


def start_run_broker(program: BrokerProgram, logs: Path, keep: Callable[[Family], None]) -> BrokerChild:
    """Start the broker of a run, with files of its own. `keep` gets it as soon as it runs.

    Raises TrialFailed when it does not come up.
    """

    def start(command: list[str], directory: Path) -> Family:
        with whole():
            family = Family(BROKER, command, logs.resolve() / "broker.log", directory)
            keep(family)
        return family

    with new_directory("nats") as directory:
        return start_broker(program, directory, start)


def start_before(  # noqa: PLR0913, PLR0917 -- what stands before which server, and where its files are
    plan: Plan,
    at: tuple[str, int],
    server: Peer,
    installed: Installed,
    certificate: RunCertificate | None,
    files: Path,
    start: Start,
) -> ReverseChild:
    """Start the reverse proxy of a plan's path at an address and port, before a server.

    `files` is the path of its files without an ending.

    Raises TrialFailed when it does not come up, or when the plan's clients need an upgrade that it does not make.
    """
    path, servers = plan.path, [server_address(peer) for peer in peers_of(server)]
    own = None if certificate is None or not path.tls else Certificate(certificate.chain, certificate.key)
    with new_directory(files.name) as directory:
        route = Route(at[1], servers, connections_of(plan.experiment), path, directory, own, address=at[0])
        child = start_reverse(installed, route, files.with_name(f"{files.name}.{installed.program.ending}"), start)
    if plan.transport.name == "websocket" and path.http == 1:  # over HTTP/2 its SETTINGS say so
        refuse_without_upgrade(child, target_of(plan) or plan.transport.path)
    return child
