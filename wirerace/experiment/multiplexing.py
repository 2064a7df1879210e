"""Checks of contestants over HTTP/2: what cannot be measured over shared connections, each with its cure."""

from collections.abc import Iterable

from wirerace.errors import BadInput
from wirerace.experiment.contestants import Contestant
from wirerace.experiment.model import Experiment
from wirerace.experiment.paths import ReverseProxy

WITH_WEBSOCKETS: tuple[ReverseProxy, ...] = ("haproxy",)
"""Reverse proxies whose HTTP/2 carries WebSockets (RFC 8441): HAProxy 2.6. nginx 1.22 and Caddy 2.6 do not say so in
their SETTINGS."""


def check_multiplexing(experiment: Experiment, contestants: Iterable[Contestant]) -> None:
    """Raise BadInput, naming contestant and cure, when one cannot be measured over HTTP/2."""
    for contestant in contestants:
        path = contestant.path
        if path.http != 2:
            continue
        if contestant.options.opens_anew:
            raise BadInput(
                f"{contestant.id}: keep_alive = false with http = 2: a connection of HTTP/2 is made to carry many "
                "requests, and no client closes it after each: leave keep_alive out, or take http = 1"
            )
        if contestant.transport.two_way and path.has_reverse_proxy and path.proxy not in WITH_WEBSOCKETS:
            able = " or ".join(f'"{name}"' for name in WITH_WEBSOCKETS)
            raise BadInput(
                f"{contestant.id}: {path.proxy} has no {contestant.transport.title} over HTTP/2 (RFC 8441): take "
                f"proxy = {able}, or a path with http = 1 for it"
            )
        if experiment.clients.browsers:
            raise BadInput(
                f"clients.browsers: browsers speak HTTP/2 with TLS only, and do not trust a run's certificate: give "
                f"{contestant.id} a path with http = 1, or leave browsers out"
            )
        if experiment.population.is_visit and path.streams_per_connection > 1:
            raise BadInput(
                f"{contestant.id}: each visitor opens a connection of its own: leave streams_per_connection out"
            )
