"""Checks of an experiment with replicated servers: what they need, and what one server alone can do."""

from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment


def check_replicas(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming the key and the cure, when replicas have nothing before them, or cannot be counted."""
    replicas = experiment.servers.replicas
    if replicas == 1:
        return
    for one in contestants:
        if one.server is not None:
            raise BadInput(f"servers.replicas must be 1 with {one.id}, a foreign server: leave replicas out")
        if not one.path.has_reverse_proxy:
            raise BadInput(
                f"servers.replicas = {replicas}: nothing on the path of {one.id} spreads its clients over them: "
                'add proxy = "nginx", "haproxy" or "caddy" to its path'
            )
    if experiment.upstream.is_on:
        raise BadInput(
            f"upstream.rate_per_second must be 0 with servers.replicas = {replicas}: each server keeps a record of its "
            "own messages; leave [upstream] or replicas out"
        )
    if experiment.clients.browsers:
        raise BadInput(f"clients.browsers must be 0 with servers.replicas = {replicas}: leave browsers or replicas out")
