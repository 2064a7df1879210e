"""Checks of contestants behind a shared cache, each with its cure: all clients that ask for an address get one answer.

The address has the client's cursor (`after`), and the answer has the cursor of its last update. So a client that gets a
stored answer continues where that answer ended. It may get updates late, but loses none and gets none twice.
"""

from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment

OUT = "leave cache_seconds out of its path"


def check_caching(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming contestant and cure, when a shared cache would break what a contestant gets."""
    for contestant in contestants:
        if contestant.path.cache_seconds:
            _check_contestant(contestant)
            _check_clients(experiment, contestant.id)


def _check_contestant(contestant: Contestant) -> None:
    """Raise BadInput when the cursor is not in the address of each request, or when an answer is waited for."""
    name = contestant.id
    if contestant.transport.way != "polled":
        held = "an answer that is held" if contestant.transport.way == "held" else "what is pushed"
        raise BadInput(f"{name}: a shared cache cannot answer with {held}: {OUT}, or take polling")
    if getattr(contestant.options, "conditional", False):
        raise BadInput(
            f"{name}.conditional: a cache answers If-None-Match itself, and the server would not see the cursor in it: "
            f"leave conditional out, or {OUT}"
        )
    if contestant.server is not None and not contestant.server.follows_contract:
        raise BadInput(
            f"{name}: with dialect {contestant.server.dialect} a client's place is not in the address that it asks "
            f"for: {OUT}"
        )


def _check_clients(experiment: Experiment, name: str) -> None:
    if experiment.population.is_visit:
        raise BadInput(
            f"{name}: visitors ask for the newest update, and a cache may give an older one to all of them: {OUT}, or "
            'write population.kind = "stay"'
        )
    if experiment.clients.browsers:
        raise BadInput(
            f"clients.browsers must be 0 with {name}: a cache keeps answers to tabs apart (Vary: Origin), so they are "
            f"not those of the clients beside them: leave browsers out, or {OUT}"
        )
