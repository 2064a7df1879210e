"""Checks of an experiment with other people's servers: what only ours can do is refused, with the cure."""

from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.experiment.servers import SOME_PORTS, ForeignServer

LINK_HOST = "127.0.0.1"


def check_foreign(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when an experiment asks a foreign server for what it cannot do."""
    for one in contestants:
        if one.server is not None:
            _check_clients(experiment, one.id, one.server)
            _check_path(one, one.server)
            _check_process(experiment, one, one.server)


def _check_clients(experiment: Experiment, name: str, server: ForeignServer) -> None:
    """Raise BadInput for what clients cannot ask of it."""
    if experiment.clients.browsers:
        raise BadInput(f"clients.browsers must be 0 with {name}, a foreign server: tabs speak to ours only")
    if server.follows_contract and server.publisher == "none":
        return
    if experiment.producer.channels > 1:
        raise BadInput(f"producer.channels must be 1 with {name}: it has one topic; leave channels out")
    if experiment.population.is_visit:
        raise BadInput(
            f'population.kind: visitors ask for the newest update, and {name} knows no such question: write "stay"'
        )
    if experiment.upstream.is_on:
        raise BadInput(f"upstream.rate_per_second must be 0 with {name}, which takes no messages: leave [upstream] out")


def _check_path(one: Contestant, server: ForeignServer) -> None:
    """Raise BadInput for what cannot lie between it and its clients."""
    path = one.path
    if path.is_forwarded and not server.is_local:
        raise BadInput(f"{one.id}: a path with a link or a proxy needs a server on this machine: take path out")
    if server.has_tls:
        _check_secure_path(one, server.placed(SOME_PORTS).address[0])
    elif path.tls and not path.has_reverse_proxy:
        raise BadInput(
            f'{one.id}: a foreign server has no certificate of the run: add proxy = "nginx", or take tls out'
        )
    if path.http == 2 and not server.follows_contract:
        raise BadInput(
            f"{one.id}: clients with dialect {server.dialect} speak HTTP/1.1 only: take http out of its path"
        )
    if path.has_reverse_proxy and server.dialect == "nchan" and one.transport.name == "stream":
        raise BadInput(
            f"{one.id}: nchan streams only what is asked for with TE: chunked, which a proxy does not pass on: take "
            "the proxy out of its path"
        )


def _check_secure_path(one: Contestant, host: str) -> None:
    """Raise BadInput for what cannot lie between clients and a server that speaks TLS itself."""
    if one.path.has_reverse_proxy:
        raise BadInput(f"{one.id}: a reverse proxy speaks no TLS to its server: take proxy out of its path")
    if one.path.buffer_bytes:
        raise BadInput(f"{one.id}: the link cannot see with https where an answer ends: take buffer_bytes out")
    if one.path.has_proxy and host != LINK_HOST:
        raise BadInput(
            f"{one.id}: clients of a link connect to {LINK_HOST}, and want a certificate for it: write that in url, or "
            "take the link out of its path"
        )


def _check_process(experiment: Experiment, one: Contestant, server: ForeignServer) -> None:
    """Raise BadInput for what cannot be done to its process."""
    if experiment.servers.by_broker:
        raise BadInput(f"servers.feed: {one.id} follows the producer's own feed: take feed out, or leave {one.id} out")
    if server.is_started:
        return
    if experiment.servers.cpus is not None:
        raise BadInput(
            f"servers.cpus: {one.id} runs already, and is not limited: start it with a command, or take it out"
        )
    for number, fault in enumerate(experiment.faults):
        if fault.on == "server":
            raise BadInput(
                f"faults[{number}]: a {fault.kind} on server: {one.id} is not Wirerace's to {fault.kind}: start it "
                "with a command, or take the fault out"
            )
