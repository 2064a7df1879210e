"""How long an update may take, and how long clients may take to come.

Priming, draining and the grace period of clients that leave wait for the former. Nothing here is measured. It follows
from the path, the client's options and the backoffs, and from the number of clients. The spare time is for slow
machines.
"""

from wirerace.backoff import OF_CLIENTS, OF_FEED
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import NetworkPath
from wirerace.transports.transport import TransportOptions

SPARE_SECONDS = 1.0
"""Allows for processes that have to wait for a core."""
REPAIR_SECONDS = 20.0
"""The limit for a broken part to be up again. After that, deliveries that have not come count as lost."""
SUBSCRIBE_SECONDS = 60.0
"""For clients to come, beyond the time of spawning them: on a busy machine, starting Locust takes many seconds."""
SEARCH_SUBSCRIBE_SECONDS = 20.0
"""The same, in a search for capacity: some values are too high for the server."""
CLIENT_SECONDS = 0.01
"""For each client, beyond that. It takes load and server together some 0.5 ms of a core."""


def longest_seconds(path: NetworkPath, options: TransportOptions) -> float:
    """Return the longest that an update may take from its making to its client, when nothing breaks.

    A request that has just reached the server too early is answered without the update. The next one reaches the server
    after the longest gap between two requests, and its answer takes the path's delay once. Clients that do not ask have
    no gap. A shared cache may answer without the update until what it has stored before is too old.
    """
    opening_trips = (2 if path.tls else 1) if options.opens_anew else 0
    exchange_seconds = 2 * path.most_way_seconds * (1 + opening_trips)
    return options.longest_gap_seconds(exchange_seconds) + path.most_way_seconds + path.most_cached_seconds


def return_seconds(path: NetworkPath) -> float:
    """Return the longest that a client may still be away once all parts are up again.

    Its server has to reach the producer first. A client's attempt just before that has failed. The client learns this
    one path delay later, waits for its backoff, opens a connection and asks.
    """
    return OF_FEED.most_seconds + OF_CLIENTS.most_seconds + (7 if path.tls else 5) * path.most_way_seconds


def drain_seconds(
    path: NetworkPath, options: TransportOptions, visit_seconds: float, *, breaks: bool, holding_seconds: float = 0.0
) -> float:
    """Return the longest that a trial waits for deliveries after its window; `breaks` says that something may break.

    `visit_seconds` is the longest time that a visitor may stay, `holding_seconds` for how long the path may hold an
    update back.
    """
    usual_seconds = max(longest_seconds(path, options) + holding_seconds, visit_seconds) + SPARE_SECONDS
    return usual_seconds + (REPAIR_SECONDS + return_seconds(path) if breaks else 0.0)


def subscribe_seconds(experiment: Experiment, clients: int) -> float:
    """Return the longest that clients may take to be there, and again to have the priming update."""
    spawning_seconds = clients / experiment.clients.spawn_per_second
    if experiment.kind == "capacity":
        return SEARCH_SUBSCRIBE_SECONDS + spawning_seconds
    return SUBSCRIBE_SECONDS + spawning_seconds + clients * CLIENT_SECONDS
